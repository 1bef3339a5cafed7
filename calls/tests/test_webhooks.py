"""What Pearl tells us unasked, over real HTTP from the simulator and by hand."""

from __future__ import annotations

import json
import random

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone

from calls import runs, webhooks
from calls.call_manager import CallManager
from calls.models import CallAttempt, PearlEvent
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import OUTBOUND_ID, LeadFactory

Result = PearlEvent.Result
TOKEN = django_settings.PEARL_WEBHOOK_TOKEN


def body(attempt: CallAttempt | None = None, **changes: object) -> bytes:
    """The end of a call that nobody answered, as V2 tells it (pearl-api.md 8.2)."""
    marker = {"id": "ttAttemptId", "name": "ttAttemptId", "value": ""}
    if attempt is not None:
        marker["value"] = str(attempt.token)
    event = {
        "id": "c" * 24,
        "to": attempt.phone if attempt else "+34600000001",
        "status": 7,
        "conversationStatus": 10,
        "duration": 0,
        "collectedInfo": [marker],
    }
    return json.dumps({**event, **changes}).encode()


def post(client, content: bytes, token: str = TOKEN):
    url = reverse("pearl_webhook", args=[token])
    return client.post(url, content, content_type="application/json")


pytestmark = pytest.mark.django_db


def test_an_end_reaches_its_attempt_and_its_lead(client):
    attempt = AttemptFactory()

    assert post(client, body(attempt)).status_code == 200

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER
    assert Lead.objects.get().call_status == CallStatus.NO_ANSWER
    assert PearlEvent.objects.get().result == Result.APPLIED


def test_the_same_body_twice_is_one_event_seen_twice(client):
    attempt = AttemptFactory()

    post(client, body(attempt))
    post(client, body(attempt))

    assert PearlEvent.objects.get().times_seen == 2


def test_a_wrong_token_learns_nothing(client):
    assert post(client, body(), token="x" * 39).status_code == 404
    assert not PearlEvent.objects.exists()


def test_without_a_configured_token_the_door_is_closed(client, settings):
    settings.PEARL_WEBHOOK_TOKEN = ""

    assert post(client, body(), token="x").status_code == 404


def test_a_get_and_a_huge_body_are_refused(client, settings):
    settings.WEBHOOK_MAX_BYTES = 100

    assert client.get(reverse("pearl_webhook", args=[TOKEN])).status_code == 405
    assert post(client, b"x" * 101).status_code == 413


def test_the_token_is_in_no_log_line(client, settings, caplog):
    settings.WEBHOOK_MAX_BYTES = 1

    post(client, b"xx")

    assert "/webhooks/pearl/…" in caplog.text
    assert TOKEN not in caplog.text


def test_a_call_is_never_matched_by_its_number(client):
    attempt = AttemptFactory()
    content = body(None, to=attempt.phone)

    assert post(client, content).status_code == 200

    attempt.refresh_from_db()
    assert attempt.state == State.ACCEPTED
    assert PearlEvent.objects.get().result == Result.UNMATCHED


def test_hostile_bodies_answer_200_and_change_no_lead(client):
    attempt = AttemptFactory()
    before = Lead.objects.values().get()
    dice = random.Random(7)
    good = body(attempt).decode()
    hostile = [
        b"",
        b"null",
        b"[]",
        b"[" * 50_000,
        b'{"id":' + b"9" * 5000 + b"}",
        b'{"a":NaN}',
        b"\xff\xfe\x00",
        b"\x00" * 20,
        *(dice.randbytes(dice.randint(1, 200)) for _each in range(200)),
        *(good[: dice.randint(0, len(good) - 1)].encode() for _each in range(100)),
    ]

    codes = {post(client, content).status_code for content in hostile}

    assert codes == {200}
    assert Lead.objects.values().get() == before


def test_processing_an_event_again_changes_nothing(client):
    attempt = AttemptFactory()
    post(client, body(attempt))
    before = CallAttempt.objects.values().get(), Lead.objects.values().get()

    webhooks.process(PearlEvent.objects.get(), now=timezone.now())

    after = CallAttempt.objects.values().get(), Lead.objects.values().get()
    for row in (*before, *after):
        row.pop("updated_at")
    assert after == before


def test_an_event_that_was_only_kept_is_processed_by_a_worker_later(client):
    attempt = AttemptFactory()
    now = timezone.now()
    webhooks.keep(body(attempt), now=now)

    assert webhooks.process_kept(now=now) == 0
    assert webhooks.process_kept(now=now + webhooks.GIVEN_TIME) == 1

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER


@pytest.mark.parametrize("number", [-1, 2**31, 2**63, 10**30])
def test_numbers_beyond_any_column_do_no_harm(client, number):
    attempt = AttemptFactory()

    post(client, body(attempt, duration=number, overallSentiment=number))

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER
    assert attempt.sentiment is None


def test_a_start_postpones_the_poll_and_binds_nothing(client, settings):
    settings.POLL_SECONDS = 20.0
    attempt = AttemptFactory()
    start = body(None, to=attempt.phone, status=3, conversationStatus=40)

    post(client, start)

    attempt.refresh_from_db()
    assert attempt.pearl_call_id is None
    assert (attempt.next_lookup_at - timezone.now()).total_seconds() > 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("version", ["v2", "v1"])
@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"duplicate": 0.5, "reorder": 0.5},
        {"lose": 1.0},
        {"start_only": 1.0},
        {"end_without_summary_then_with": 1.0},
    ],
    ids=["well", "duplicated", "lost", "start-only", "summary-later"],
)
def test_outcomes_arrive_whatever_becomes_of_the_webhooks(
    simulator, live_server, settings, version, faults
):
    settings.POLL_SECONDS = 0.3
    url = live_server.url + reverse("pearl_webhook", args=[TOKEN])
    hook = {"callWebhookUrl": url, "webhookVersion": version}
    simulator.set(campaigns={OUTBOUND_ID: hook}, webhooks=faults)
    campaign = CampaignFactory(max_concurrent_calls=5)
    leads = LeadFactory.create_batch(10)
    runs.start(campaign.pk, now=timezone.now(), until_empty=True)

    CallManager(pearl=simulator.client()).run(until_empty=True)

    rings = {ring["to"]: ring["call_id"] for ring in simulator.rings()}
    bound = CallAttempt.objects.filter(state=State.ENDED)
    assert dict(bound.values_list("phone", "pearl_call_id")) == rings
    assert len(rings) == len(leads)
    heard = PearlEvent.objects.exclude(result=Result.NEW).exists()
    assert heard == (faults.get("lose") != 1.0)
