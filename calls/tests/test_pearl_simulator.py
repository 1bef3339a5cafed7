"""The client and the simulator, both written from the contract, agree on it."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

from calls.pearl import (
    AccessDenied,
    CallId,
    CallRefused,
    CallUncertain,
    NoAnswer,
    NotFound,
    PearlClient,
    RequestId,
    Throttled,
)

ACCOUNT = "665500000000000000000001"
SECRET = "simulador0000000000000000000000"
OUTBOUND = "66f0a1b2c3d4e5f601020304"
PEARL = "66f0aaaabbbbccccdddd0001"
UNKNOWN = "68d2f0a1b2c3d4e5f6a70001"

SUCCESS, NO_ANSWER, BLACKLISTED = "+34600000001", "+34600000002", "+34600000006"


@pytest.fixture(scope="module")
def simulator():
    command = [sys.executable, "-m", "simulator", "--port", "0", "--speed", "200"]
    with subprocess.Popen(
        [*command, "--quiet"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = process.stdout.readline().split()[-1]
            yield url
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def control(simulator):
    """Asks and sets the simulator's own side; every test starts from its defaults."""

    def ask(path, body=None):
        response = requests.request(
            "GET" if body is None else "POST",
            f"{simulator}/_simulator/{path}",
            json=body,
            timeout=5,
        )
        response.raise_for_status()
        return response.json()

    ask("reset", {"config": True})
    return ask


@pytest.fixture
def pearl(simulator, control):
    with PearlClient(
        base_url=simulator,
        account_id=ACCOUNT,
        secret_key=SECRET,
        call_deadline=1.0,
        read_deadline=5.0,
    ) as client:
        yield client


def window():
    now = datetime.now(UTC)
    return {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}


def dial(pearl, to=SUCCESS, token="01J9ZK7P5V8Q"):
    return pearl.make_call(OUTBOUND, to=to, data={"ttAttemptId": token}).request_id


def wait_for(question, *, seconds=10.0):
    """The first answer that is not None; the simulator runs in its own time."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if (answer := question()) is not None:
            return answer
        time.sleep(0.02)
    pytest.fail("nothing happened")


def final_request(pearl, request_id):
    def question():
        report = pearl.call_request(request_id)
        return report if report.status in {10, 20, 100} else None

    return wait_for(question)


def test_a_call_can_be_followed_from_request_to_transcript(pearl):
    request_id = dial(pearl)

    request = final_request(pearl, request_id)
    call = wait_for(lambda: (c := pearl.call(request.call_id)).summary and c)

    assert request.request_id == request_id
    assert request.outbound_id == OUTBOUND
    assert request.created_at.tzinfo is UTC
    assert request.unknown_codes == {}
    assert isinstance(request.call_id, CallId)
    assert str(request.call_id) != str(request_id)
    assert call.call_id == request.call_id
    assert call.to == SUCCESS
    assert (call.status, call.conversation_status) == (4, 100)
    assert call.duration_seconds > 0
    assert call.started_at.tzinfo is UTC
    assert call.transcript
    assert all(turn.text for turn in call.transcript)
    assert call.recording_url.startswith("http")
    assert call.attempt_token == "01J9ZK7P5V8Q"
    assert call.sentiment in range(1, 6)
    assert call.is_transferred is False
    assert call.unknown_codes == {}


def test_an_unanswered_call_says_so(pearl):
    request = final_request(pearl, dial(pearl, to=NO_ANSWER))

    call = pearl.call(request.call_id)

    assert call.status == 7
    assert call.duration_seconds == 0
    assert call.transcript == ()


def test_a_blacklisted_number_has_no_call(pearl):
    request = final_request(pearl, dial(pearl, to=BLACKLISTED))

    assert request.status == 20
    assert request.call_id is None


def test_the_searches_find_what_was_dialled(pearl):
    request_id = dial(pearl)
    call_id = final_request(pearl, request_id).call_id

    requests_found = pearl.search_call_requests(OUTBOUND, **window())
    thin = pearl.search_calls(OUTBOUND, **window())
    rich = pearl.bulk_calls(PEARL, **window())

    assert [one.request_id for one in requests_found.items] == [request_id]
    assert requests_found.items[0].call_id == call_id
    assert [one.call_id for one in thin.items] == [call_id]
    assert [one.call_id for one in rich.items] == [call_id]
    assert rich.items[0].attempt_token == "01J9ZK7P5V8Q"
    assert rich.items[0].credit_debited is not None
    assert {requests_found.count, thin.count, rich.count} == {1}
    assert requests_found.next_skip is thin.next_skip is rich.next_skip is None


def test_a_search_is_read_page_by_page_oldest_first(pearl):
    request_ids = [dial(pearl, token=f"token{n}") for n in range(5)]

    found, skip = [], 0
    while skip is not None:
        page = pearl.search_call_requests(OUTBOUND, **window(), skip=skip, limit=2)
        found += [one.request_id for one in page.items]
        skip = page.next_skip

    assert found == request_ids


def test_a_window_before_the_calls_is_empty(pearl):
    dial(pearl)
    now = datetime.now(UTC)
    before = {"since": now - timedelta(hours=3), "until": now - timedelta(hours=1)}

    for page in (
        pearl.search_call_requests(OUTBOUND, **before),
        pearl.search_calls(OUTBOUND, **before),
        pearl.bulk_calls(PEARL, **before),
    ):
        assert (page.items, page.count, page.next_skip) == ((), 0, None)


def test_the_account_and_the_campaign_are_told(pearl):
    account = pearl.account()
    outbound = pearl.outbound(OUTBOUND)
    campaign = pearl.pearl(PEARL)

    assert account.may_dial
    assert account.total_agents == 10
    assert account.credit_balance > 0
    assert outbound.is_running
    assert outbound.id == OUTBOUND
    assert [one.id for one in pearl.outbounds()] == [OUTBOUND]
    assert campaign.is_running
    assert campaign.total_agents == 10
    assert campaign.type == 2
    assert [one.id for one in pearl.pearls()] == [PEARL]
    assert pearl.is_simulator


def test_ongoing_calls_are_counted(pearl, control):
    control("config", {"speed": 1})
    for n in range(3):
        dial(pearl, token=f"token{n}")

    assert wait_for(lambda: pearl.ongoing_calls(PEARL).total == 3 or None)


def test_pearls_own_rules_are_told(pearl, control):
    hours = [{"day": 1, "start": "09:00", "end": "20:00"}]
    campaign = {"id": OUTBOUND, "callingHours": hours, "maximumCallAttempts": 1}
    control("config", {"campaigns": [campaign]})

    rules = pearl.outbound_settings(PEARL)

    assert rules.maximum_call_attempts == 1
    assert rules.calling_hours == ((1, "09:00", "20:00"),)
    assert rules.time_zone == "Romance Standard Time"
    assert rules.total_agents == 10


def test_an_outbound_is_paused_and_resumed(pearl):
    assert pearl.set_outbound_active(OUTBOUND, False) == 2
    assert not pearl.outbound(OUTBOUND).is_running
    assert pearl.set_outbound_active(OUTBOUND, True) == 1
    assert pearl.outbound(OUTBOUND).is_running


@pytest.mark.parametrize("way", ["400", "404"])
def test_an_unknown_id_is_not_found(way, pearl, control):
    control("config", {"modes": {"unknown_ids": way}})

    for question in (
        lambda: pearl.call(CallId(UNKNOWN)),
        lambda: pearl.call_request(RequestId(UNKNOWN)),
        lambda: pearl.outbound(UNKNOWN),
        lambda: pearl.pearl(UNKNOWN),
    ):
        with pytest.raises(NotFound):
            question()


def test_a_wrong_secret_is_denied(simulator, control):
    stranger = PearlClient(base_url=simulator, account_id=ACCOUNT, secret_key="wrong")

    with pytest.raises(AccessDenied):
        stranger.account()
    with pytest.raises(AccessDenied):
        dial(stranger)


def test_codes_written_as_names_are_the_same_codes(pearl, control):
    control("config", {"modes": {"enums_as_strings": True, "conversation_codes": "35"}})
    request = final_request(pearl, dial(pearl))

    call = pearl.call(request.call_id)

    assert (call.status, call.conversation_status) == (4, 100)
    assert pearl.account().may_dial
    assert pearl.outbound(OUTBOUND).is_running


FAULTS = {
    "429": (Throttled, 0),
    "401": (AccessDenied, 0),
    "402": (AccessDenied, 0),
    "403": (AccessDenied, 0),
    "400": (CallRefused, 0),
    "408": (CallUncertain, 0),
    "500_before": (CallUncertain, 0),
    "502": (CallUncertain, 0),
    "reset_before": (CallUncertain, 0),
    "html_200": (CallUncertain, 0),
    "redirect_307": (CallUncertain, 0),
    "redirect_302": (CallUncertain, 0),
    "500_after": (CallUncertain, 1),
    "slow_before": (CallUncertain, 1),
    "slow_after": (CallUncertain, 1),
    "200_without_id": (CallUncertain, 1),
    "bare_string": (CallUncertain, 1),
    "reset_after": (CallUncertain, 1),
    "cut_body": (CallUncertain, 1),
    "cut_headers": (CallUncertain, 1),
    "drip": (CallUncertain, 1),
    "redirect_307_after": (CallUncertain, 1),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_while_dialling_rings_at_most_once_and_is_told_truly(
    kind, pearl, control
):
    error, rings = FAULTS[kind]
    fault = {"kind": kind, "route": "make_call", "next": 1, "delay": 1.5}
    control("config", {"faults": [fault]})

    with pytest.raises(error) as info:
        dial(pearl)
    if rings:
        wait_for(lambda: control("rings")["rings"] or None)

    assert type(info.value) is error
    assert len(control("rings")["rings"]) == rings


@pytest.mark.parametrize("kind", ["500_before", "cut_body", "html_200", "reset_after"])
def test_a_fault_while_searching_is_no_proof_of_absence(kind, pearl, control):
    control("config", {"faults": [{"kind": kind, "route": "bulk", "next": 1}]})

    with pytest.raises(NoAnswer):
        pearl.bulk_calls(PEARL, **window())
