"""What a confirmed call brings about, all of it together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calls import collected, effects, outcomes
from calls.evidence import Evidence
from calls.models import Appointment, CallAttempt, CollectedValue
from calls.tests.factories import AttemptFactory, ClinicFactory, seed_fields
from leads.models import CallStatus, Disposition, Lead, Suppression

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=3)
AGREED = {
    "fechaDeseada": "30-11-2026",
    "horaDeseada": "17:00:00",
    "interesado": "Sí",
}
AT_FIVE = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # 17:00 in Madrid


@pytest.fixture(autouse=True)
def _tables(db):
    seed_fields()
    ClinicFactory(name="Clínica Norte")


@pytest.fixture
def attempt() -> CallAttempt:
    started = NOW - timedelta(minutes=3)
    return AttemptFactory(claimed_at=started, lead__clinic_name="Clínica Norte")


def ends(attempt: CallAttempt, *, conversation: int = 100, **more: object) -> Evidence:
    told = {"pearl_call_id": "c" * 24, "duration_seconds": 60, **more}
    told.setdefault("started_at", attempt.claimed_at)
    return Evidence(call_code=4, conversation_code=conversation, **told)


def confirm(attempt: CallAttempt, evidence: Evidence, *, now: datetime = NOW) -> None:
    assert outcomes.record(attempt, evidence, now=now, look_at=now, confirms=True)
    effects.follow_due(now=now)


def test_a_day_and_an_hour_agreed_become_one_appointment(attempt):
    told = ends(attempt, collected_info=AGREED)

    assert outcomes.record(attempt, told, now=NOW, look_at=NOW)
    effects.follow_due(now=NOW)
    assert not Appointment.objects.exists()  # only a webhook said so

    confirm(attempt, told)
    effects.follow(attempt.pk, now=LATER)

    made = Appointment.objects.get()
    assert (made.attempt_id, made.starts_at) == (attempt.pk, AT_FIVE)
    lead = Lead.objects.get(pk=attempt.lead_id)
    assert lead.disposition == Disposition.APPOINTMENT
    assert (lead.call_status, lead.selected_for_calling) == (
        CallStatus.COMPLETED,
        False,
    )


@pytest.mark.parametrize(
    ("info", "conversation", "books"),
    [
        ({**AGREED, "interesado": "No"}, 100, False),
        ({**AGREED, "interesado": ""}, 100, True),
        ({**AGREED, "interesado": ""}, 130, False),
        ({**AGREED, "interesado": "quizá más adelante"}, 100, False),
        ({**AGREED, "interesado": "Sí"}, 130, True),
        ({**AGREED, "horaDeseada": "por la tarde"}, 100, False),
        ({**AGREED, "fechaDeseada": ""}, 100, False),
    ],
)
def test_only_an_agreement_is_booked(attempt, info, conversation, books):
    confirm(attempt, ends(attempt, conversation=conversation, collected_info=info))

    assert Appointment.objects.exists() == books


def test_what_a_person_makes_of_an_unclear_hour_is_booked_then(attempt, admin_user):
    confirm(
        attempt, ends(attempt, collected_info={**AGREED, "horaDeseada": "a las cinco"})
    )
    unclear = CollectedValue.objects.get(name="horaDeseada")
    assert unclear.state == CollectedValue.State.REVIEW

    assert collected.correct(
        unclear,
        AT_FIVE.time().replace(hour=17),
        reason="Lo dijo",
        by=admin_user,
        now=LATER,
    )
    effects.follow_due(now=LATER)

    assert Appointment.objects.get().starts_at == AT_FIVE


def test_who_asks_not_to_be_called_again_is_held_until_a_person_decides(attempt):
    turns = [{"role": "1", "text": "No me llaméis más, por favor.", "start": None}]

    confirm(attempt, ends(attempt, conversation=110, transcript=turns))

    proposed = Suppression.objects.get(phone_e164=attempt.phone)
    assert proposed.proposed
