"""What Pearl's answers to a question are taken for, and what they are not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from calls.pearl import CallId, NoAnswer, NotFound, RequestId
from calls.pearl.campaigns import read_account, read_outbound
from calls.tests import hostile_server as hostile
from calls.tests.hostile_server import HostileServer, http
from calls.tests.pearl_dials import (
    CALL,
    NOW,
    OUTBOUND,
    REQUEST,
    client_for,
    read,
    treacherous_environment,
)

__all__ = ["treacherous_environment"]


def page(*results, count=None):
    return http(200, {"count": count, "results": list(results)})


def ask(answer, question):
    with HostileServer(hostile.answer(answer)) as server:
        result = question(client_for(server.url))
    return result, server.requests[0]


def search(client, **options):
    since = NOW.astimezone(timezone(timedelta(hours=2)))
    window = {"since": since, "until": NOW + timedelta(hours=1)}
    return client.bulk_calls(OUTBOUND, **{**window, **options})


def test_a_search_leaves_nothing_to_pearls_defaults():
    _, seen = ask(page(), lambda client: search(client, skip=100, limit=50))

    assert seen.path == f"/v2/Pearl/{OUTBOUND}/Calls/Bulk"
    assert seen.json == {
        "fromDate": "2026-03-02T10:00:00.000Z",
        "toDate": "2026-03-02T11:00:00.000Z",
        "skip": 100,
        "limit": 50,
        "sortProp": "startTime",
        "isAscending": True,
        "fields": [
            "Summary",
            "Transcript",
            "Recording",
            "CollectedInfo",
            "Tags",
            "OverallSentiment",
            "IsCallTransferred",
            "LeadId",
            "CreditDebited",
        ],
    }


def test_a_search_by_local_time_is_not_sent():
    with (
        hostile.refusing_port() as port,
        pytest.raises(ValueError, match="time zone"),
    ):
        search(client_for(f"http://127.0.0.1:{port}"), since=datetime(2026, 3, 2))


@pytest.mark.parametrize(
    ("results", "count", "next_skip"),
    [
        ([{"id": CALL}], 1, None),
        ([{"id": CALL}], 5, 1),
        ([{"id": CALL}], None, None),
        ([{"id": CALL}, {"id": CALL}], None, 2),
        ([], 0, None),
    ],
)
def test_a_page_says_whether_there_is_more(results, count, next_skip):
    result, _ = ask(page(*results, count=count), lambda client: search(client, limit=2))

    assert result.next_skip == next_skip
    assert len(result.items) == len(results)


def test_a_page_owns_up_to_what_it_could_not_read():
    result, _ = ask(page({"id": CALL}, {"id": None}, 7, count=3), search)

    assert len(result.items) == 1
    assert result.unreadable == 2


@pytest.mark.parametrize(
    "answer",
    [
        http(200, []),
        http(200, {}),
        http(200, {"count": 3}),
        http(200, {"count": 3, "results": None}),
        http(200, {"count": 3, "results": []}),
        http(200, {"results": "none"}),
    ],
)
def test_a_page_that_shows_nothing_is_no_proof_of_absence(answer):
    with pytest.raises(NoAnswer):
        ask(answer, search)


def test_another_call_than_asked_for_is_no_answer():
    with pytest.raises(NoAnswer) as info:
        ask(http(200, {"id": REQUEST}), read)

    assert info.value.code == "other-id"


def test_a_request_id_is_never_asked_for_as_a_call(monkeypatch):
    client = client_for("http://127.0.0.1:9")

    with pytest.raises(TypeError):
        client.call(RequestId(REQUEST))
    with pytest.raises(TypeError):
        client.call_request(CallId(REQUEST))


def test_an_id_cannot_lead_elsewhere():
    with pytest.raises(NotFound):
        client_for("http://127.0.0.1:9").pearl("../Account")


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"1", 1), (b'"Paused"', 2), (b'"3"', 3), (b"true", None), (b"{}", None)],
)
def test_switching_an_outbound_tells_its_new_status(answer, status):
    result, seen = ask(
        http(200, answer), lambda client: client.set_outbound_active(OUTBOUND, False)
    )

    assert result == status
    assert (seen.method, seen.path) == ("POST", f"/v1/Outbound/{OUTBOUND}/Active")
    assert seen.json == {"isActive": False}


def test_a_bare_number_that_may_have_been_cut_is_no_answer():
    with pytest.raises(NoAnswer):
        ask(
            b"HTTP/1.1 200 OK\r\n\r\n1",
            lambda client: client.set_outbound_active(OUTBOUND, True),
        )


def test_a_missing_list_is_not_an_unknown_id():
    with pytest.raises(NoAnswer):
        ask(http(404), lambda client: client.outbounds())


def test_settings_that_do_not_tell_leave_everything_unknown():
    result, _ = ask(http(200, {"name": "x"}), lambda c: c.outbound_settings(OUTBOUND))

    assert result.maximum_call_attempts is None
    assert result.calling_hours is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ()),
        ([{"day": 1, "start": "09:00", "end": "20:00"}], ((1, "09:00", "20:00"),)),
        ([{"day": 1, "start": "09:00", "end": "20:00"}, {"day": 2}], None),
        (None, None),
    ],
)
def test_calling_hours_are_read_whole_or_not_at_all(rows, expected):
    answer = http(200, {"outbound": {"callingHours": rows, "maximumCallAttempts": 1}})

    result, _ = ask(answer, lambda client: client.outbound_settings(OUTBOUND))

    assert result.calling_hours == expected
    assert result.maximum_call_attempts == 1


def test_an_account_may_dial_only_with_a_status_we_know():
    assert read_account({"status": 1, "creditBalance": 3}).may_dial
    assert read_account({"status": "LimitedAccess"}).may_dial
    assert read_account({"status": "LimitedAccess"}).has_limited_access
    for status in (3, 4, 5, None, "NoCredits", "New", 99):
        assert not read_account({"status": status}).may_dial
    assert read_account({"message": "hello"}) is None


def test_an_outbound_runs_only_when_it_says_so():
    assert read_outbound({"id": CALL, "status": 1}).is_running
    assert read_outbound({"id": CALL, "status": "running"}).is_running
    for status in (2, 3, 10, None, "Odd"):
        assert not read_outbound({"id": CALL, "status": status}).is_running
    assert read_outbound({"name": "x"}) is None
