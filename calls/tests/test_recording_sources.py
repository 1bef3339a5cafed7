"""From where a recording may come, and what it may not be."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone

from calls import recordings
from calls.models import Recording
from calls.pearl import RecordingFailed, RecordingRefused
from calls.pearl.recordings import Downloads, Place
from calls.tests.hostile_server import (
    HostileServer,
    answer,
    close_after_read,
    drip,
    flood,
    hang,
    http,
    reset_after_read,
)
from calls.tests.recorded import OGG, call_with, copy, files, some_hosts, sound

__all__ = ["some_hosts"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("some_hosts")]

State = Recording.State


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
