"""Recordings come to our own folder, whole, once, and for as long as they are kept."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from calls import recordings, runs
from calls.call_manager import CallManager
from calls.evidence import Evidence
from calls.models import Recording
from calls.outcomes import record
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.hostile_server import (
    HostileServer,
    answer,
    hang,
    http,
)
from calls.tests.recorded import (
    CALL_ID,
    MP3,
    OGG,
    WAV,
    by_path,
    call_json,
    call_with,
    copy,
    files,
    some_hosts,
    sound,
)
from leads.tests.factories import LeadFactory

__all__ = ["some_hosts"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("some_hosts")]

State = Recording.State


# --- It comes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "declared", "content_type", "suffix"),
    [
        (OGG, "audio/ogg", "audio/ogg", ".ogg"),
        (WAV, "audio/x-wav", "audio/wav", ".wav"),
        (MP3, "application/octet-stream", "audio/mpeg", ".mp3"),
        (b"ID3" + bytes(50), "audio/mpeg", "audio/mpeg", ".mp3"),
        (OGG, "audio/mpeg; x=1", "audio/ogg", ".ogg"),
    ],
)
def test_a_recording_is_kept_as_what_its_first_bytes_say(
    settings, data, declared, content_type, suffix
):
    with HostileServer(sound(data, declared)) as pearl:
        call_with(f"{pearl.url}/r")
        kept = copy(pearl.url)

    assert (kept.state, kept.reason, kept.tries) == (State.KEPT, "", 1)
    assert (kept.content_type, kept.size) == (content_type, len(data))
    assert kept.sha256 == hashlib.sha256(data).hexdigest()
    (path,) = files(settings)
    assert path == Path(settings.RECORDING_FOLDER) / kept.stored_as
    assert (path.read_bytes(), path.suffix) == (data, suffix)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert pearl.requests[0].headers["authorization"].startswith("Bearer ")


@pytest.mark.django_db(transaction=True)
def test_a_worker_copies_what_its_calls_brought(simulator, settings):
    campaign = CampaignFactory(max_concurrent_calls=5)
    leads = LeadFactory.create_batch(5)
    simulator.set(outcomes={"success": 1.0}, post_processing_seconds=0)
    runs.start(campaign.pk, now=timezone.now(), until_empty=False)
    manager = CallManager(pearl=simulator.client())
    until = time.monotonic() + 30
    kept = Recording.objects.filter(state=State.KEPT)

    def look() -> None:
        done = kept.count() == len(leads) or time.monotonic() > until
        manager.interrupted = done

    manager.run(until_empty=False, on_tick=look)

    rows = Recording.objects.values_list("state", "tries", "reason")
    assert [*rows] == [("kept", 1, "")] * 5
    assert len(simulator.rings()) == len(files(settings)) == 5
    for path in files(settings):
        assert path.read_bytes().startswith(b"OggS")
        assert path.suffix == ".ogg"


def test_evidence_of_a_recording_makes_it_expected_once(settings):
    attempt = AttemptFactory(run=RunFactory())
    said = Evidence(
        pearl_call_id=CALL_ID,
        call_code=4,
        conversation_code=100,
        duration_seconds=9,
        recording_url="https://api.nlpearl.ai/r",
    )

    for _again in range(3):
        assert record(attempt, said, now=timezone.now())
        attempt.refresh_from_db()

    (recording,) = Recording.objects.all()
    assert (recording.state, recording.called_at) == (
        State.WAITING,
        attempt.claimed_at,
    )


@pytest.mark.parametrize(
    ("state", "again"),
    [
        (State.REFUSED, State.WAITING),
        (State.FAILED, State.WAITING),
        (State.GONE, State.GONE),
        (State.KEPT, State.KEPT),
    ],
)
def test_an_address_that_pearl_corrects_is_tried_anew(state, again):
    attempt = AttemptFactory(run=RunFactory())
    said = Evidence(pearl_call_id=CALL_ID, call_code=4, conversation_code=100)
    said = replace(said, duration_seconds=9, recording_url="https://evil.example/r")
    assert record(attempt, said, now=timezone.now())
    Recording.objects.update(state=state, next_try_at=None, tries=1)

    truth = replace(said, recording_url="https://api.nlpearl.ai/r")
    assert record(attempt, truth, now=timezone.now(), confirms=True)

    attempt.refresh_from_db()
    assert attempt.recording_url == "https://api.nlpearl.ai/r"
    assert Recording.objects.get().state == again


def test_a_call_without_a_recording_has_no_row():
    attempt = AttemptFactory(run=RunFactory())

    assert record(attempt, Evidence(call_code=7), now=timezone.now())

    assert not Recording.objects.exists()


# --- An address that is over --------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_pearl_is_asked_for_a_fresh_address(status):
    acts = {"old": http(status), "new": http(200, OGG, kind="audio/ogg")}
    with HostileServer(by_path(**acts)) as pearl:
        pearl.act = by_path(**acts, v1=call_json(f"{pearl.url}/new"))
        call_with(f"{pearl.url}/old", pearl_call_id=CALL_ID)
        kept = copy(pearl.url)

    assert kept.state == State.KEPT
    paths = [seen.path for seen in pearl.requests]
    assert paths == ["/old", f"/v1/Call/{CALL_ID}", "/new"]


@pytest.mark.parametrize("fresh", [None, "same", "elsewhere"])
def test_without_a_better_address_it_waits_or_is_refused(fresh):
    with HostileServer(hang()) as pearl:
        url = {"same": f"{pearl.url}/old", "elsewhere": "https://evil.example/r"}
        pearl.act = by_path(old=http(404), v1=call_json(url.get(fresh)))
        call_with(f"{pearl.url}/old", pearl_call_id=CALL_ID)
        recording = copy(pearl.url)

    expected = State.REFUSED if fresh == "elsewhere" else State.WAITING
    assert recording.state == expected


# --- How long -----------------------------------------------------------------------


def test_what_is_older_than_it_is_kept_goes_with_its_file(settings):
    settings.RECORDING_DAYS = 30
    now = timezone.now()
    with HostileServer(sound()) as pearl:
        for days in (29, 31):
            call_with(f"{pearl.url}/r", claimed_at=now - timedelta(days=days))
        settings.RECORDING_DAYS = 60
        old, young = copy(pearl.url), copy(pearl.url)
    settings.RECORDING_DAYS = 30
    if old.called_at > young.called_at:
        old, young = young, old

    assert recordings.forget_old(now=now) == 1

    old.refresh_from_db()
    assert (old.state, old.stored_as, old.sha256) == (State.GONE, "", "")
    assert old.reason == "Se borró: las grabaciones se guardan 30 días."
    assert [path.name for path in files(settings)] == [Path(young.stored_as).name]
    assert recordings.forget_old(now=now) == 0


def test_a_recording_of_a_call_that_is_too_old_is_not_fetched(settings):
    settings.RECORDING_DAYS = 30
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r", claimed_at=timezone.now() - timedelta(days=31))
        gone = copy(pearl.url)

    assert gone.state == State.GONE
    assert pearl.connections == 0


def test_a_file_that_is_gone_already_is_forgotten_all_the_same(settings):
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r")
        kept = copy(pearl.url)
    files(settings)[0].unlink()

    assert recordings.forget(kept, reason="Borrada por Ana.")

    kept.refresh_from_db()
    assert (kept.state, kept.reason) == (State.GONE, "Borrada por Ana.")
    assert not recordings.forget(kept, reason="Otra vez.")


def test_one_that_was_refused_can_be_asked_for_anew():
    with HostileServer(sound()) as pearl:
        call_with(f"{pearl.url}/r")
        Recording.objects.update(
            state=State.REFUSED, next_try_at=None, reason="No.", tries=1
        )
        ids = [Recording.objects.get().pk]

        assert recordings.copy_again(ids=ids, now=timezone.now()) == 1
        assert copy(pearl.url).state == State.KEPT
        assert recordings.copy_again(ids=ids, now=timezone.now()) == 0


def test_no_log_holds_an_address_of_a_recording(caplog):
    with HostileServer(answer(http(500))) as pearl:
        call_with(f"{pearl.url}/r?secret=canary")
        waits = copy(pearl.url)

    assert "canary" not in caplog.text
    assert "canary" not in waits.reason
