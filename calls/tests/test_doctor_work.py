"""What the doctor says of what is stuck, or lies undone."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls.models import (
    CallAttempt,
    PearlEvent,
    Recording,
    Run,
)
from calls.states import State
from calls.tests.doctor_asked import ago, event, examine, well, worker
from calls.tests.factories import AttemptFactory
from leads.models import CallStatus
from leads.tests.factories import LeadFactory

__all__ = ["well", "worker"]

pytestmark = pytest.mark.django_db


def test_an_attempt_that_nobody_reaps(well):
    AttemptFactory(
        run=Run.objects.get(), state=State.DIALING, lease_expires_at=ago(minutes=9)
    )

    first, code, _text = examine()

    assert "pasado su plazo: 1, el más antiguo desde hace 9 min" in first
    assert code == 2


@pytest.mark.parametrize("state", [State.ACCEPTED, State.UNKNOWN])
def test_a_call_that_goes_on_for_longer_than_any_may(well, state):
    AttemptFactory(run=Run.objects.get(), state=state, claimed_at=ago(hours=6))

    first, code, _text = examine()

    assert f"«{state.label}» desde hace 6 h" in first
    assert code == 2


def test_calls_for_a_person_to_look_at(well):
    AttemptFactory(run=Run.objects.get(), state=State.MANUAL, claimed_at=ago(days=3))

    first, code, _text = examine()

    assert "Llamadas por revisar: 1, la más antigua de hace 3 días" in first
    assert code == 1


def test_a_lead_in_a_call_that_there_is_not(well):
    LeadFactory(call_status=CallStatus.CALLING, next_call_at=None)

    first, code, _text = examine()

    assert "sin que ningún intento los tenga: 1" in first
    assert code == 2


def test_webhooks_that_nobody_reads(well):
    event()

    first, code, _text = examine()

    assert "Avisos de Pearl sin leer: 1, el más antiguo desde hace 7 min" in first
    assert code == 1


def test_a_webhook_that_could_not_be_read(well):
    event(result=PearlEvent.Result.UNREADABLE)

    first, code, _text = examine()

    assert "aviso ilegible hace 7 min" in first
    assert code == 1


def ended(**changes) -> CallAttempt:
    facts = {
        "state": State.ENDED,
        "outcome": "busy",
        "open_lead_id": None,
        "open_phone": None,
        "closed_at": timezone.now(),
        "lead__call_status": CallStatus.BUSY,
        "lead__selected_for_calling": False,
    }
    return AttemptFactory(run=Run.objects.get(), **{**facts, **changes})


def test_recordings_that_nobody_copies(well):
    due = ago(minutes=30)
    Recording.objects.create(attempt=ended(), called_at=due, next_try_at=due)

    first, code, _text = examine()

    assert "Grabaciones sin copiar: 1" in first
    assert code == 1


def test_effects_that_nobody_follows(well):
    ended(effects_due_at=ago(minutes=30))

    first, code, _text = examine()

    assert "Llamadas confirmadas que esperan" in first
    assert code == 1


def test_calls_that_nobody_asks_pearl_about(well):
    AttemptFactory(run=Run.objects.get(), next_lookup_at=ago(minutes=30))

    first, code, _text = examine()

    assert "por las que nadie pregunta a Pearl: 1" in first
    assert code == 1


def test_an_hour_in_which_many_calls_could_not_be_made(well):
    attempts = [ended(state=State.NOT_SENT, outcome="") for _each in range(5)]

    first, code, _text = examine()

    assert "no enviadas: 5" in first
    assert str(attempts[-1].token) in first
    assert code == 1


def test_promises_are_told_as_every_page_tells_them(well):
    LeadFactory(callback_at=ago(hours=2), next_call_at=ago(hours=2))

    first, code, _text = examine()

    assert "1 rellamada prometida no se ha hecho" in first
    assert code == 1
