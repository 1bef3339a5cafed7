"""What was kept can be read again, from the terminal and from the admin."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from calls import outcomes, webhooks
from calls.evidence import Evidence
from calls.models import CallAttempt, PearlEvent
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory
from leads.models import Lead, LeadEvent, Suppression

Result = PearlEvent.Result
CALL, UNKNOWN_CALL = "c" * 24, "d" * 24

pytestmark = pytest.mark.django_db


def event(call_id: str = CALL, attempt: CallAttempt | None = None, **more: object):
    marker = [{"id": "ttAttemptId", "value": str(attempt.token)}] if attempt else []
    told = {"id": call_id, "to": "+34600000001", "status": 7, "conversationStatus": 10}
    return json.dumps({**told, "duration": 0, "collectedInfo": marker, **more}).encode()


def keep(*bodies: bytes) -> None:
    now = timezone.now() - timedelta(minutes=10)
    webhooks.keep_all(bodies, now=now)
    webhooks.process_kept(now=now)


def replay(*options: str) -> str:
    out = io.StringIO()
    call_command("replay_events", *options, stdout=out)
    return out.getvalue()


def rows() -> list[list[dict]]:
    """Everything that an event may touch, to the last column."""
    models = (PearlEvent, CallAttempt, Lead, LeadEvent, Suppression)
    return [[*model.objects.order_by("pk").values()] for model in models]


def test_replaying_twice_is_replaying_once(settings):
    settings.POLL_SECONDS = 20.0
    ended, going_on, confirmed = AttemptFactory.create_batch(
        3, run=AttemptFactory().run
    )
    outcomes.record(
        confirmed,
        Evidence(pearl_call_id="a" * 24, call_code=7),
        now=timezone.now(),
        confirms=True,
    )
    keep(
        event(attempt=ended),
        event(attempt=ended, summary="Más tarde."),
        event("b" * 24, attempt=going_on, status=3, conversationStatus=40),
        event(
            "a" * 24, attempt=confirmed, status=4, conversationStatus=100, duration=9
        ),
        event(UNKNOWN_CALL),
        b"nonsense",
    )
    everything = [f"--since={timezone.localdate() - timedelta(days=2):%d/%m/%Y}"]

    replay(*everything)
    once = rows()
    replay(*everything)

    def unstamped(tables):
        return [[{**r, "updated_at": None} for r in rows] for rows in tables]

    assert unstamped(rows()) == unstamped(once)
    confirmed.refresh_from_db()
    assert confirmed.outcome == Outcome.NO_ANSWER


def test_what_could_not_be_matched_is_matched_once_its_call_is_known():
    attempt = AttemptFactory()
    keep(event())
    CallAttempt.objects.update(pearl_call_id=CALL)

    said = replay("--unmatched")

    attempt.refresh_from_db()
    assert attempt.state == State.ENDED
    assert PearlEvent.objects.get().attempt == attempt
    assert "1  Aplicado" in said


def test_a_dry_run_says_what_would_happen_and_changes_nothing():
    attempt = AttemptFactory()
    keep(event())
    CallAttempt.objects.update(pearl_call_id=CALL)
    before = rows()

    said = replay("--unmatched", "--dry-run")

    assert "1  Aplicado" in said
    assert rows() == before
    attempt.refresh_from_db()
    assert attempt.state == State.ACCEPTED


def test_only_the_chosen_are_read():
    keep(event(), event(UNKNOWN_CALL), b"nonsense")
    first, second, _third = PearlEvent.objects.order_by("pk")
    PearlEvent.objects.filter(pk=first.pk).update(
        received_at=timezone.now() - timedelta(days=3)
    )
    yesterday = timezone.localtime() - timedelta(days=1)

    assert "1 avisos" in replay("--ids", str(second.pk))
    assert "2 avisos" in replay("--since", f"{yesterday:%d/%m/%Y %H:%M}")
    with pytest.raises(CommandError):
        replay()
    with pytest.raises(CommandError):
        replay("--since", "ayer")


def test_our_own_notes_among_the_events_are_left_alone():
    attempt = AttemptFactory()
    for call_id in (CALL, UNKNOWN_CALL):
        outcomes.record(
            attempt,
            Evidence(pearl_call_id=call_id, call_code=3),
            now=timezone.now(),
        )
    note = PearlEvent.objects.get()

    replay("--unmatched")

    note.refresh_from_db()
    assert note.result == Result.UNMATCHED
    assert "más de una llamada" in note.error


@pytest.fixture
def staff(client, django_user_model):
    user = django_user_model.objects.create_user("ana", is_staff=True)
    for code in ("view_pearlevent", "change_pearlevent"):
        user.user_permissions.add(Permission.objects.get(codename=code))
    client.force_login(user)
    return user


def press(client, *events: PearlEvent):
    data = {"action": "read_again", "_selected_action": [one.pk for one in events]}
    return client.post(reverse("admin:calls_pearlevent_changelist"), data, follow=True)


def test_the_admin_reads_chosen_events_again(client, staff):
    attempt = AttemptFactory()
    keep(event(), b"nonsense")
    CallAttempt.objects.update(pearl_call_id=CALL)

    page = press(client, *PearlEvent.objects.all()).content.decode()

    attempt.refresh_from_db()
    assert attempt.state == State.ENDED
    assert "1 fila cambiada. 1 sin cambio" in page


def test_who_may_only_look_cannot_have_events_read_again(client, staff):
    staff.user_permissions.remove(Permission.objects.get(codename="change_pearlevent"))
    AttemptFactory()
    keep(event())
    CallAttempt.objects.update(pearl_call_id=CALL)

    press(client, PearlEvent.objects.get())

    assert CallAttempt.objects.get().state == State.ACCEPTED


def test_the_list_of_events_names_nobody_and_their_page_changes_nothing(client, staff):
    keep(event(name="Persona Inventada", to="+34611222333"))
    address = reverse(
        "admin:calls_pearlevent_change", args=[PearlEvent.objects.get().pk]
    )

    listed = client.get(reverse("admin:calls_pearlevent_changelist")).content.decode()
    page = client.get(address).content.decode()
    client.post(address, {"body": "otra cosa"})

    assert "Inventada" not in listed
    assert "611222333" not in listed
    assert "Persona Inventada" in page
    assert "otra cosa" not in PearlEvent.objects.get().body
