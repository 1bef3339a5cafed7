"""How often the API may be asked."""

from __future__ import annotations

import pytest
import time_machine
from django.utils import timezone

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
