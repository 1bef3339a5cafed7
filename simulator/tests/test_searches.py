"""Paged searches of calls and requests (pearl-api.md 1.9, 4.4, 6.5)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from simulator.tests.conftest import EVER, OUTBOUND, PEARL, until

CALLS = f"/v1/Outbound/{OUTBOUND}/Calls"
BULK = f"/v2/Pearl/{PEARL}/Calls/Bulk"
THIN = {"id", "startTime", "conversationStatus", "status", "from", "to", "duration"}


@pytest.fixture
def calls(simulator):
    """Five calls, ended: the last digit of each number counts them."""
    simulator.configure(suffixes=False, outcomes={"success": 1})
    for n in range(5):
        simulator.call(f"+3460000021{n}", ttAttemptId=f"t-{n}")
    until(lambda: simulator.stats()["ended"] == 5)
    return simulator


def digits(answer):
    return [item["to"][-1] for item in answer["results"]]


@pytest.mark.parametrize("path", [CALLS, f"/v2/Pearl/{PEARL}/Calls"])
def test_items_are_thin_and_newest_first(calls, path):
    answer = calls.post(path, EVER)

    assert answer["count"] == 5
    assert digits(answer) == ["4", "3", "2", "1", "0"]
    assert all(set(item) == {*THIN, "tags"} for item in answer["results"])


def test_skip_limit_and_direction(calls):
    page = calls.post(CALLS, {**EVER, "skip": 1, "limit": 2})
    up = calls.post(CALLS, {**EVER, "skip": 1, "limit": 2, "isAscending": True})
    beyond = calls.post(CALLS, {**EVER, "skip": 10})

    assert (digits(page), digits(up)) == (["3", "2"], ["1", "2"])
    assert (beyond["count"], beyond["results"]) == (5, [])


def test_sorting_by_another_property(calls):
    answer = calls.post(CALLS, {**EVER, "sortProp": "duration", "isAscending": True})

    durations = [item["duration"] for item in answer["results"]]
    assert durations == sorted(durations)


def test_no_more_than_a_hundred_at_a_time(simulator):
    simulator.configure_campaign(totalAgents=200)
    for n in range(120):
        simulator.call(f"+34600003{n:03d}")

    everything = simulator.post(CALLS, {**EVER, "limit": 1000})

    assert (everything["count"] > 100, len(everything["results"])) == (True, 100)


def test_the_dates_bound_the_start_of_calls(calls):
    newest = calls.post(CALLS, EVER)["results"][0]["startTime"]
    # What is written is cut to the millisecond, so the call began within this one.
    after = datetime.fromisoformat(newest) + timedelta(milliseconds=1)
    first, last = "2020-01-01T00:00:00Z", after.isoformat().replace("+00:00", "Z")

    all_of_them = calls.post(CALLS, {"fromDate": first, "toDate": last})
    earlier = calls.post(CALLS, {"fromDate": first, "toDate": "2020-01-02T00:00:00Z"})
    later = calls.post(CALLS, {"fromDate": last, "toDate": EVER["toDate"]})

    assert all_of_them["count"] == 5
    assert (earlier["count"], later["count"]) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"fromDate": "2026-01-01T00:00:00Z"},
        {"fromDate": "2026-01-01T00:00:00", "toDate": "2027-01-01T00:00:00"},
        {"fromDate": "ayer Z", "toDate": "2027-01-01T00:00:00Z"},
        {**EVER, "limit": -1},
        {**EVER, "skip": "1"},
        {**EVER, "statuses": 100},
    ],
)
def test_a_bad_search_is_a_400(simulator, body):
    answer = simulator.ask("POST", CALLS, json=body)

    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_filters_by_conversation_number_and_tag(calls):
    by_status = calls.post(CALLS, {**EVER, "statuses": [110]})
    by_number = calls.post(CALLS, {**EVER, "searchInput": "+34600000213"})
    by_part = calls.post(CALLS, {**EVER, "searchInput": "0213"})
    by_tag = calls.post(CALLS, {**EVER, "tags": ["cita"]})

    assert by_status["count"] == 0
    assert digits(by_number) == digits(by_part) == ["3"]
    assert by_tag["count"] == 5


def test_bulk_adds_only_the_asked_fields(calls):
    answer = calls.post(BULK, {**EVER, "fields": ["CollectedInfo", "LeadId"]})

    assert set(answer["results"][0]) == {*THIN, "collectedInfo", "leadId"}
    markers = {
        info["value"]
        for item in answer["results"]
        for info in item["collectedInfo"]
        if info["id"] == "ttAttemptId"
    }
    assert markers == {f"t-{n}" for n in range(5)}


def test_bulk_knows_all_documented_fields(calls):
    fields = [
        *("Tags", "Name", "Summary", "Recording", "Transcript", "CollectedInfo"),
        *("OverallSentiment", "IsCallTransferred", "QueueDuration", "CreditDebited"),
        *("SmsCreditDebited", "LeadId", "PearlVersion"),
    ]

    item = calls.post(BULK, {**EVER, "fields": fields})["results"][0]

    assert set(item) - THIN == {name[0].lower() + name[1:] for name in fields}


def test_an_unanswered_call_carries_the_marker_too(simulator):
    simulator.finished_call("+34600000102", ttAttemptId="t-77")

    answer = simulator.post(BULK, {**EVER, "fields": ["CollectedInfo"]})

    info = answer["results"][0]["collectedInfo"]
    assert {"id": "ttAttemptId", "name": "ttAttemptId", "value": "t-77"} in info


def test_requests_can_be_searched_but_have_no_number(calls):
    answer = calls.post(f"/v1/Outbound/{OUTBOUND}/CallRequest", EVER)

    assert answer["count"] == 5
    assert "to" not in answer["results"][0]
    assert answer["results"][0]["callId"]


def test_deleted_calls_are_forgotten_but_the_ring_stays(calls):
    ids = [item["id"] for item in calls.post(CALLS, EVER)["results"]][:2]

    answer = calls.ask("DELETE", "/v2/Call", json={"callIds": ids})

    assert answer.json() is True
    assert calls.post(CALLS, EVER)["count"] == 3
    assert calls.ask("GET", f"/v1/Call/{ids[0]}").status_code == 400
    assert len(calls.rings()) == 5
