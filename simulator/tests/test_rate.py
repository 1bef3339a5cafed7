"""The rate limit (pearl-api.md 1.8)."""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime

import pytest

LIMIT = {"per_second": 20, "burst": 3, "in_flight": None}


def test_after_the_burst_comes_429(simulator):
    simulator.configure(rate_limit={**LIMIT, "per_second": 0.1})

    statuses = [simulator.ask("GET", "/v1/Account").status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    assert simulator.stats()["throttled_429"] == 2


def test_a_throttled_make_call_rings_nobody(simulator):
    simulator.configure(rate_limit={**LIMIT, "per_second": 0.1, "burst": 1})

    statuses = [simulator.try_call("+34600000101").status_code for _ in range(2)]

    assert statuses == [200, 429]
    assert len(simulator.rings()) == 1
    stats = simulator.stats()
    assert (stats["make_call_posts"], stats["make_call_accepted"]) == (2, 1)
    assert stats["make_call_posts_per_number"] == {"+34600000101": 2}
    assert stats["make_calls_per_number"] == {}


def test_the_bucket_fills_again(simulator):
    simulator.configure(rate_limit={**LIMIT, "burst": 1})
    while simulator.ask("GET", "/v1/Account").status_code != 429:
        pass

    time.sleep(0.06)

    assert simulator.ask("GET", "/v1/Account").status_code == 200


@pytest.mark.parametrize("retry_after", [None, 3, "date"])
def test_retry_after_is_absent_in_seconds_or_a_date(simulator, retry_after):
    simulator.configure(
        rate_limit={**LIMIT, "per_second": 0.1, "burst": 1, "retry_after": retry_after}
    )
    simulator.ask("GET", "/v1/Account")

    said = simulator.ask("GET", "/v1/Account").headers.get("Retry-After")

    if retry_after == "date":
        assert parsedate_to_datetime(said).timestamp() > time.time() + 8
    else:
        assert said == (None if retry_after is None else "3")


def test_too_many_at_once_is_a_429(simulator):
    simulator.configure(
        rate_limit={"per_second": 100, "burst": 100, "in_flight": 1},
        faults=[{"kind": "slow_after", "route": "account", "next": 1, "delay": 0.3}],
    )
    slow = threading.Thread(target=simulator.ask, args=("GET", "/v1/Account"))
    slow.start()
    time.sleep(0.1)

    answer = simulator.ask("GET", "/v1/Outbound")

    slow.join()
    assert answer.status_code == 429
    assert simulator.stats()["peak_requests_in_flight"] == 2


def test_no_limit_unless_asked_for(simulator):
    statuses = {simulator.ask("GET", "/v1/Account").status_code for _ in range(50)}

    assert statuses == {200}
