"""Server-sent events: what is told, to whom, how soon, and how little it costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

import pytest
import requests
from django.contrib.auth.models import User
from django.db import InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import Client
from django.urls import reverse

from calls import budget, live
from calls.live import Watch
from calls.models import Campaign
from calls.tests.factories import AttemptFactory, RunFactory
from calls.tests.running import end_a_call
from conftest import asgi_server


@pytest.fixture(autouse=True)
def _account(db):
    budget.account()


# --- What a viewer has missed -------------------------------------------------------


def watch_that_saw(*changes: tuple[int, set[str]]) -> Watch:
    watch = Watch()
    for campaign_id, parts in changes:
        watch.number += 1
        watch._changes.append((watch.number, campaign_id, frozenset(parts)))
    return watch


def test_who_comes_back_is_told_what_came_after_it_left():
    watch = watch_that_saw((1, {"board", "leads"}), (1, {"board"}), (2, {"leads"}))
    first = watch.number - 3

    assert watch._missed(1, since=first)[1] == {"board", "leads"}
    assert watch._missed(1, since=first + 1)[1] == {"board"}
    assert watch._missed(1, since=first + 2)[1] == set()
    assert watch._missed(2, since=first + 2)[1] == {"leads"}


def test_who_was_away_too_long_or_at_another_process_is_told_everything():
    watch = watch_that_saw(*[(1, {"board"})] * (live.KEPT + 5))

    for since in (None, 0, watch.number - live.KEPT - 2, watch.number + 1):
        assert watch._missed(1, since=since)[1] == live.PARTS


# --- The stream ---------------------------------------------------------------------


@dataclass
class Viewer:
    """A browser's EventSource, as far as it matters."""

    url: str
    cookies: dict[str, str]
    last: str = ""
    heard: list[tuple[float, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self.listen({"Last-Event-ID": self.last} if self.last else {})

    def listen(self, headers: dict[str, str]) -> Self:
        self.answer = requests.get(
            self.url, cookies=self.cookies, headers=headers, stream=True, timeout=30
        )
        self.answer.raise_for_status()
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        # A read that waits is not ended by close alone.
        with suppress(OSError, AttributeError):
            self.answer.raw._fp.fp.raw._sock.shutdown(2)
        self.thread.join()
        self.answer.close()

    def _listen(self) -> None:
        with suppress(requests.RequestException, OSError, ValueError, AttributeError):
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                name, _colon, value = line.partition(": ")
                if name == "id":
                    self.last = value
                if name == "event":
                    self.heard.append((time.monotonic(), value))

    def wait_for(self, name: str, *, after: float, seconds: float = 5) -> float:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for at, heard in list(self.heard):
                if heard == name and at > after:
                    return at - after
            time.sleep(0.01)
        raise AssertionError(f"{name} was not told: {self.heard}")


@contextmanager
def looks_counted() -> Iterator[list[str]]:
    """The queries of the one that looks, whatever its connection."""
    asked: list[str] = []

    def count(execute, sql, params, many, context):
        if threading.current_thread().name.startswith("live") and "campaigns" in sql:
            asked.append(sql)
        return execute(sql, params, many, context)

    def listen(connection, **_rest) -> None:
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    connection_created.connect(listen)
    try:
        yield asked
    finally:
        connection_created.disconnect(listen)


@pytest.fixture
def site(transactional_db, settings):
    settings.LIVE_SECONDS = 0.2
    with asgi_server() as server:
        yield server


@pytest.fixture
def session(site) -> dict[str, str]:
    user = User.objects.create_superuser("marta")
    client = Client()
    client.force_login(user)
    return {"sessionid": client.cookies["sessionid"].value}


def events_of(site, campaign: Campaign) -> str:
    return site.url + reverse("calls:events", args=[campaign.pk])


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_call_is_told(site, session):
    run = RunFactory()
    AttemptFactory(run=run)
    with Viewer(events_of(site, run.campaign), session) as viewer:
        viewer.wait_for("leads", after=0)
        time.sleep(0.6)
        before = time.monotonic()

        end_a_call(run)

        viewer.wait_for("leads", after=before)
        viewer.wait_for("board", after=before)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_while_nothing_changes(site, session):
    run = RunFactory()
    with Viewer(events_of(site, run.campaign), session) as viewer:
        viewer.wait_for("board", after=0)
        time.sleep(0.6)
        before = len(viewer.heard)
        time.sleep(0.8)

        assert len(viewer.heard) == before


@pytest.mark.django_db(transaction=True)
def test_what_happened_while_the_connection_was_lost_is_told_afterwards(site, session):
    run = RunFactory()
    AttemptFactory(run=run)
    url = events_of(site, run.campaign)
    with Viewer(url, session), Viewer(url, session) as lost:
        lost.wait_for("board", after=0)
        time.sleep(0.6)
        lost.__exit__()
        end_a_call(run)
        time.sleep(0.6)
        with Viewer(url, session, last=lost.last) as back:
            back.wait_for("leads", after=0)
            time.sleep(0.3)
        with Viewer(url, session, last=back.last) as again:
            time.sleep(0.5)

    assert {name for _at, name in again.heard} <= {"beat"}


@pytest.mark.django_db(transaction=True)
def test_many_viewers_cost_the_looks_of_one(site, session):
    run = RunFactory()
    url = events_of(site, run.campaign)
    looks = {}
    with looks_counted() as asked:
        for viewers in (1, 12):
            with ExitStack() as stack:
                for _each in range(viewers):
                    stack.enter_context(Viewer(url, session))
                time.sleep(0.5)
                before = len(asked)
                time.sleep(2)
                looks[viewers] = len(asked) - before

    assert 4 <= looks[1] <= 11
    assert abs(looks[12] - looks[1]) <= 2


@pytest.mark.django_db(transaction=True)
def test_nobody_looks_once_the_last_viewer_has_left(site, session):
    run = RunFactory()
    with looks_counted() as asked:
        with Viewer(events_of(site, run.campaign), session) as viewer:
            viewer.wait_for("board", after=0)
        time.sleep(0.8)
        before = len(asked)
        time.sleep(0.8)

    assert before > 0
    assert len(asked) == before


@contextmanager
def connections_made() -> Iterator[list[BaseDatabaseWrapper]]:
    made: list[BaseDatabaseWrapper] = []

    def listen(connection, **_rest) -> None:
        made.append(connection)

    connection_created.connect(listen)
    try:
        yield made
    finally:
        connection_created.disconnect(listen)


@pytest.mark.parametrize("trouble", [InterfaceError, ValueError])
@pytest.mark.django_db(transaction=True)
def test_a_look_that_fails_is_not_the_last(site, session, trouble):
    run = RunFactory()
    AttemptFactory(run=run)
    failed = threading.Event()

    def fail_once(execute, sql, params, many, context):
        if "campaigns" in sql and not failed.is_set():
            failed.set()
            raise trouble
        return execute(sql, params, many, context)

    with (
        connections_made() as made,
        Viewer(events_of(site, run.campaign), session) as viewer,
    ):
        viewer.wait_for("leads", after=0)
        time.sleep(0.6)
        for connection in made:
            connection.execute_wrappers.append(fail_once)
        assert failed.wait(5)
        before = time.monotonic()

        end_a_call(run)

        viewer.wait_for("leads", after=before)


@pytest.mark.django_db(transaction=True)
def test_viewers_hold_no_connection_but_that_of_the_look(site, session):
    run = RunFactory()
    url = events_of(site, run.campaign)
    with connections_made() as made, ExitStack() as stack:
        for _each in range(6):
            viewer = stack.enter_context(Viewer(url, session))
            viewer.wait_for("board", after=0)
        time.sleep(0.3)

        lookers = [t.ident for t in threading.enumerate() if t.name.startswith("live")]
        open_ones = [one for one in made if one.connection is not None]

        assert [one for one in open_ones if one._thread_ident not in lookers] == []


@pytest.mark.django_db(transaction=True)
def test_the_stream_is_for_those_who_may_see_campaigns(site):
    run = RunFactory()
    url = events_of(site, run.campaign)
    anonymous = requests.get(url, allow_redirects=False, timeout=5)
    assert (anonymous.status_code, "/login" in anonymous.headers["Location"]) == (
        302,
        True,
    )

    client = Client()
    client.force_login(User.objects.create_user("luis"))
    cookies = {"sessionid": client.cookies["sessionid"].value}
    assert requests.get(url, cookies=cookies, timeout=5).status_code == 403


@pytest.mark.django_db
def test_a_server_that_cannot_stream_says_so_and_the_page_asks_instead(
    client, campaign
):
    client.force_login(User.objects.create_superuser("marta"))

    assert client.get(reverse("calls:events", args=[campaign.pk])).status_code == 204
    page = client.get(reverse("calls:manager")).content.decode()
    assert 'data-events=""' in page
    assert 'data-active-ms="1000" data-idle-ms="3000"' in page
