"""What the client sends, to whom, and what it makes of a good answer."""

from __future__ import annotations

import json
import os
import pickle
import threading
import time
from datetime import timedelta

import pytest
import requests
from urllib3.util import Retry

from calls.pearl import CallRefused, CallUncertain, PearlClient, RequestId, transport
from calls.pearl.verdicts import retry_after
from calls.tests import hostile_server as hostile
from calls.tests.hostile_server import HostileServer, http
from calls.tests.pearl_dials import (
    ACCOUNT,
    NAME,
    NOW,
    OUTBOUND,
    PHONE,
    PLACED,
    PROBLEM,
    REQUEST,
    SECRET,
    caught,
    client_for,
    dial,
    status,
    treacherous_environment,
)

__all__ = ["treacherous_environment"]


# What is sent, and what is made of a good answer


def test_a_placed_call_gives_the_id_of_the_request():
    with HostileServer(hostile.answer(http(200, PLACED, kind="text/plain"))) as server:
        placed = dial(client_for(server.url))

    assert placed.request_id == RequestId(REQUEST)
    assert placed.queue_position == 0
    (seen,) = server.requests
    assert seen.path == f"/v1/Outbound/{OUTBOUND}/Call"
    assert seen.json == {
        "to": PHONE,
        "callData": {"firstName": NAME, "ttAttemptId": "01J9ZK7P5V8Q"},
    }
    assert seen.headers["connection"] == "close"


@pytest.mark.parametrize("position", [None, "many", -1])
def test_an_accepted_call_needs_no_queue_position(position):
    answer = http(200, {**PLACED, "queuePosition": position})

    with HostileServer(hostile.answer(answer)) as server:
        placed = dial(client_for(server.url))

    assert placed.queue_position is None


def test_every_dial_has_a_connection_of_its_own():
    with HostileServer(hostile.keep_open(http(200, PLACED))) as server:
        client = client_for(server.url)
        for _ in range(3):
            dial(client)

    assert server.connections == 3
    assert server.posts == 3


@pytest.mark.parametrize(
    "act",
    [
        lambda: status(307, "Location: /again"),
        lambda: hostile.keep_open(http(307, b"", "Location: /again")),
        lambda: status(503, "Retry-After: 0"),
        hostile.reset_after_read,
        hostile.hang,
    ],
)
def test_even_a_careless_session_sends_once(act, monkeypatch):
    careful = transport.one_session

    def careless(*args):
        session = careful(*args)
        retries = Retry(
            3, allowed_methods=None, status_forcelist=[503], backoff_factor=0
        )
        for adapter in session.adapters.values():
            adapter.max_retries = retries
        ask = session.request
        session.get_redirect_target = lambda response: (
            requests.Session.get_redirect_target(session, response)
        )
        session.request = lambda *a, **k: ask(*a, **{**k, "allow_redirects": True})
        return session

    monkeypatch.setattr(transport, "one_session", careless)
    with HostileServer(act()) as server:
        got = caught(dial, client_for(server.url, call_deadline=0.5))

    assert type(got.error) is CallUncertain
    assert server.posts == 1
    assert len(server.requests) == 1


def test_threads_share_a_client_without_mixing_answers():
    with HostileServer(hostile.answer(http(200, PLACED))) as server:
        client = client_for(server.url)
        threads = [threading.Thread(target=dial, args=(client,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert server.posts == 16
    assert server.connections == 16


def test_an_exchange_leaves_no_thread_and_no_socket_behind():
    threads, files = {*threading.enumerate()}, {*os.listdir("/proc/self/fd")}

    with HostileServer(hostile.answer(http(500))) as server:
        for _ in range(5):
            caught(dial, client_for(server.url))
    time.sleep(0.05)

    # A thread of the test before may have ended meanwhile; none may have come.
    assert {*threading.enumerate()} <= threads
    assert {*os.listdir("/proc/self/fd")} <= files


def test_a_refusal_keeps_its_reasons_without_the_numbers_in_them():
    with HostileServer(hostile.answer(http(400, PROBLEM))) as server:
        error = caught(dial, client_for(server.url)).error

    assert error.reasons == ["… is wrong", "el … tampoco"]
    assert error.status == 400
    assert error.code == "http-400"
    assert str(error) == "No se ha llamado: Pearl respondió con el código 400."


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("0", 1),
        ("7", 7),
        ("86400", 900),
        ("9" * 5000, 900),
        ("Mon, 02 Mar 2026 10:00:30 GMT", 30),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 1),
        ("Mon, 02 Mar 2026 10:00:30 -0000", 30),
        ("Mon, 02 Mar 9999 99:99:99 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 900),
    ],
)
def test_retry_after_is_read_within_reason(value, seconds):
    wait = retry_after(value, now=NOW)

    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_a_throttled_dial_says_how_long_to_wait():
    with HostileServer(status(429, "Retry-After: 7")) as server:
        error = caught(dial, client_for(server.url)).error

    assert error.retry_after == timedelta(seconds=7)


def test_an_object_is_whole_even_without_a_length():
    body = json.dumps(PLACED).encode()

    with HostileServer(hostile.answer(b"HTTP/1.1 200 OK\r\n\r\n" + body)) as server:
        placed = dial(client_for(server.url))

    assert placed.request_id == RequestId(REQUEST)


# Whom it talks to, and with what


@pytest.mark.parametrize(
    "url",
    [
        "http://api.nlpearl.ai",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "https://api.nlpearl.ai/v1",
        "https://user:pass@api.nlpearl.ai",
        "http://localhost@evil.example",
        "http://127.0.0.1\\@evil.example",
        "https://api.nlpearl.ai?x=1",
        "ftp://api.nlpearl.ai",
        "api.nlpearl.ai",
        "",
    ],
)
def test_the_secret_goes_nowhere_unsafe(url):
    with pytest.raises(ValueError, match="PEARL_API_URL"):
        client_for(url)


@pytest.mark.parametrize(
    ("url", "is_simulator"),
    [
        ("https://api.nlpearl.ai", False),
        ("https://api.nlpearl.ai/", False),
        ("http://localhost:8010", True),
        ("http://127.0.0.1:8010", True),
        ("http://[::1]:8010", True),
    ],
)
def test_only_this_machine_counts_as_the_simulator(url, is_simulator):
    assert client_for(url).is_simulator is is_simulator


@pytest.mark.parametrize("name", ["account_id", "secret_key"])
@pytest.mark.parametrize("value", ["", "a b", "a\nb", "a:b", "añb"])
def test_credentials_that_cannot_be_sent_are_named_and_not_shown(name, value):
    keys = {"account_id": ACCOUNT, "secret_key": SECRET, name: value}

    with pytest.raises(ValueError, match=f"PEARL_{name.upper()}") as info:
        PearlClient(base_url="https://api.nlpearl.ai", **keys)

    assert not value or value not in str(info.value)


def test_the_client_does_not_show_its_secret():
    client = client_for("https://api.nlpearl.ai")

    assert SECRET not in repr(client)
    assert SECRET not in repr(vars(client))
    with pytest.raises(TypeError):
        pickle.dumps(client)


def test_an_error_survives_being_passed_between_processes():
    error = CallRefused("http-400", status=400, reasons=["no"])

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert str(copy) == str(error)
    assert copy.reasons == ["no"]
