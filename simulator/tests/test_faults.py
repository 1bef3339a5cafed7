"""Each request fault, judged by the ring log: was the call placed? (11.6)"""

from __future__ import annotations

import time

import pytest
import requests

from simulator.tests.conftest import EVER, OUTBOUND, PEARL, until

NUMBER = "+34600000101"


def strike(simulator, kind, **options):
    fault = {"kind": kind, "route": "make_call", "next": 1, **options}
    simulator.configure(faults=[fault])


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("429", 429),
        ("500_before", 500),
        ("502", 502),
        ("400", 400),
        ("401", 401),
        ("402", 402),
        ("403", 403),
        ("408", 408),
        ("html_200", 200),
        ("redirect_307", 307),
        ("redirect_302", 302),
    ],
)
def test_a_fault_before_handling_places_no_call(simulator, kind, status):
    strike(simulator, kind)

    answer = simulator.try_call(NUMBER)

    assert answer.status_code == status
    assert simulator.rings() == []
    assert simulator.stats()["faults"] == {kind: 1}


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("500_after", 500, ""),
        ("redirect_307_after", 307, ""),
        ("200_without_id", 200, '"id":null'),
        ("bare_string", 200, '"'),
    ],
)
def test_a_fault_after_handling_hides_a_placed_call(simulator, kind, status, body):
    strike(simulator, kind)

    answer = simulator.try_call(NUMBER)

    assert answer.status_code == status
    assert body in answer.text
    assert len(simulator.rings(NUMBER)) == 1


@pytest.mark.parametrize(("kind", "placed"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_connection_says_nothing_of_the_call(simulator, kind, placed):
    strike(simulator, kind)

    with pytest.raises(requests.ConnectionError, match="reset"):
        simulator.try_call(NUMBER)

    assert len(simulator.rings(NUMBER)) == placed


def test_a_cut_body_is_incomplete_but_the_call_is_placed(simulator):
    strike(simulator, "cut_body")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        simulator.try_call(NUMBER)

    assert len(simulator.rings(NUMBER)) == 1


def test_cut_headers_leave_no_id_but_the_call_is_placed(simulator):
    strike(simulator, "cut_headers")

    answer = simulator.try_call(NUMBER)

    assert answer.content == b""
    assert len(simulator.rings(NUMBER)) == 1


@pytest.mark.parametrize("kind", ["slow_after", "drip"])
def test_a_slow_answer_outlasts_the_client_but_the_call_is_placed(simulator, kind):
    strike(simulator, kind, delay=0.3)

    with pytest.raises(requests.RequestException):
        _read_within(simulator, 0.1)

    assert len(simulator.rings(NUMBER)) == 1


def _read_within(simulator, seconds):
    """A read time-out for the whole body, which requests alone does not give."""
    answer = simulator.try_call(NUMBER, timeout=seconds, stream=True)
    try:
        end = time.monotonic() + seconds
        for _ in answer.iter_content(1):
            if time.monotonic() > end:
                raise requests.Timeout
    finally:
        answer.close()


def test_a_late_request_places_its_call_after_the_client_left(simulator):
    strike(simulator, "slow_before", delay=0.3)

    with pytest.raises(requests.Timeout):
        simulator.try_call(NUMBER, timeout=0.05)
    early = simulator.rings(NUMBER)

    assert early == []
    until(lambda: len(simulator.rings(NUMBER)) == 1)


def test_who_follows_a_redirect_rings_twice(simulator):
    strike(simulator, "redirect_307_after")

    simulator.try_call(NUMBER, allow_redirects=True)

    assert len(simulator.rings(NUMBER)) == 2
    assert simulator.stats()["make_calls_per_number"] == {NUMBER: 2}


@pytest.mark.parametrize(
    ("retry_after", "header"), [(None, None), (7, "7"), ("date", "GMT")]
)
def test_a_429_fault_may_say_when_to_come_back(simulator, retry_after, header):
    strike(simulator, "429", retry_after=retry_after)

    answer = simulator.try_call(NUMBER)

    said = answer.headers.get("Retry-After")
    assert said is None if header is None else header in said
    assert simulator.stats()["throttled_429"] == 1


def test_a_fault_may_wait_for_one_number(simulator):
    strike(simulator, "500_before", to="+34600000102")

    statuses = [simulator.try_call(n).status_code for n in (NUMBER, "+34600000102")]

    assert statuses == [200, 500]


def test_a_fault_strikes_only_the_next_requests_of_its_route(simulator):
    simulator.configure(faults=[{"kind": "500_before", "route": "account", "next": 2}])

    calls = simulator.try_call(NUMBER).status_code
    statuses = [simulator.ask("GET", "/v1/Account").status_code for _ in range(3)]

    assert (calls, statuses) == (200, [500, 500, 200])
    assert simulator.get("/_simulator/config")["faults"][0]["next"] == 0


def test_faults_by_chance_repeat_with_the_seed(simulator):
    simulator.configure(faults=[{"kind": "502", "route": "any", "probability": 0.5}])

    def statuses():
        simulator.post("/_simulator/reset")
        return [simulator.ask("GET", "/v1/Account").status_code for _ in range(20)]

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 502}


def test_a_very_fresh_call_id_may_be_unknown_for_a_while(simulator):
    simulator.configure(
        speed=1,
        faults=[
            {"kind": "wrong_call_id_fresh", "route": "calls", "next": 9, "delay": 10}
        ],
    )
    request_id = simulator.call(NUMBER)["id"]
    call_id = simulator.request(request_id)["callId"]

    fresh = simulator.ask("GET", f"/v1/Call/{call_id}")
    simulator.configure(speed=2000)

    assert fresh.json()["errors"]["validation"] == ["wrong CallId"]
    until(lambda: simulator.ask("GET", f"/v1/Call/{call_id}").status_code == 200)


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("calls", f"/v1/Outbound/{OUTBOUND}/Calls"),
        ("calls", f"/v2/Pearl/{PEARL}/Calls"),
        ("bulk", f"/v2/Pearl/{PEARL}/Calls/Bulk"),
        ("call_request", f"/v1/Outbound/{OUTBOUND}/CallRequest"),
    ],
)
def test_a_search_may_find_nothing_where_there_is_something(simulator, route, path):
    simulator.call(NUMBER)
    simulator.configure(faults=[{"kind": "empty_results", "route": route, "next": 1}])

    first, second = (simulator.post(path, EVER)["count"] for _ in range(2))

    assert (first, second) == (0, 1)
