"""What Pearl tells us unasked, over real HTTP from the simulator and by hand."""

from __future__ import annotations

import json
from datetime import timedelta

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


def post(client, content: bytes, token: str = TOKEN, **headers: str):
    url = reverse("pearl_webhook", args=[token])
    return client.post(url, content, content_type="application/json", headers=headers)


def tell(client, content: bytes) -> None:
    """Post it, and let a worker read it."""
    assert post(client, content).status_code == 200
    webhooks.process_kept(now=timezone.now())


pytestmark = pytest.mark.django_db


def test_an_end_reaches_its_attempt_and_its_lead(client):
    attempt = AttemptFactory()

    tell(client, body(attempt))

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

    tell(client, body(None, to=attempt.phone))

    attempt.refresh_from_db()
    assert attempt.state == State.ACCEPTED
    assert PearlEvent.objects.get().result == Result.UNMATCHED


def test_processing_an_event_again_changes_nothing(client):
    attempt = AttemptFactory()
    tell(client, body(attempt))
    before = CallAttempt.objects.values().get(), Lead.objects.values().get()

    webhooks.process(PearlEvent.objects.get(), now=timezone.now())

    after = CallAttempt.objects.values().get(), Lead.objects.values().get()
    for row in (*before, *after):
        row.pop("updated_at")
    assert after == before


def test_what_nobody_reads_is_left_to_workers_for_a_while(client):
    attempt = AttemptFactory()
    now = timezone.now()
    webhooks.keep_all([body(attempt)], now=now)
    a_while = timedelta(seconds=5)

    assert webhooks.process_kept(now=now, kept_for=a_while) == 0
    assert webhooks.process_kept(now=now + a_while, kept_for=a_while) == 1

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER


def test_an_event_that_breaks_the_reading_keeps_no_other_from_being_read(monkeypatch):
    attempt = AttemptFactory()
    now = timezone.now()
    webhooks.keep_all([b'{"id": "poison"}', body(attempt)], now=now)
    read = webhooks.parse_webhook

    def breaks(content):
        if b"poison" in content:
            raise ZeroDivisionError
        return read(content)

    monkeypatch.setattr(webhooks, "parse_webhook", breaks)
    webhooks.process_kept(now=now)

    results = [*PearlEvent.objects.order_by("pk").values_list("result", flat=True)]
    assert results == [Result.UNREADABLE, Result.APPLIED]


def test_bodies_that_come_together_are_kept_once_each_and_counted():
    now = timezone.now()
    webhooks.keep_all([b"one"], now=now)

    assert webhooks.keep_all([b"one", b"two", b"two", b"one"], now=now) == [True] * 4

    rows = PearlEvent.objects.order_by("pk").values_list("body", "times_seen")
    assert [*rows] == [("one", 3), ("two", 2)]


def test_the_token_being_replaced_is_still_good(client, settings):
    settings.PEARL_WEBHOOK_TOKEN = "n" * 40
    settings.PEARL_WEBHOOK_TOKEN_PREVIOUS = "o" * 40

    codes = [post(client, b"x", token=one * 40).status_code for one in "no-"]

    assert codes == [200, 200, 404]


@pytest.mark.parametrize(
    ("sent", "code"),
    [({"X-Api-Key": "s3cret"}, 200), ({"X-Api-Key": "s3cre"}, 401), ({}, 401)],
    ids=["right", "wrong", "none"],
)
def test_with_a_credential_configured_whoever_lacks_it_is_refused(
    client, settings, caplog, sent, code
):
    settings.PEARL_WEBHOOK_CREDENTIAL = ("X-Api-Key", "s3cret")

    assert post(client, body(), **sent).status_code == code
    assert PearlEvent.objects.exists() == (code == 200)
    assert "s3cre" not in caplog.text


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", ""]
)
def test_the_kind_of_content_does_not_matter(client, kind):
    url = reverse("pearl_webhook", args=[TOKEN])

    assert client.post(url, body(), content_type=kind).status_code == 200
    assert PearlEvent.objects.get().body == body().decode()


def lead_body(**changes: object) -> bytes:
    """A lead that changed status (pearl-api.md 8.3)."""
    return json.dumps(
        {"id": "e" * 24, "phoneNumber": "+34600000001", **changes}
    ).encode()


def test_a_lead_event_that_names_an_attempt_makes_us_ask_sooner(client, settings):
    settings.POLL_SECONDS = 20.0
    later = timezone.now() + timedelta(minutes=5)
    attempt = AttemptFactory(next_lookup_at=later)
    data = {"ttAttemptId": str(attempt.token)}

    tell(client, lead_body(status=100, callData=data))

    attempt.refresh_from_db()
    assert attempt.next_lookup_at < later - timedelta(minutes=4)
    assert attempt.state == State.ACCEPTED
    assert PearlEvent.objects.get().attempt == attempt


def test_a_lead_event_of_nobody_waits_for_a_person(client):
    tell(client, lead_body(status="Success"))

    assert PearlEvent.objects.get().result == Result.UNMATCHED


@pytest.mark.parametrize("number", [-1, 2**31, 2**63, 10**30])
def test_numbers_beyond_any_column_do_no_harm(client, number):
    attempt = AttemptFactory()

    tell(client, body(attempt, duration=number, overallSentiment=number))

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER
    assert attempt.sentiment is None


def test_a_start_postpones_the_poll_and_binds_nothing(client, settings):
    settings.POLL_SECONDS = 20.0
    attempt = AttemptFactory()
    start = body(None, to=attempt.phone, status=3, conversationStatus=40)

    tell(client, start)

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
    # Not one of them is taken for what it was not, whichever way its end was told.
    told = {ring["to"]: ring["call_status"] for ring in simulator.rings()}
    assert dict(bound.values_list("phone", "call_code")) == told
    assert not bound.filter(confirmed_at=None).exists()
    heard = PearlEvent.objects.exclude(result=Result.NEW).exists()
    assert heard == (faults.get("lose") != 1.0)
