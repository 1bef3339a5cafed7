"""How often the API may be asked."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import time_machine
from django.core.cache import cache
from django.test import RequestFactory
from django.utils import timezone

from calls.api.access import RateLimit
from calls.tests.api_asked import ALL, ask, with_token

pytestmark = pytest.mark.django_db


def test_too_many_requests_are_told_when_to_come_back(campaign):
    with time_machine.travel(timezone.now(), tick=False):
        client = with_token("operador", *ALL)
        answers = [ask(client, "get", "status") for _ in range(25)]

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) >= 1


def test_whoever_asks_too_often_may_still_stop(campaign):
    with time_machine.travel(timezone.now(), tick=False):
        client = with_token("operador", *ALL)
        for _ in range(25):
            told = ask(client, "get", "status")
        answers = [ask(client, "post", "stop", {}) for _ in range(25)]
        paused = ask(client, "post", "pause", {})

    assert told.status_code == 429
    assert {answer.status_code for answer in [*answers, paused]} == {200}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "pearl/campaigns", None),
        ("get", "test/connection", None),
        ("post", "start", {}),
    ],
)
def test_what_asks_pearl_is_asked_a_few_times_a_minute(
    simulator, campaign, method, path, body
):
    client = with_token("operador", *ALL)

    answers = [ask(client, method, path, body) for _ in range(7)]

    assert [answer.status_code == 429 for answer in answers] == [False] * 6 + [True]
    assert ask(client, "get", "status").status_code == 200


def test_threads_count_for_the_one_who_asks():
    limit = RateLimit("300/h", scope="test")
    people = ["ana", "luis", "eva"]
    ready = Barrier(8)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(n: int) -> list[tuple[str, bool]]:
        ready.wait()
        found = []
        for at in range(60):
            request = RequestFactory().get("/")
            request.auth = people[(n + at) % 3]
            found.append((request.auth, limit.allow_request(request)))
            if not found[-1][1]:
                assert limit.wait() > 0
        return found

    try:
        with ThreadPoolExecutor(8) as pool:
            told = [one for many in pool.map(work, range(8)) for one in many]
    finally:
        sys.setswitchinterval(interval)

    for name in people:
        request = RequestFactory().get("/")
        request.auth = name
        asked = sum(who == name for who, _allowed in told)
        assert asked == 160
        assert len(cache.get(limit.get_cache_key(request))) == asked


def test_whoever_asks_too_often_waits_and_nobody_else():
    limit = RateLimit("2/m", scope="test")
    request, other = RequestFactory().get("/"), RequestFactory().get("/")
    request.auth, other.auth = "ana", "luis"

    told = [limit.allow_request(request) for _ in range(3)]

    assert told == [True, True, False]
    assert limit.allow_request(other)
    assert not limit.allow_request(request)
    assert 0 < limit.wait() <= 60
