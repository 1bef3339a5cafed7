"""Copies keep to the budget of requests, and several processes do not meet."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from calls import budget, recordings
from calls.models import Recording
from calls.recording_copier import RecordingCopier
from calls.tests.hostile_server import (
    HostileServer,
    answer,
    hang,
    http,
    reset_after_read,
)
from calls.tests.recorded import (
    CALL_ID,
    OGG,
    by_path,
    call_json,
    call_with,
    copy,
    files,
    some_hosts,
    sound,
    ways,
)

__all__ = ["some_hosts"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("some_hosts")]

State = Recording.State


# --- The budget ---------------------------------------------------------------------


def test_each_request_to_pearl_takes_a_turn_and_others_none():
    turns = []
    moved = http(302, b"", "Location: http://localhost:{}/x")
    with HostileServer(sound()) as other:
        acts = {
            "old": http(404),
            "new": moved.replace(b"{}", str(other.port).encode()),
        }
        with HostileServer(hang()) as pearl:
            pearl.act = by_path(**acts, v1=call_json(f"{pearl.url}/new"))
            call_with(f"{pearl.url}/old", pearl_call_id=CALL_ID)
            kept = copy(pearl.url, turn=lambda: turns.append(1) or True)

    assert kept.state == State.KEPT
    assert len(turns) == 3 == len(pearl.requests)


def a_copier(pearl_url: str, line) -> RecordingCopier:
    made = ways(pearl_url)
    return RecordingCopier(
        pearl=made.pearl, line=line, turn=made.turn, stop=threading.Event()
    )


def test_a_429_of_pearl_slows_everybody_down_and_is_no_try():
    act = answer(http(429, b"", "Retry-After: 60"))
    with HostileServer(act) as pearl:
        call_with(f"{pearl.url}/r")
        copier = a_copier(pearl.url, threading.Lock())

        assert copier.copy_one(now=timezone.now())
        Recording.objects.update(next_try_at=timezone.now())
        assert not copier.copy_one(now=timezone.now())

    assert pearl.connections == 1
    assert budget.is_blocked(budget.account(), now=timezone.now())
    assert (Recording.objects.get().tries, Recording.objects.get().state) == (
        0,
        State.WAITING,
    )


def test_while_the_breaker_is_open_nothing_is_copied():
    call_with("https://api.nlpearl.ai/r")
    for _each in range(budget.FAILURES_TO_OPEN):
        budget.note_failure(now=timezone.now())

    assert not a_copier("http://127.0.0.1:1", threading.Lock()).copy_one(
        now=timezone.now()
    )

    assert Recording.objects.get().tries == 0


def test_a_broken_recording_server_does_not_open_the_breaker():
    with HostileServer(reset_after_read()) as pearl:
        for _each in range(budget.FAILURES_TO_OPEN + 1):
            call_with(f"{pearl.url}/r")
            copy(pearl.url)

    assert not budget.breaker_is_open(budget.account())


@pytest.mark.django_db(transaction=True)
def test_nothing_is_fetched_while_a_question_is_under_way():
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r")
        line = threading.Lock()
        copier = a_copier(pearl.url, line)
        thread = threading.Thread(
            target=lambda: (copier.copy_one(now=timezone.now()), connection.close())
        )
        with line:
            thread.start()
            thread.join(0.3)
            assert pearl.connections == 0
        thread.join()

    assert Recording.objects.get().state == State.KEPT


def test_a_process_that_stops_gives_the_recording_back(settings):
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r")
        for over in ({"turn": lambda: False}, {"goes_on": lambda: False}):
            Recording.objects.update(next_try_at=timezone.now())
            left = copy(pearl.url, **over)
            assert (left.state, left.tries) == (State.WAITING, 0)

    assert files(settings) == []


# --- Several processes --------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_each_recording_is_copied_by_one(settings):
    with HostileServer(sound()) as pearl:
        for _each in range(6):
            call_with(f"{pearl.url}/r")

        def work():
            try:
                for _each in range(20):
                    recording = recordings.claim_next(now=timezone.now())
                    if recording is not None:
                        recordings.copy(recording, ways=ways(pearl.url))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _each in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert Recording.objects.filter(state=State.KEPT, tries=1).count() == 6
    assert len(pearl.requests) == len(files(settings)) == 6


def test_who_saw_it_due_but_comes_second_gets_nothing():
    """Another process claims it between the look and the claim."""
    call_with("https://api.nlpearl.ai/r")
    now, others = timezone.now(), []

    def another_is_faster(execute, sql, *args):
        if sql.startswith("UPDATE") and not others:
            others.append(None)
            others.append(recordings.claim_next(now=now))
        return execute(sql, *args)

    with connection.execute_wrapper(another_is_faster):
        mine = recordings.claim_next(now=now)

    assert mine is None
    assert others[1].tries == Recording.objects.get().tries == 1


def test_who_comes_back_after_its_lease_changes_nothing_and_leaves_no_file(settings):
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r")
        slow = recordings.claim_next(now=timezone.now())
        later = timezone.now() + recordings.LEASE + timedelta(seconds=1)
        fast = recordings.claim_next(now=later)
        recordings.copy(fast, ways=ways(pearl.url))
        kept = Recording.objects.get()
        recordings.copy(slow, ways=ways(pearl.url))

    assert (slow.tries, fast.tries) == (1, 2)
    again = Recording.objects.get()
    assert (again.state, again.stored_as) == (State.KEPT, kept.stored_as)
    assert [path.name for path in files(settings)] == [f"{kept.pk}-2.ogg"]


def test_what_a_process_that_died_left_behind_goes_with_the_next_try(settings):
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r")
        dead = recordings.claim_next(now=timezone.now())
        place = Path(settings.RECORDING_FOLDER) / f"{dead.called_at:%Y-%m}"
        place.mkdir(parents=True)
        (place / f"{dead.pk}-1.part").write_bytes(b"OggS")
        (place / f"{dead.pk}-1.ogg").write_bytes(OGG)
        Recording.objects.update(next_try_at=timezone.now())
        kept = copy(pearl.url)

    assert [path.name for path in files(settings)] == [f"{kept.pk}-2.ogg"]


def test_a_disk_that_takes_nothing_is_told_and_tried_again(settings, tmp_path):
    (tmp_path / "file").write_text("no folder")
    settings.RECORDING_FOLDER = tmp_path / "file"
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r")
        waits = copy(pearl.url)

    assert waits.state == State.WAITING
    assert waits.reason == "No se ha podido guardar en el disco."
