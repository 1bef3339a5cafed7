"""A webhook hints and Pearl confirms: nothing follows from what only a hint says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone

from calls import confirming, effects, outcomes, reconciling, runs
from calls.call_manager import CallManager
from calls.evidence import Evidence
from calls.models import CallAttempt, PearlEvent, RunState
from calls.pearl import parse_webhook
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads.models import CallStatus, Lead, Suppression
from leads.tests.factories import OUTBOUND_ID, LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SOON = NOW + timedelta(seconds=20)
LATER = NOW + timedelta(minutes=3)
PATIENCE = timedelta(seconds=160)
CALL, OTHER_CALL = "c" * 24, "d" * 24
TOKEN = django_settings.PEARL_WEBHOOK_TOKEN

pytestmark = pytest.mark.django_db


def end(status: int, conversation: int | None = None, **more: object) -> Evidence:
    duration = 60 if status == 4 else 0
    told = {"pearl_call_id": CALL, "duration_seconds": duration, **more}
    return Evidence(call_code=status, conversation_code=conversation, **told)


def hint(attempt: CallAttempt, evidence: Evidence, *, now: datetime = NOW) -> bool:
    look_at = now + timedelta(seconds=20)
    return outcomes.record(attempt, evidence, now=now, look_at=look_at)


def confirm(attempt: CallAttempt, evidence: Evidence, *, now: datetime = SOON) -> bool:
    return outcomes.record(attempt, evidence, now=now, look_at=now, confirms=True)


@pytest.fixture(autouse=True)
def _polls_as_configured(settings):
    settings.POLL_SECONDS = 20.0


@pytest.fixture
def attempt(db):
    """Of a lead that is called for the first time."""
    made = AttemptFactory(claimed_at=NOW - timedelta(minutes=3), counted=True)
    Lead.objects.filter(pk=made.lead_id).update(call_attempts_count=1)
    return made


def test_what_only_a_webhook_says_is_shown_and_has_no_effect(attempt):
    hint(attempt, end(4, 220))
    effects.follow_due(now=LATER)

    attempt.refresh_from_db()
    assert attempt.lead.call_status == CallStatus.ERROR
    assert (attempt.confirmed_at, attempt.effects_due_at) == (None, None)
    assert attempt.next_lookup_at == SOON + PATIENCE
    assert not Suppression.objects.exists()


def test_once_pearl_says_so_too_the_effects_follow_and_may_be_repeated(attempt):
    hint(attempt, end(4, 220))
    confirm(attempt, end(4, 220))

    assert effects.follow_due(now=SOON) == 1
    assert effects.follow_due(now=SOON) == 0
    effects.follow(attempt.pk, now=SOON)

    attempt.refresh_from_db()
    assert attempt.confirmed_at == SOON
    assert attempt.effects_due_at is None
    assert Suppression.objects.get().proposed


def test_an_end_learnt_by_polling_is_confirmed_at_once(attempt):
    confirm(attempt, Evidence(request_code=20))

    attempt.refresh_from_db()
    assert attempt.confirmed_at == attempt.effects_due_at == SOON
    assert attempt.next_lookup_at is None


def test_a_forged_success_leaves_nothing_behind_and_is_shown(attempt):
    forged = end(
        4,
        100,
        summary="Acepta la cita.",
        collected_info={"fechaDeseada": "25-12-2026"},
        tags=["cita"],
        recording_url="https://otro.example/a.mp3",
    )
    hint(attempt, forged)
    assert not Lead.objects.get().selected_for_calling

    confirm(attempt, end(7, 10))

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER
    assert (attempt.summary, attempt.collected_info) == ("", {})
    assert (attempt.tags, attempt.recording_url) == ([], "")
    assert "Objetivo logrado" in attempt.error
    assert attempt.lead.call_status == CallStatus.NO_ANSWER
    assert attempt.lead.selected_for_calling


def test_a_call_that_only_a_webhook_named_gives_way_to_the_one_pearl_names(attempt):
    hint(attempt, end(7, pearl_call_id=OTHER_CALL))

    assert confirm(attempt, end(4, 100))

    attempt.refresh_from_db()
    assert attempt.pearl_call_id == CALL
    assert attempt.outcome == Outcome.SUCCESS
    assert not PearlEvent.objects.exists()


def test_a_second_call_that_pearl_names_is_an_incident(attempt):
    confirm(attempt, end(7))

    assert not confirm(attempt, end(4, 100, pearl_call_id=OTHER_CALL))

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER
    assert "más de una llamada" in attempt.error


def test_a_webhook_that_knows_more_of_a_confirmed_call_only_makes_us_ask(attempt):
    confirm(attempt, end(4, 100, summary="Acepta."))
    effects.follow_due(now=SOON)
    late = end(4, 100, summary="Acepta la cita del martes.")

    hint(attempt, late, now=LATER)
    hint(attempt, late, now=LATER + timedelta(hours=1))

    attempt.refresh_from_db()
    assert attempt.summary == "Acepta."
    assert attempt.next_lookup_at == LATER + timedelta(seconds=20)
    confirm(attempt, late, now=LATER)
    attempt.refresh_from_db()
    assert attempt.summary == late.summary
    assert (attempt.next_lookup_at, attempt.effects_due_at) == (None, LATER)


def test_a_webhook_takes_no_call_from_the_attempt_that_pearl_named(attempt):
    confirm(attempt, end(7))
    other = AttemptFactory(run=attempt.run)
    marker = [{"id": "ttAttemptId", "value": str(other.token)}]
    told = {"id": CALL, "to": "+34600000001", "status": 4, "collectedInfo": marker}

    assert outcomes.find_attempt(parse_webhook(json.dumps(told).encode())) is None

    attempt.refresh_from_db()
    assert attempt.pearl_call_id == CALL


def test_a_webhook_that_knows_nothing_new_makes_nobody_ask(attempt):
    confirm(attempt, end(7, 10))

    hint(attempt, end(7, 10), now=LATER)

    attempt.refresh_from_db()
    assert attempt.next_lookup_at is None


def test_a_call_ended_by_a_webhook_that_goes_on_is_open_again(attempt):
    hint(attempt, end(4, 100))
    going_on = Evidence(pearl_call_id=CALL, call_code=3, conversation_code=40)

    confirm(attempt, going_on)  # Pearl may not know yet what it has told us
    attempt.refresh_from_db()
    assert attempt.state == State.ENDED

    confirm(attempt, going_on, now=LATER)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ACCEPTED, "")
    assert attempt.open_phone == attempt.phone
    assert "sigue" in attempt.error
    assert attempt.lead.call_status == CallStatus.CALLING
    assert attempt.lead.selected_for_calling

    confirm(attempt, end(7), now=LATER)
    lead = Lead.objects.get()
    assert (lead.call_status, lead.call_attempts_count) == (CallStatus.NO_ANSWER, 1)
    assert lead.selected_for_calling


def test_a_confirmed_end_is_never_opened_again(attempt):
    confirm(attempt, end(7))

    confirm(attempt, Evidence(pearl_call_id=CALL, call_code=3), now=LATER)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ENDED, Outcome.NO_ANSWER)


def test_an_answered_call_without_words_is_asked_about_once_more(attempt):
    confirm(attempt, end(4, 100))
    attempt.refresh_from_db()
    assert attempt.next_lookup_at == SOON + confirming.WORDS_AFTER

    confirm(attempt, end(4, 100), now=LATER)

    attempt.refresh_from_db()
    assert attempt.next_lookup_at is None


def test_what_pearl_never_confirms_is_asked_ever_more_rarely_and_then_shown(attempt):
    hint(attempt, end(4, 220))
    asked = 0
    now = SOON
    while (now := CallAttempt.objects.get().next_lookup_at) is not None:
        confirming.put_off(CallAttempt.objects.filter(next_lookup_at__lte=now), now=now)
        asked += 1

    attempt.refresh_from_db()
    assert asked < 60
    assert "no lo confirmó" in attempt.error
    assert (attempt.confirmed_at, attempt.effects_due_at) == (None, None)


def test_an_effect_that_fails_is_tried_again_and_keeps_no_other_from_following(
    attempt, monkeypatch
):
    tried = []

    def breaks(attempt, now):
        tried.append(attempt.pk)
        if len(tried) == 1:
            raise ValueError("out of order")

    monkeypatch.setattr(effects, "EFFECTS", (breaks, *effects.EFFECTS))
    confirm(attempt, end(4, 220))

    effects.follow_due(now=SOON)
    assert Suppression.objects.exists()
    effects.follow_due(now=SOON + timedelta(seconds=1))
    assert len(tried) == 1
    effects.follow_due(now=SOON + effects.AGAIN_AFTER)

    attempt.refresh_from_db()
    assert len(tried) == 2
    assert attempt.effects_due_at is None


def test_what_pearl_tells_while_effects_are_followed_makes_them_due_again(
    attempt, monkeypatch
):
    def hears_more(attempt, now):
        confirm(attempt, end(4, 100, summary="Más."), now=LATER)

    monkeypatch.setattr(effects, "EFFECTS", (hears_more,))
    confirm(attempt, end(4, 100, summary=""))

    effects.follow_due(now=SOON)

    attempt.refresh_from_db()
    assert attempt.effects_due_at == LATER


def test_a_test_call_is_confirmed_without_effects(attempt):
    CallAttempt.objects.update(is_test=True)

    confirm(attempt, Evidence(request_code=20))

    attempt.refresh_from_db()
    assert (attempt.confirmed_at, attempt.effects_due_at) == (SOON, None)


def test_a_search_asks_no_sooner_about_calls_whose_start_was_told(simulator, campaign):
    """Or each confirmation would make us poll all the calls under way."""
    simulator.set(outcomes={"success": 1}, speed=1)
    now = timezone.now()
    told = AttemptFactory(run__campaign=campaign, pearl_request_id=None)
    later = now + timedelta(minutes=4)
    CallAttempt.objects.update(next_lookup_at=later)
    polled = AttemptFactory(run=told.run, pearl_request_id=None, next_lookup_at=now)
    pearl = simulator.client()
    for one in (told, polled):
        pearl.make_call(OUTBOUND_ID, to=one.phone, data={"ttAttemptId": str(one.token)})
    simulator.wait_until(lambda: len(simulator.rings()) == 2, 30)

    reconciling.poll(campaign, pearl=pearl, turn=lambda: True, now=timezone.now())

    for one in (told, polled):
        one.refresh_from_db()
    assert told.next_lookup_at == later
    assert now < polled.next_lookup_at < later


def test_the_ends_of_many_calls_are_confirmed_in_one_request(simulator, campaign):
    """Forty calls ended by webhook: one page of Pearl's search confirms them all."""
    first, *_rest = attempts = [
        AttemptFactory(run__campaign=campaign, pearl_request_id=None)
    ]
    attempts += AttemptFactory.create_batch(39, run=first.run, pearl_request_id=None)
    pearl = simulator.client()
    for one in attempts:
        pearl.make_call(OUTBOUND_ID, to=one.phone, data={"ttAttemptId": str(one.token)})
    simulator.wait_until(lambda: not simulator.get("stats")["in_course"], 30)
    calls = {ring["to"]: ring["call_id"] for ring in simulator.rings()}
    now = timezone.now()
    for one in attempts:
        told = end(7, pearl_call_id=calls[one.phone])
        outcomes.record(one, told, now=now, look_at=now)
    before = len(simulator.get("requests")["requests"])

    reconciling.poll(campaign, pearl=pearl, turn=lambda: True, now=timezone.now())

    asked = simulator.get("requests")["requests"][before:]
    assert len(asked) == 1, Counter(one["route"] for one in asked)
    assert CallAttempt.objects.exclude(confirmed_at=None).count() == 40


def test_a_few_ends_wait_for_company_but_not_for_long(attempt):
    campaign = attempt.campaign

    def asked(now: datetime) -> int:
        return confirming.to_ask_about(campaign, now=now).count()

    hint(attempt, end(7))
    assert asked(SOON) == 0

    others = AttemptFactory.create_batch(9, run=attempt.run)
    for n, other in enumerate(others):
        hint(other, end(7, pearl_call_id=f"{n + 1:024x}"), now=SOON)
    assert asked(SOON) == 10

    CallAttempt.objects.exclude(pk=attempt.pk).update(confirmed_at=SOON)
    CallAttempt.objects.exclude(pk=attempt.pk).update(next_lookup_at=None)
    assert asked(SOON) == 0
    assert asked(SOON + PATIENCE) == 1
    campaign.state = RunState.STOPPED
    assert asked(SOON) == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_ends_when_its_last_calls_are_confirmed(simulator, live_server, settings):
    settings.POLL_SECONDS = 4.0  # longer than any call here
    url = live_server.url + reverse("pearl_webhook", args=[TOKEN])
    simulator.set(campaigns={OUTBOUND_ID: {"callWebhookUrl": url}})
    campaign = CampaignFactory(max_concurrent_calls=5)
    LeadFactory.create_batch(3)
    runs.start(campaign.pk, now=timezone.now(), until_empty=True)

    CallManager(pearl=simulator.client()).run(until_empty=True)

    ended = CallAttempt.objects.filter(state=State.ENDED)
    assert ended.count() == 3
    assert not ended.filter(confirmed_at=None).exists()
    assert not ended.exclude(effects_due_at=None).exists()
