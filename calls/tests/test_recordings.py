"""Recordings come to our own folder, from where they may come, whole, once."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from calls import budget, recordings, runs
from calls.call_manager import CallManager
from calls.evidence import Evidence
from calls.models import Recording
from calls.outcomes import record
from calls.pearl import RecordingFailed, RecordingRefused
from calls.pearl.recordings import Downloads, Place
from calls.recording_copier import RecordingCopier
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.hostile_server import (
    Act,
    HostileServer,
    answer,
    close_after_read,
    drip,
    flood,
    hang,
    http,
    reset_after_read,
)
from calls.tests.recorded import CALL_ID, MP3, OGG, WAV, call_with, copy, ways
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

State = Recording.State


@pytest.fixture(autouse=True)
def _some_hosts(settings):
    settings.RECORDING_HOSTS = ["localhost", ".audio.example"]


def files(settings) -> list[Path]:
    folder = Path(settings.RECORDING_FOLDER)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def sound(data: bytes = OGG, kind: str = "audio/ogg") -> Act:
    return answer(http(200, data, kind=kind))


def by_path(**acts: bytes):
    """Another answer for each first part of the path."""

    def play(server, conn):
        server.read(conn)
        first = server.requests[-1].path.strip("/").split("/")[0]
        conn.sendall(acts[first])

    return Act(play)


def call_json(recording: str | None) -> bytes:
    return http(200, {"id": CALL_ID, "status": 4, "recording": recording})


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


# --- Where it may come from ---------------------------------------------------------


def test_a_redirect_to_a_known_server_is_followed_without_the_token():
    with HostileServer(sound()) as other:
        moved = http(302, b"", f"Location: http://localhost:{other.port}/x")
        with HostileServer(answer(moved)) as pearl:
            call_with(f"{pearl.url}/r")
            kept = copy(pearl.url)

    assert kept.state == State.KEPT
    assert "authorization" in pearl.requests[0].headers
    assert "authorization" not in other.requests[0].headers


def test_the_token_does_not_come_back_to_another_port_of_pearls_host():
    """127.0.0.1 at another port is another server."""
    with HostileServer(sound()) as other, HostileServer(hang()) as pearl:
        call_with(other.url)
        refused = copy(pearl.url)

    assert refused.state == State.REFUSED
    assert other.connections == pearl.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/r",
        "http://evil.example/r",
        "https://localhost.evil.example/r",
        "https://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "https://localhost@evil.example/",
        "https://localhost\\@evil.example/",
        "//evil.example/r",
        "ftp://localhost/r",
        "https://user:secret@localhost/r",
    ],
)
def test_a_redirect_to_anywhere_else_is_refused(location):
    moved = http(302, b"", f"Location: {location}")
    with HostileServer(answer(moved)) as pearl:
        call_with(f"{pearl.url}/r")
        refused = copy(pearl.url)

    assert (refused.state, refused.next_try_at) == (State.REFUSED, None)
    assert "RECORDING_HOSTS" in refused.reason or "válida" in refused.reason
    assert pearl.connections == 1


def test_redirects_without_end_are_given_up():
    with HostileServer(answer(http(302, b"", "Location: /again"))) as pearl:
        call_with(f"{pearl.url}/r")
        refused = copy(pearl.url)

    assert refused.state == State.REFUSED
    assert pearl.connections == 4


PRODUCTION = Downloads(
    "https://api.nlpearl.ai",
    lambda request: request,
    hosts=[".audio.example", "localhost", "127.0.0.1", "[::1]", "10.0.0.1"],
    max_bytes=1000,
)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.nlpearl.ai/r",
        "https://api.nlpearl.ai:8443/r",
        "https://api.nlpearl.ai.evil.example/r",
        "https://evilapi.nlpearl.ai/r",
        "https://sub.api.nlpearl.ai/r",
        "https://api.nlpearl.ai@evil.example/r",
        "https://api.nlpearl.ai\\.audio.example/r",
        "https://audio.example.evil/r",
        "http://x.audio.example/r",
        "https://x.audio.example:444/r",
        "https://x.audio.example /r",
        "https://x.audio.example/r\r\nX: y",
        "https://x.audio.example/é",
        "http://127.0.0.1/r",
        "http://localhost:5050/r",
        "gopher://x.audio.example/",
        "https:///r",
        "",
    ],
)
def test_in_production_only_https_of_known_servers_is_asked(url):
    with pytest.raises(RecordingRefused):
        PRODUCTION.fetch(url, into=None, goes_on=lambda: True)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/r", "https://localhost/", "https://10.0.0.1/"]
)
def test_in_production_no_private_address_is_reached_even_if_it_is_listed(url):
    with pytest.raises(RecordingRefused) as refused:
        PRODUCTION.fetch(url, into=None, goes_on=lambda: True)

    assert refused.value.code == "private"


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_private_addresses_are_told_from_public_ones(address, is_public):
    assert PRODUCTION._may_reach(address) is is_public


def test_only_pearls_own_server_gets_the_token():
    assert PRODUCTION.asks_pearl("https://API.nlpearl.ai/v2/Recording/a/b/c")
    assert not PRODUCTION.asks_pearl("https://x.audio.example/r")
    assert Place.of("https://api.nlpearl.ai") == ("https", "api.nlpearl.ai", 443)


# --- What it may not be -------------------------------------------------------------

WAITS = {
    "html": answer(http(200, b"<html>", kind="text/html")),
    "html-called-audio": answer(http(200, b"<html><body>" * 9, kind="audio/ogg")),
    "utf-16": answer(http(200, "<html>".encode("utf-16") * 9, kind="audio/mpeg")),
    "json": answer(http(200, {"error": 1})),
    "empty": answer(http(200, b"", kind="audio/ogg")),
    "too-short": answer(http(200, b"Ogg", kind="audio/ogg")),
    "cut": answer(http(200, OGG, kind="audio/ogg", length=len(OGG) + 9)),
    "without-end": answer(b"HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\n\r\n" + OGG),
    "500": answer(http(500, b"")),
    "206": answer(http(206, OGG, kind="audio/ogg")),
    "404": answer(http(404, b"")),
    "403": answer(http(403, b"")),
    "reset": reset_after_read(),
    "closed": close_after_read(),
}


@pytest.mark.parametrize("act", WAITS.values(), ids=WAITS)
def test_what_did_not_come_whole_is_asked_for_again_later(settings, act):
    with HostileServer(act) as pearl:
        call_with(f"{pearl.url}/r")
        waits = copy(pearl.url)

    assert waits.state == State.WAITING
    assert waits.next_try_at > timezone.now() + timedelta(seconds=20)
    assert waits.reason.startswith("No se ha copiado la grabación: ")
    assert files(settings) == []


@pytest.mark.parametrize(
    ("act", "ends_as"),
    [
        ("404", State.GONE),
        ("403", State.REFUSED),
        ("html", State.REFUSED),
        ("500", State.FAILED),
        ("reset", State.FAILED),
    ],
)
def test_after_the_last_try_the_row_says_why(act, ends_as):
    with HostileServer(WAITS[act]) as pearl:
        call_with(f"{pearl.url}/r")
        for _each in recordings.PAUSES:
            assert copy(pearl.url).state == State.WAITING
            Recording.objects.update(next_try_at=timezone.now())
        over = copy(pearl.url)

    assert (over.state, over.next_try_at) == (ends_as, None)
    assert over.reason


def test_a_file_said_to_be_too_large_is_not_even_begun(settings):
    settings.RECORDING_MAX_MB = 1
    act = answer(http(200, OGG, kind="audio/ogg", length=2 * 1024 * 1024))
    with HostileServer(act) as pearl:
        call_with(f"{pearl.url}/r")
        refused = copy(pearl.url)

    assert refused.state == State.REFUSED
    assert "demasiado grande" in refused.reason


def test_a_file_without_end_is_cut_at_the_limit(settings):
    settings.RECORDING_MAX_MB = 1
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\nTransfer-Encoding: chunked"
    piece = b"4000\r\n" + (b"OggS" * 4096) + b"\r\n"
    with HostileServer(flood(head + b"\r\n\r\n", piece)) as pearl:
        call_with(f"{pearl.url}/r")
        refused = copy(pearl.url)

    assert refused.state == State.REFUSED
    assert files(settings) == []


@pytest.mark.parametrize("how", ["drip", "hang", "drip-headers"])
def test_the_whole_exchange_has_one_deadline(how):
    act = {
        "drip": drip(http(200, b"", kind="audio/ogg", length=9999), OGG, forever=True),
        "drip-headers": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", forever=True),
        "hang": hang(),
    }[how]
    with HostileServer(act) as pearl:
        downloads = Downloads(
            pearl.url, lambda r: r, hosts=[], max_bytes=10**6, deadline=0.4
        )
        with pytest.raises(RecordingFailed) as failed:
            downloads.fetch(pearl.url, into=BytesIO(), goes_on=lambda: True)

    assert failed.value.code == "deadline"
    assert failed.value.__context__ is None


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
