"""What a call brought back is shown wherever its lead is, in words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls import collected, timeline
from calls.collected import take_in
from calls.models import CallAttempt, CollectedValue
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, seed_fields
from leads.models import Suppression
from leads.tests.admin_pages import change_url, staff
from leads.tests.factories import LeadFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
INFO = {
    "fechaDeseada": "26-11-2026",
    "horaDeseada": "17:00:00",
    "preferenciaMT": "afternoon",
    "interesado": "quizá",
}
SAID = "No me llaméis más."


@pytest.fixture(autouse=True)
def _fields(db):
    seed_fields()


@pytest.fixture
def lead():
    return LeadFactory(created_at=NOW, phone_e164="+34612345650")


def call(run, lead, **more) -> CallAttempt:
    over = {
        "state": State.ENDED,
        "outcome": Outcome.SUCCESS,
        "open_lead_id": None,
        "open_phone": None,
        "claimed_at": NOW,
        "collected_info": INFO,
        "summary": "Quiere cita el 26.",
        "sentiment": 2,
        "tags": ["cita", "tarde"],
    }
    attempt = AttemptFactory(run=run, lead=lead, **(over | more))
    take_in(attempt, now=NOW)
    return attempt


def places(lead, run) -> dict[str, str]:
    panel = reverse("calls:lead", args=[run.campaign_id, lead.pk])
    attempt = lead.attempts.get()
    one = reverse("admin:calls_callattempt_change", args=[attempt.pk])
    return {"panel": panel, "page": change_url(lead), "call": one}


def shown(client, where: str) -> str:
    page = client.get(where, headers={"HX-Request": "true"})
    return " ".join(page.content.decode().split())


@pytest.mark.parametrize("place", ["panel", "page", "call"])
def test_values_mood_and_labels_are_told_in_words(run, lead, staff, place):
    call(run, lead, transcript=[{"role": 3, "text": SAID}])

    page = shown(staff, places(lead, run)[place])

    for words in (
        "Quiere cita el 26.",
        "Algo negativo",
        "cita</span>",
        "<dt>Día deseado</dt>",
        "<b>26/11/2026</b>",
        "«26-11-2026», por consulta a Pearl",
        "<b>17:00</b>",
        "<b>Por la tarde</b>",
        "Por revisar: no es ni un sí ni un no",
        f"<q>{SAID}</q>",
        "la exclusión está por revisar",
    ):
        assert words in page


def test_who_may_settle_them_is_led_to_what_waits(run, lead, staff):
    attempt = call(run, lead, transcript=[{"role": 3, "text": SAID}])
    unread = CollectedValue.objects.get(attempt=attempt, name="interesado")
    review = reverse("admin:calls_collectedvalue_change", args=[unread.pk])
    proposals = f"{reverse('admin:leads_suppression_changelist')}?state=proposed"

    assert review in shown(staff, places(lead, run)["page"])
    assert proposals in shown(staff, places(lead, run)["page"])
    user = User.objects.create_user("ana", is_staff=True)
    names = ["view_lead", "view_callattempt"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    staff.force_login(user)
    page = shown(staff, places(lead, run)["panel"])
    assert "Por revisar: no es ni un sí ni un no" in page
    assert review not in page
    assert proposals not in page


def test_what_people_decided_is_told_with_who_and_why(run, lead, admin_user):
    attempt = call(run, lead)
    unread = CollectedValue.objects.get(attempt=attempt, name="interesado")
    wished = CollectedValue.objects.get(attempt=attempt, name="fechaDeseada")
    collected.correct(
        wished, date(2026, 11, 27), reason="Se oye 27", by=admin_user, now=NOW
    )
    collected.dismiss(unread, reason="No lo dijo", by=admin_user, now=NOW)

    (entry, _created) = timeline.timeline(lead)

    told = {one.label: (one.words, one.provenance) for one in entry.said}
    assert told["Día deseado"] == (
        "27/11/2026",
        "«26-11-2026», por consulta a Pearl; corregido por admin el "
        "24/11/2026 11:00: Se oye 27",
    )
    assert told["Interesado"][0] == ""
    assert "descartado por admin" in told["Interesado"][1]


@pytest.mark.parametrize(
    ("become", "words"),
    [
        ({"proposed": True}, "la exclusión está por revisar"),
        ({"proposed": False}, "está excluido"),
        (None, "ya no está excluido"),
    ],
)
def test_a_request_tells_what_became_of_it(run, lead, become, words):
    call(run, lead, transcript=[{"role": 3, "text": SAID}])
    if become is None:
        Suppression.objects.all().delete()
    else:
        Suppression.objects.update(**become)

    asked = timeline.timeline(lead)[0].asked

    assert (asked.sentence, asked.words) == (SAID, words)


def test_a_rejected_one_tells_who_rejected_it(run, lead, staff):
    call(run, lead, transcript=[{"role": 3, "text": SAID}])
    pks = [*Suppression.objects.values_list("pk", flat=True)]
    data = {"action": "reject", "_selected_action": pks, "post": "yes"}

    staff.post(reverse("admin:leads_suppression_changelist"), data)

    assert "exclusión rechazada por admin el" in timeline.timeline(lead)[0].asked.words


def test_a_timeline_asks_as_much_for_one_call_as_for_many(run, lead):
    asked = []
    for _n in (1, 2):
        call(run, lead, transcript=[{"role": 3, "text": SAID}])
        timeline.timeline(lead)  # what is kept of the outcome table, once
        with CaptureQueriesContext(connection) as queries:
            timeline.timeline(lead)
        asked.append(len(queries))

    assert asked[0] == asked[1]


@pytest.mark.parametrize("odd", [{"tags": "x"}, {"tags": [None, {}]}, {"sentiment": 9}])
def test_odd_shapes_are_left_out(run, lead, staff, odd):
    call(run, lead, **odd)

    assert staff.get(places(lead, run)["panel"]).status_code == 200
    (entry, _created) = timeline.timeline(lead)
    assert [*entry.tags] == ([] if "tags" in odd else ["cita", "tarde"])
