"""Whose result it is: two leads share a number, and a request is not a call.

An earlier system kept request ids as call ids, and matched what remained by number:
every result was lost or somebody else's (pearl-api.md 9.3).
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from mypy import api as mypy

from calls import claims, outcomes, queue, runs
from calls.call_manager import CallManager
from calls.evidence import Evidence
from calls.models import CallAttempt, PearlEvent
from calls.pearl import CallId, RequestId
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory
from calls.tests.names import OUTBOUND_ID
from leads.models import CallStatus
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_OUTBOUND, OTHER_PEARL = "66f0a1b2c3d4e5f601020399", "66f0aaaabbbbccccdddd0099"
SHARED, OWN = "+34600000250", "+34600000350"
# Somebody else's call to the number comes first, then those of its two leads.
ENDINGS = {SHARED: ["not_successful", "success", "no_answer"], OWN: ["busy"]}
SHOWN = {
    "success": (Outcome.SUCCESS, CallStatus.COMPLETED),
    "no_answer": (Outcome.NO_ANSWER, CallStatus.NO_ANSWER),
    "busy": (Outcome.BUSY, CallStatus.BUSY),
}
RARELY, OFTEN = 60.0, 0.3  # seconds between two polls: the first never comes here

REQUEST, CALL = RequestId("a" * 24), CallId("c" * 24)
SAME_TEXT = RequestId(CALL)

ROOT = Path(__file__).parents[2]


def at_once(**more):
    """A campaign that rings a number again as soon as it may."""
    return CampaignFactory(
        max_concurrent_calls=5, min_gap_minutes=0, max_per_day=9, **more
    )


LATE = {"delay": 1.0, "delay_seconds": 100.0}


@pytest.mark.parametrize(
    ("poll_seconds", "webhooks", "declared", "second_campaign"),
    [
        (RARELY, {}, ["ttAttemptId"], OUTBOUND_ID),
        (RARELY, {}, ["ttAttemptId"], OTHER_OUTBOUND),
        (OFTEN, None, ["ttAttemptId"], OUTBOUND_ID),
        (OFTEN, None, [], OTHER_OUTBOUND),
        (OFTEN, {}, [], OUTBOUND_ID),
        # What is told of a call comes while the next one rings, or later.
        (OFTEN, LATE, ["ttAttemptId"], OUTBOUND_ID),
        (OFTEN, {**LATE, "duplicate": 1.0}, [], OTHER_OUTBOUND),
    ],
    ids=[
        "webhook",
        "webhook-two-campaigns",
        "poll",
        "poll-unmarked-two-campaigns",
        "both-unmarked",
        "late",
        "late-unmarked-two-campaigns",
    ],
)
def test_each_result_is_that_of_its_own_lead_though_they_share_a_number(
    simulator,
    live_server,
    settings,
    monkeypatch,
    poll_seconds,
    webhooks,
    declared,
    second_campaign,
):
    monkeypatch.setattr(queue, "ASK_AGAIN", timedelta())
    settings.POLL_SECONDS = poll_seconds
    hook = reverse("pearl_webhook", args=[settings.PEARL_WEBHOOK_TOKEN])
    url = None if webhooks is None else f"{live_server.url}{hook}"
    common = {"callWebhookUrl": url, "declared_variables": declared}
    simulator.set(
        scripted=ENDINGS,
        talk_seconds=[150, 200],
        webhooks=webhooks or {},
        campaigns={
            OUTBOUND_ID: common,
            OTHER_OUTBOUND: {"pearl_id": OTHER_PEARL, **common},
        },
    )
    campaigns = at_once(), at_once(outbound_id=OTHER_OUTBOUND, pearl_id=OTHER_PEARL)
    LeadFactory(phone_e164=OWN, phone_alt=SHARED)
    LeadFactory(phone_e164=SHARED)
    LeadFactory(phone_e164=SHARED, pearl_outbound_id=second_campaign)
    simulator.client().make_call(OUTBOUND_ID, to=SHARED, data={})
    simulator.wait_until(lambda: simulator.rings()[0]["ended_at"])
    for campaign in campaigns:
        runs.start(campaign.pk, now=timezone.now(), until_empty=True)

    CallManager(pearl=simulator.client()).run(until_empty=True)
    simulator.wait_until(lambda: not simulator.get("stats")["webhooks"]["pending"])

    _strangers, *rings = simulator.rings()
    assert sorted(ring["to"] for ring in rings) == [SHARED, SHARED, OWN]
    sent = CallAttempt.objects.exclude(state=State.RELEASED)
    assert [*sent.values_list("state", flat=True)] == [State.ENDED] * 3
    for ring in rings:
        attempt = CallAttempt.objects.get(token=ring["call_data"]["ttAttemptId"])
        shown = (attempt.outcome, attempt.lead.call_status)
        assert shown == SHOWN[ring["outcome"]]
        assert attempt.pearl_request_id == RequestId(ring["request_id"])
        assert attempt.pearl_call_id == CallId(ring["call_id"])
    heard = PearlEvent.objects.filter(attempt__isnull=False).exists()
    assert heard or not (url and declared)


def test_each_column_reads_as_its_own_kind_of_id():
    pk = AttemptFactory(pearl_request_id=REQUEST, pearl_call_id=CALL).pk

    attempt = CallAttempt.objects.get(pk=pk)

    assert (type(attempt.pearl_request_id), type(attempt.pearl_call_id)) == (
        RequestId,
        CallId,
    )
    assert (attempt.pearl_request_id, attempt.pearl_call_id) == (REQUEST, CALL)


@pytest.mark.parametrize(
    "confused",
    [
        lambda: CallAttempt(pearl_call_id=REQUEST).save(),
        lambda: CallAttempt(pearl_request_id=CALL).save(),
        lambda: CallAttempt.objects.update(pearl_call_id=REQUEST),
        lambda: CallAttempt.objects.update(pearl_request_id=CALL),
        lambda: CallAttempt.objects.filter(pearl_call_id=REQUEST).first(),
        lambda: CallAttempt.objects.filter(pearl_request_id__in=[CALL]).first(),
        lambda: outcomes.record(
            CallAttempt.objects.get(),
            Evidence(pearl_call_id=REQUEST, call_code=7),
            now=timezone.now(),
        ),
        lambda: claims.mark_accepted(
            CallAttempt.objects.get(),
            request_id=CALL,
            queue_position=0,
            now=timezone.now(),
            look_at=timezone.now(),
        ),
    ],
)
def test_an_id_of_the_other_kind_is_refused_wherever_it_is_put(confused):
    AttemptFactory(pearl_request_id=None, state=State.DIALING)

    with pytest.raises(TypeError, match="is no place for a"):
        confused()

    row = CallAttempt.objects.get()
    ids = row.pearl_request_id, row.pearl_call_id
    assert (ids, row.state) == ((None, None), State.DIALING)


@pytest.mark.parametrize("text", ["", "c" * 23, "g" * 24, "0" * 24])
def test_text_that_is_no_id_is_not_stored(text):
    AttemptFactory()

    with pytest.raises(ValueError, match="24 hex digits"):
        CallAttempt.objects.update(pearl_call_id=text)


def test_ids_of_one_text_and_two_kinds_are_two():
    assert SAME_TEXT != CALL
    assert not SAME_TEXT == CALL  # noqa: SIM201 (the operator of its own)
    assert len({SAME_TEXT, CALL}) == 2
    assert SAME_TEXT == "c" * 24 == CALL


WRONG = """
from __future__ import annotations

from datetime import datetime
from functools import partial

from calls import claims
from calls.evidence import Evidence
from calls.models import CallAttempt
from calls.pearl import CallId, PearlClient, RequestId


def confuse(
    attempt: CallAttempt,
    pearl: PearlClient,
    request: RequestId,
    call: CallId,
    now: datetime,
) -> None:
    attempt.pearl_request_id = request
    attempt.pearl_call_id = call
    attempt.pearl_call_id = request  # wrong
    attempt.pearl_request_id = call  # wrong
    Evidence(pearl_call_id=call)
    Evidence(pearl_call_id=request)  # wrong
    Evidence(pearl_call_id=str(request))  # wrong
    pearl.call(request)  # wrong
    pearl.call_request(call)  # wrong
    accept = partial(claims.mark_accepted, queue_position=0, now=now, look_at=now)
    accept(attempt, request_id=request)
    accept(attempt, request_id=call)  # wrong
    accept(attempt, request_id=str(request))  # wrong
"""


def test_mypy_sees_every_confusion_of_the_two(tmp_path):
    source = tmp_path / "confusion.py"
    source.write_text(WRONG)
    config = str(ROOT / "pyproject.toml")

    told, _, _ = mypy.run(["--config-file", config, str(source)])

    found = {int(line) for line in re.findall(r"confusion\.py:(\d+): error", told)}
    lines = enumerate(WRONG.splitlines(), start=1)
    assert found == {number for number, line in lines if line.endswith("# wrong")}, told
