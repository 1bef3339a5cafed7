"""What could not be read waits in a list, where a person settles it with a reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from calls import collected_fields, home
from calls.collected import take_in, values_of
from calls.models import CallAttempt, CollectedField, CollectedValue
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, seed_fields
from leads.models import Suppression
from leads.tests.admin_pages import said, staff
from leads.tests.factories import LeadFactory, SuppressionFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 9, 23, 16, tzinfo=UTC)
LIST = reverse("admin:calls_collectedvalue_changelist")


@pytest.fixture(autouse=True)
def _fields(db):
    seed_fields()


def call(run, info, **more) -> CallAttempt:
    over = {
        "state": State.ENDED,
        "outcome": Outcome.SUCCESS,
        "open_lead_id": None,
        "open_phone": None,
        "claimed_at": NOW,
        "collected_info": info,
    }
    attempt = AttemptFactory(run=run, **(over | more))
    take_in(attempt, now=NOW)
    return attempt


def value(attempt: CallAttempt, name: str = "fechaDeseada") -> CollectedValue:
    return CollectedValue.objects.get(attempt=attempt, name=name)


def url(one: CollectedValue) -> str:
    return reverse("admin:calls_collectedvalue_change", args=[one.pk])


def press(staff, one: CollectedValue, **data: str):
    """As the page that is open sends it."""
    form = staff.get(url(one)).context["form"]
    return staff.post(url(one), {"seen": form["seen"].value()} | data, follow=True)


def allowed(client, *names: str) -> None:
    user = User.objects.create_user("ana", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)


# --- The list -----------------------------------------------------------------------


def test_the_list_begins_with_what_has_waited_longest(run, staff):
    first = value(call(run, {"fechaDeseada": "pronto"}))
    second = value(call(run, {"fechaDeseada": "el lunes", "horaDeseada": "17:00"}))

    page = staff.get(LIST)

    assert [*page.context["cl"].result_list] == [first, second]
    assert "no es una fecha escrita como se espera" in page.content.decode()
    everything = staff.get(f"{LIST}?state=all").context["cl"].result_list
    assert len(everything) == 3


def test_the_list_asks_as_much_for_one_value_as_for_many(
    run, staff, django_assert_max_num_queries
):
    for _n in range(12):
        call(run, {"fechaDeseada": "pronto"})

    with django_assert_max_num_queries(14):
        staff.get(LIST)


# --- One value ----------------------------------------------------------------------


def test_its_page_shows_the_raw_value_and_what_was_said(run, staff):
    one = value(
        call(
            run,
            {"fechaDeseada": "<b>el 25</b>", "horaDeseada": "17:00"},
            summary="Quiere el día 25.",
            transcript=[{"role": 3, "text": "El 25 me va bien."}, {"role": None}],
            sentiment=4,
            tags=["cita"],
        )
    )

    page = staff.get(url(one)).content.decode()

    for words in (
        "&lt;b&gt;el 25&lt;/b&gt;",
        "No es una fecha escrita como se espera.",
        "Quiere el día 25.",
        "El 25 me va bien.",
        "Algo positivo",
        "cita",
        "«17:00», por consulta a Pearl",
        "en la variable «fechaDeseada»",
    ):
        assert words in page


def test_a_person_corrects_it_and_goes_on_to_the_next(run, staff):
    attempt = call(run, {"fechaDeseada": "el 25"})
    following = value(call(run, {"fechaDeseada": "el 26"}))

    answer = press(
        staff, value(attempt), value="2025-09-25", reason="Se oye", correct="1"
    )

    assert answer.redirect_chain[-1][0] == url(following)
    assert "Corregido." in said(answer)
    assert values_of(attempt).wished_date == date(2025, 9, 25)
    settled = value(attempt)
    assert (settled.state, settled.reason) == ("corrected", "Se oye")
    assert settled.settled_by.username == "admin"
    page = staff.get(url(settled)).content.decode()
    assert "Corregido: 25/09/2025 · Se oye" in " ".join(page.split())


def test_a_person_dismisses_it_without_a_value(run, staff):
    attempt = call(run, {"fechaDeseada": "no sé"})

    answer = press(staff, value(attempt), reason="No quiso decirlo", dismiss="1")

    assert answer.redirect_chain[-1][0] == LIST
    assert "No queda ninguno por revisar." in said(answer)
    assert value(attempt).state == "dismissed"
    assert values_of(attempt).wished_date is None


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"value": "2025-09-25", "correct": "1"}, "reason"),
        ({"value": "2025-09-31", "reason": "x", "correct": "1"}, "value"),
        ({"reason": "x", "correct": "1"}, "value"),
        ({"dismiss": "1"}, "reason"),
    ],
)
def test_neither_without_a_reason_nor_with_what_is_no_value(run, staff, data, field):
    attempt = call(run, {"fechaDeseada": "el 25"})

    answer = press(staff, value(attempt), **data)

    assert answer.status_code == 400
    assert answer.context["form"].errors[field]
    assert value(attempt).state == "review"


@pytest.mark.parametrize(
    ("kind", "more", "sent", "kept"),
    [
        ("time", {"formats": ["clock"]}, "17:30", time(17, 30)),
        ("yes_no", {}, "no", False),
        ("number", {}, "12,5", Decimal("12.5")),
        ("text", {}, "a las 5", "a las 5"),
        (
            "moment",
            {"formats": ["iso"]},
            "2025-09-25T17:30",
            datetime(2025, 9, 25, 15, 30, tzinfo=UTC),
        ),
        (
            "choice",
            {"choices": [{"code": "a", "label": "Uno", "words": []}]},
            "a",
            "a",
        ),
    ],
)
def test_a_value_is_corrected_in_its_own_type(run, staff, kind, more, sent, kept):
    field = CollectedField(
        label="Otro", names=["otro"], kind=kind, **({"formats": []} | more)
    )
    collected_fields.add(field, by=None, now=NOW)
    attempt = call(run, {"otro": {"raro": 1}})
    one = value(attempt, "otro")
    assert one.state == "review"

    press(staff, one, value=sent, reason="Se oye", correct="1")

    one.refresh_from_db()
    assert one.value == kept
    assert type(one.value) is type(kept)
    again = staff.get(url(one)).context["form"]
    assert again["value"].value() is not None


def test_of_two_people_at_one_page_the_second_is_told(run, staff):
    attempt = call(run, {"fechaDeseada": "el 25"})
    one = value(attempt)
    seen = staff.get(url(one)).context["form"]["seen"].value()
    press(staff, one, reason="Nada", dismiss="1")

    data = {"seen": seen, "value": "2025-09-25", "reason": "Algo", "correct": "1"}
    answer = staff.post(url(one), data)

    assert answer.status_code == 400
    assert "Cambió mientras lo miraba" in answer.content.decode()
    assert value(attempt).state == "dismissed"


def test_an_auditor_reads_and_settles_nothing(run, client):
    one = value(call(run, {"fechaDeseada": "el 25"}))
    allowed(client, "view_collectedvalue")

    page = client.get(url(one))
    answer = client.post(url(one), {"reason": "x", "dismiss": "1"})

    assert page.status_code == 200
    assert page.context["form"] is None
    assert answer.status_code == 403
    one.refresh_from_db()
    assert one.state == "review"


def test_nobody_without_the_permission_reads_it(run, client):
    one = value(call(run, {"fechaDeseada": "el 25"}))
    allowed(client, "view_lead")

    assert client.get(url(one)).status_code == 403
    assert client.get(LIST).status_code == 403


def test_a_value_that_is_not_there_is_not_found(staff):
    assert staff.get(f"{LIST}999/change/").status_code == 404
    assert staff.get(f"{LIST}x/change/").status_code == 404


# --- On the first page --------------------------------------------------------------


def test_the_first_page_says_how_much_waits_and_leads_there(run, staff):
    LeadFactory()
    before = staff.get(reverse("home")).content.decode()
    cache.clear()
    one = value(call(run, {"fechaDeseada": "el 25", "horaDeseada": "17:00"}))
    SuppressionFactory(proposed=True)
    SuppressionFactory(proposed=True, expires_at=timezone.now() - timedelta(days=1))
    SuppressionFactory()

    page = staff.get(reverse("home")).content.decode()
    today = home.today(now=timezone.now(), wait=True)

    assert "Por revisar:" not in before
    assert (today.values_to_review, today.exclusions_to_review) == (1, 1)
    assert f'href="{LIST}">1 dato que no se entendió</a>' in page
    where = reverse("admin:leads_suppression_changelist")
    assert f'href="{where}?state=proposed">1 exclusión propuesta</a>' in page
    press(staff, one, reason="Nada", dismiss="1")
    Suppression.objects.all().delete()
    assert "Por revisar:" not in staff.get(reverse("home")).content.decode()
