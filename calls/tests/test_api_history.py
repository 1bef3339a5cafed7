"""Runs by API, and the stream of what changes."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone

from calls import budget, runs
from calls.models import ApiToken, CallAttempt, Run, Scope
from calls.states import Outcome, State
from calls.tests.api_asked import as_person, ask, person
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.running import end_a_call
from calls.tests.test_live import Viewer
from conftest import asgi_server

pytestmark = pytest.mark.django_db


def test_runs_are_listed_with_what_became_of_their_calls(django_assert_num_queries):
    first = RunFactory(started_by=person("operador"))
    ended = AttemptFactory(run=first)
    CallAttempt.objects.filter(pk=ended.pk).update(
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
    )
    AttemptFactory(run=first)
    long_ago = timezone.now() - timedelta(days=40)
    Run.objects.filter(pk=first.pk).update(started_at=long_ago, ended_at=long_ago)
    other = CampaignFactory(outbound_id="b" * 24)
    second = RunFactory(campaign=other, generation=1)
    client = as_person("auditor")

    def listed(query: str) -> list[int]:
        answer = ask(client, "get", f"runs?{query}")
        assert answer.status_code == 200, answer.content
        return [one["id"] for one in answer.json()["items"]]

    assert listed("") == [first.pk, second.pk]
    assert listed("limit=1") == listed(f"campaign={first.campaign_id}") == [first.pk]
    assert listed(f"after={first.pk}") == listed("going=true") == [second.pk]
    assert listed(f"since={timezone.localdate()}") == [second.pk]
    told = ask(client, "get", f"runs/{first.pk}").json()
    assert told["started_by"] == "operador"
    assert told["totals"] == {
        "outcomes": {"success": 1},
        "placed": 2,
        "in_course": 1,
        "unknown": 0,
        "manual": 0,
        "rejected": 0,
        "not_sent": 0,
    }
    for query in ("going=x", "since=2026-13-01", "limit=101", "colour=red"):
        assert ask(client, "get", f"runs?{query}").status_code == 422


def test_the_totals_of_many_runs_are_one_query(django_assert_num_queries):
    made = [RunFactory(campaign__outbound_id=f"{n:024x}") for n in range(5)]
    AttemptFactory(run=made[0])

    with django_assert_num_queries(1):
        found = runs.totals_of([run.pk for run in made])

    assert [found[run.pk].placed for run in made] == [1, 0, 0, 0, 0]


def test_a_server_that_cannot_stream_says_so(campaign):
    assert ask(as_person("auditor"), "get", "events").status_code == 204
    assert ask(as_person("auditor"), "get", "events?campaign=999").status_code == 404


# --- The stream -----------------------------------------------------------------------


class Program(Viewer):
    """With a token instead of a session."""

    def __init__(self, url: str, raw: str, *, last: str = "") -> None:
        super().__init__(url, {}, last)
        self.raw = raw

    def __enter__(self) -> Program:
        headers = {"Authorization": f"Bearer {self.raw}"}
        if self.last:
            headers["Last-Event-ID"] = self.last
        return self.listen(headers)


@pytest.fixture
def site(transactional_db, settings):
    settings.LIVE_SECONDS = 0.2
    budget.account()
    with asgi_server() as server:
        yield server


def issue(*scopes: str) -> str:
    user, _new = User.objects.get_or_create(username="todo", is_superuser=True)
    later = timezone.now() + timedelta(days=1)
    return ApiToken.issue(user, name="x", scopes=scopes, expires_at=later)[1]


@pytest.mark.django_db(transaction=True)
def test_a_program_hears_that_a_call_ended_and_what_it_missed(site):
    run = RunFactory()
    AttemptFactory(run=run)
    raw, url = issue(Scope.READ), f"{site.url}/api/calls/events"
    with Program(url, raw) as keeps_looking, Program(url, raw) as program:
        assert program.answer.headers["Content-Type"] == "text/event-stream"
        program.wait_for("leads", after=0)
        time.sleep(0.6)
        program.__exit__()
        before = time.monotonic()
        end_a_call(run)
        keeps_looking.wait_for("leads", after=before)
        with Program(url, raw, last=program.last) as back:
            back.wait_for("leads", after=before)


@pytest.mark.django_db(transaction=True)
def test_the_stream_is_for_those_who_may(site):
    RunFactory()
    url = f"{site.url}/api/calls/events"

    def status(raw: str) -> int:
        headers = {"Authorization": f"Bearer {raw}"}
        return requests.get(url, headers=headers, timeout=5).status_code

    assert requests.get(url, timeout=5).status_code == 401
    assert status("tt_no") == 401
    assert status(issue()) == 403
