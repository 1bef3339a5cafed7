"""At most one request, and an error that says the truth, whatever the network does."""

from __future__ import annotations

import gzip
import json
import logging
import os
import pickle
import socket
import ssl
import subprocess
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
from urllib3.util import Retry

from calls.pearl import (
    AccessDenied,
    CallId,
    CallNotSent,
    CallRefused,
    CallUncertain,
    NoAnswer,
    NotFound,
    PearlClient,
    PearlError,
    RequestId,
    Throttled,
    transport,
)
from calls.pearl.verdicts import retry_after
from calls.tests import hostile_server as hostile
from calls.tests.hostile_server import HostileServer, http

ACCOUNT = "665500000000000000000001"
SECRET = "canarioCanarioCanario00000000000"
PHONE = "+34600000001"
NAME = "Nombredelpaciente"
OUTBOUND = "66f0a1b2c3d4e5f601020304"
REQUEST = "68d2f0a1b2c3d4e5f6a70001"
CALL = "68d2f0ad8a2fc8e5ce030042"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

DEADLINE = 1.0
CONNECT_TIMEOUT = 0.5
SLACK = 0.6

PLACED = {"id": REQUEST, "from": "910000", "to": PHONE, "queuePosition": 0}
PROBLEM = {
    "title": "One or more validation errors occurred.",
    "status": 400,
    "errors": {"To": [f"{PHONE} is wrong"], "validation": "el 600 00 00 01 tampoco"},
}


def client_for(url, **options):
    return PearlClient(
        base_url=url,
        account_id=ACCOUNT,
        secret_key=SECRET,
        **{
            "connect_timeout": CONNECT_TIMEOUT,
            "call_deadline": DEADLINE,
            "read_deadline": DEADLINE,
            "max_bytes": 100_000,
            **options,
        },
    )


def dial(client):
    return client.make_call(
        OUTBOUND, to=PHONE, data={"firstName": NAME, "ttAttemptId": "01J9ZK7P5V8Q"}
    )


def read(client):
    return client.call(CallId(CALL))


@pytest.fixture(autouse=True)
def treacherous_environment(monkeypatch, tmp_path):
    """What an operator's shell may hold, and requests would obey."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login intruder password intruder\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    """A server context for 127.0.0.1 and the certificate that vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        "-days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    try:
        subprocess.run(
            [*command.split(), "-keyout", key, "-out", cert],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, str(cert)


@pytest.fixture
def trusted_tls(tls, monkeypatch):
    context, cert = tls
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", cert)
    return context


@dataclass
class Caught:
    error: PearlError
    seconds: float


def caught(ask, client):
    began = time.monotonic()
    with pytest.raises(PearlError) as info:
        ask(client)
    return Caught(info.value, time.monotonic() - began)


def assert_tells_nothing(error, log_text):
    """Neither secret nor patient in anything that logs or error pages would show."""
    shown = [
        str(error),
        repr(error),
        repr(vars(error)),
        "".join(traceback.format_exception(error)),
        log_text,
    ]
    locals_too = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    for text in [*shown, locals_too]:
        assert SECRET not in text
    for text in shown:
        assert PHONE[3:] not in text
        assert NAME not in text
    assert error.__cause__ is None
    assert error.__context__ is None


# The matrix: (act, posts the server sees, error of a dial, error of a read)

CUT_BODY = http(200, PLACED, length=500)
ENDLESS_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
HTML = b"<html><title>Bad gateway</title></html>"
IN_AN_HOUR = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


def status(code, *headers):
    return hostile.answer(http(code, HTML, *headers, kind="text/html"))


MATRIX = {
    "reset on accept": (hostile.reset_on_accept, 0, CallUncertain, NoAnswer),
    "close on accept": (hostile.close_on_accept, 0, CallUncertain, NoAnswer),
    "reset mid request": (hostile.reset_mid_request, 0, CallUncertain, NoAnswer),
    "reset after read": (hostile.reset_after_read, 1, CallUncertain, NoAnswer),
    "close after read": (hostile.close_after_read, 1, CallUncertain, NoAnswer),
    "never reads": (hostile.never_read, 0, CallUncertain, NoAnswer),
    "hang": (hostile.hang, 1, CallUncertain, NoAnswer),
    "drip body": (
        lambda: hostile.drip(http(200, b"", length=60), json.dumps(PLACED).encode()),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "drip headers": (
        lambda: hostile.drip(b"HTTP/1.1 200 OK\r\n", b"X-Pad: 1\r\n", forever=True),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "drip status line": (
        lambda: hostile.drip(b"", b"HTTP/1.1 200 OK\r\n" * 3),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "endless 100 continue": (
        lambda: hostile.flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "endless headers": (
        lambda: hostile.flood(b"HTTP/1.1 200 OK\r\n", b"X-Pad: 1\r\n"),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "cut status line": (
        lambda: hostile.answer(b"HTTP/1.1 2"),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "cut headers": (
        lambda: hostile.answer(b"HTTP/1.1 200 OK\r\nContent-Ty"),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "cut headers of 401": (
        lambda: hostile.answer(b"HTTP/1.1 401 No\r\nContent-Ty"),
        1,
        CallUncertain,
        AccessDenied,
    ),
    "cut headers of 429": (
        lambda: hostile.answer(b"HTTP/1.1 429 Slow\r\nRetry-Af"),
        1,
        CallUncertain,
        Throttled,
    ),
    "cut body": (lambda: hostile.answer(CUT_BODY), 1, CallUncertain, NoAnswer),
    "cut body of 400": (
        lambda: hostile.answer(http(400, PROBLEM, length=5000)),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "cut chunks": (
        lambda: hostile.answer(ENDLESS_CHUNKS + b"5\r\n{}"),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "not http": (lambda: hostile.answer(b"SSH-2.0-x\r\n"), 1, CallUncertain, NoAnswer),
    "html 200": (lambda: status(200), 1, CallUncertain, NoAnswer),
    "empty 200": (lambda: hostile.answer(http(200)), 1, CallUncertain, NoAnswer),
    "empty 204": (lambda: hostile.answer(http(204)), 1, CallUncertain, NoAnswer),
    "bare string": (
        lambda: hostile.answer(http(200, b'"abc"')),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "null 200": (lambda: hostile.answer(http(200, None)), 1, CallUncertain, NoAnswer),
    "list 200": (
        lambda: hostile.answer(http(200, [PLACED])),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "200 without id": (
        lambda: hostile.answer(http(200, {"id": None})),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "200 with an id not hex": (
        lambda: hostile.answer(http(200, {"id": "z" * 24})),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "200 with an empty id": (
        lambda: hostile.answer(http(200, {"id": "0" * 24})),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "200 with a repeated id": (
        lambda: hostile.answer(
            http(200, f'{{"id":"{REQUEST}","id":"{CALL}"}}'.encode())
        ),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "nesting bomb": (
        lambda: hostile.answer(http(200, b"[" * 90_000)),
        1,
        CallUncertain,
        NoAnswer,
    ),
    **{
        str(code): (lambda code=code: status(code), 1, CallUncertain, NoAnswer)
        for code in (103, 300, 405, 408, 413, 418, 500, 502, 503, 504, 520, 599)
    },
    "500 json": (
        lambda: hostile.answer(http(500, PROBLEM)),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "503 with retry-after": (
        lambda: status(503, "Retry-After: 1"),
        1,
        CallUncertain,
        NoAnswer,
    ),
    **{
        f"{code} to itself": (
            lambda code=code: status(code, "Location: /v1/Outbound/again"),
            1,
            CallUncertain,
            NoAnswer,
        )
        for code in (301, 302, 303, 307, 308)
    },
    "307 with an endless body": (
        lambda: hostile.flood(
            ENDLESS_CHUNKS.replace(b"200 OK", b"307 X\r\nLocation: /again"), CHUNK
        ),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "429": (lambda: status(429), 1, Throttled, Throttled),
    "429 in seconds": (
        lambda: status(429, "Retry-After: 7"),
        1,
        Throttled,
        Throttled,
    ),
    "429 by date": (
        lambda: status(429, f"Retry-After: {IN_AN_HOUR}"),
        1,
        Throttled,
        Throttled,
    ),
    "429 with garbage": (
        lambda: status(429, "Retry-After: soon"),
        1,
        Throttled,
        Throttled,
    ),
    "400 problem": (
        lambda: hostile.answer(http(400, PROBLEM, kind="text/plain")),
        1,
        CallRefused,
        NoAnswer,
    ),
    "400 wrong id": (
        lambda: hostile.answer(http(400, {"errors": {"validation": ["wrong CallId"]}})),
        1,
        CallRefused,
        NotFound,
    ),
    "404 json": (lambda: hostile.answer(http(404, {})), 1, CallRefused, NotFound),
    "404 empty": (lambda: hostile.answer(http(404)), 1, CallUncertain, NotFound),
    "404 cut": (
        lambda: hostile.answer(b"HTTP/1.1 404 No\r\nConte"),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "409 json": (lambda: hostile.answer(http(409, PROBLEM)), 1, CallRefused, NoAnswer),
    "422 json": (lambda: hostile.answer(http(422, PROBLEM)), 1, CallRefused, NoAnswer),
    **{
        f"{code} html": (lambda code=code: status(code), 1, CallUncertain, NoAnswer)
        for code in (400, 404, 409, 422)
    },
    **{
        str(code): (lambda code=code: status(code), 1, AccessDenied, AccessDenied)
        for code in (401, 402, 403)
    },
    "401 empty": (lambda: hostile.answer(http(401)), 1, AccessDenied, AccessDenied),
    "too long": (
        lambda: hostile.answer(http(200, {**PLACED, "pad": "x" * 200_000})),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "endless chunks": (
        lambda: hostile.flood(ENDLESS_CHUNKS, CHUNK),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "chunks that drip for ever": (
        lambda: hostile.drip(ENDLESS_CHUNKS, b"1\r\n \r\n", forever=True),
        1,
        CallUncertain,
        NoAnswer,
    ),
    "gzip bomb": (
        lambda: hostile.answer(
            http(200, gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip")
        ),
        1,
        CallUncertain,
        NoAnswer,
    ),
}


@pytest.mark.parametrize("cell", MATRIX)
def test_a_dial_is_sent_at_most_once_and_judged_truly(cell, caplog):
    act, posts, error, _ = MATRIX[cell]
    caplog.set_level(logging.DEBUG)

    with HostileServer(act()) as server, client_for(server.url) as client:
        got = caught(dial, client)

    if cell == "reset on accept" and got.error.code == "connect":
        error = CallNotSent  # the reset overtook us: connecting itself failed
    assert type(got.error) is error, got.error
    assert server.posts == posts
    assert len(server.requests) == posts
    assert server.connections == 1
    assert got.seconds < DEADLINE + SLACK
    assert {r.headers["authorization"] for r in server.requests} <= {
        f"Bearer {ACCOUNT}:{SECRET}"
    }
    assert_tells_nothing(got.error, caplog.text)


@pytest.mark.parametrize("cell", MATRIX)
def test_a_read_is_sent_at_most_once_and_judged_truly(cell, caplog):
    act, requests, _, error = MATRIX[cell]
    caplog.set_level(logging.DEBUG)

    with HostileServer(act()) as server:
        client = client_for(server.url)
        got = caught(read, client)

    assert type(got.error) is error, got.error
    assert [r.method for r in server.requests] == ["GET"] * requests
    assert server.connections == 1
    assert got.seconds < DEADLINE + SLACK
    assert_tells_nothing(got.error, caplog.text)


# Nothing was sent


@contextmanager
def no_such_host():
    yield "https://nonexistent.invalid"


@contextmanager
def nobody_listens():
    with hostile.refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def nobody_accepts():
    with hostile.deaf_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def plain_text_where_tls_is_due():
    with HostileServer(hostile.flood(b"", b"HTTP/1.1 400 Plain\r\n\r\n")) as server:
        server.act = hostile.Act(lambda server, conn: conn.sendall(http(400)))
        yield server.url.replace("http:", "https:")


@contextmanager
def tls_that_never_answers():
    with HostileServer(hostile.never_read()) as server:
        yield server.url.replace("http:", "https:")


@contextmanager
def tls_that_resets():
    with HostileServer(hostile.reset_mid_request()) as server:
        yield server.url.replace("http:", "https:")


UNREACHABLE = {
    "dns failure": (no_such_host, "dns"),
    "refused": (nobody_listens, "connect"),
    "connect timeout": (nobody_accepts, "connect"),
    "plain text for tls": (plain_text_where_tls_is_due, "tls"),
    "tls never answers": (tls_that_never_answers, "tls"),
    "tls reset": (tls_that_resets, "tls"),
}


@pytest.mark.parametrize("cell", UNREACHABLE)
def test_a_dial_that_never_left_is_not_sent(cell, caplog):
    place, code = UNREACHABLE[cell]
    caplog.set_level(logging.DEBUG)

    with place() as url:
        got = caught(dial, client_for(url))

    assert type(got.error) is CallNotSent
    assert got.error.code == code
    assert got.seconds < 2 * CONNECT_TIMEOUT + SLACK
    assert_tells_nothing(got.error, caplog.text)


@pytest.mark.parametrize("cell", UNREACHABLE)
def test_a_read_that_never_left_has_no_answer(cell):
    place, code = UNREACHABLE[cell]

    with place() as url:
        got = caught(read, client_for(url))

    assert type(got.error) is NoAnswer
    assert got.error.code == code


def test_a_certificate_nobody_vouches_for_stops_the_dial_unsent(tls, caplog):
    context, _ = tls

    with HostileServer(hostile.answer(http(200, PLACED), context)) as server:
        got = caught(dial, client_for(server.url))

    assert type(got.error) is CallNotSent
    assert got.error.code == "tls"
    assert server.requests == []
    assert_tells_nothing(got.error, caplog.text)


def test_a_name_that_takes_too_long_to_look_up_is_not_sent(monkeypatch):
    let_go = threading.Event()
    real = socket.getaddrinfo

    def slow(*args, **kwargs):
        let_go.wait(5)
        return real(*args, **kwargs)

    with HostileServer(hostile.answer(http(200, PLACED))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        got = caught(dial, client_for(server.url))
        let_go.set()

    assert type(got.error) is CallNotSent
    assert got.seconds < CONNECT_TIMEOUT + SLACK
    assert server.connections == 0


def test_many_deaf_addresses_share_one_connect_timeout(monkeypatch):
    with hostile.deaf_port() as port:
        entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [entry] * 8)
        got = caught(dial, client_for("https://nonexistent.invalid"))

    assert type(got.error) is CallNotSent
    assert got.seconds < CONNECT_TIMEOUT + SLACK


def test_the_next_address_is_tried_when_the_first_refuses(monkeypatch):
    with (
        hostile.refusing_port() as refusing,
        HostileServer(hostile.answer(http(200, PLACED))) as server,
    ):
        entries = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            for port in (refusing, server.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: entries)
        placed = dial(client_for(server.url))

    assert placed.request_id == RequestId(REQUEST)
    assert server.posts == 1


def test_a_dial_whose_time_is_over_before_a_byte_left_is_not_sent():
    with HostileServer(hostile.answer(http(200, PLACED))) as server:
        got = caught(dial, client_for(server.url, call_deadline=1e-6))

    assert type(got.error) is CallNotSent
    assert got.error.code == "deadline"
    assert server.requests == []


def test_a_closed_client_sends_nothing():
    with HostileServer(hostile.answer(http(200, PLACED))) as server:
        with client_for(server.url) as client:
            pass
        got = caught(dial, client)

    assert type(got.error) is CallNotSent
    assert server.connections == 0


@pytest.mark.parametrize("act", [hostile.never_read, hostile.reset_mid_request])
def test_a_dial_that_left_in_part_is_uncertain(act):
    more_than_buffers_hold = {"notas": "x" * 30_000_000}

    with HostileServer(act()) as server:
        got = caught(
            lambda client: client.make_call(
                OUTBOUND, to=PHONE, data=more_than_buffers_hold
            ),
            client_for(server.url),
        )

    assert type(got.error) is CallUncertain
    assert server.connections == 1
    assert got.seconds < DEADLINE + SLACK


def test_a_failure_in_the_first_bytes_is_uncertain(monkeypatch):
    def half_sent(*args):
        raise ConnectionResetError

    monkeypatch.setattr("http.client.HTTPConnection.send", half_sent)
    with HostileServer(hostile.hang()) as server:
        got = caught(dial, client_for(server.url))

    assert type(got.error) is CallUncertain


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"outbound_id": "../Account"}, AccessDenied),
        ({"outbound_id": ""}, AccessDenied),
        ({"to": ""}, CallRefused),
        ({"to": "600000001"}, CallRefused),
        ({"to": "+34600000001\n"}, CallRefused),
        ({"data": {"edad": 40}}, CallRefused),
    ],
)
def test_nonsense_is_refused_before_it_is_sent(changes, error):
    wish = {"outbound_id": OUTBOUND, "to": PHONE, "data": {}, **changes}

    with HostileServer(hostile.answer(http(200, PLACED))) as server:
        client = client_for(server.url)
        outbound_id = wish.pop("outbound_id")
        got = caught(lambda client: client.make_call(outbound_id, **wish), client)

    assert type(got.error) is error
    assert server.connections == 0


# TLS


def test_over_tls_a_call_is_placed(trusted_tls):
    with HostileServer(hostile.answer(http(200, PLACED), trusted_tls)) as server:
        placed = dial(client_for(server.url))

    assert placed.request_id == RequestId(REQUEST)


@pytest.mark.parametrize(
    "act",
    [
        lambda tls: hostile.drip(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", tls, True),
        lambda tls: hostile.drip(http(200, b"", length=90), b" " * 90, tls),
        lambda tls: hostile.answer(CUT_BODY, tls),
        hostile.reset_after_read,
        hostile.close_after_read,
    ],
)
def test_over_tls_a_call_cut_after_sending_is_uncertain(act, trusted_tls, caplog):
    with HostileServer(act(trusted_tls)) as server:
        got = caught(dial, client_for(server.url))

    assert type(got.error) is CallUncertain, got.error
    assert server.posts == 1
    assert got.seconds < DEADLINE + SLACK
    assert_tells_nothing(got.error, caplog.text)


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
    careful = transport._session

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

    monkeypatch.setattr(transport, "_session", careless)
    with HostileServer(act()) as server:
        got = caught(dial, client_for(server.url, call_deadline=0.5))

    assert type(got.error) is CallUncertain
    assert server.posts == 1
    assert len(server.requests) == 1


def test_a_redirect_without_end_is_cut_by_its_size_not_by_the_clock():
    act, *_ = MATRIX["307 with an endless body"]

    with HostileServer(act()) as server:
        got = caught(dial, client_for(server.url))

    assert got.error.code == "too-big"


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


# Reads


def page(*results, count=None):
    return http(200, {"count": count, "results": list(results)})


def ask(answer, question):
    with HostileServer(hostile.answer(answer)) as server:
        result = question(client_for(server.url))
    return result, server.requests[0]


def search(client, **options):
    since = NOW.astimezone(timezone(timedelta(hours=2)))
    window = {"since": since, "until": NOW + timedelta(hours=1)}
    return client.bulk_calls(OUTBOUND, **{**window, **options})


def test_a_search_leaves_nothing_to_pearls_defaults():
    _, seen = ask(page(), lambda client: search(client, skip=100, limit=50))

    assert seen.path == f"/v2/Pearl/{OUTBOUND}/Calls/Bulk"
    assert seen.json == {
        "fromDate": "2026-03-02T10:00:00.000Z",
        "toDate": "2026-03-02T11:00:00.000Z",
        "skip": 100,
        "limit": 50,
        "sortProp": "startTime",
        "isAscending": True,
        "fields": [
            "Summary",
            "Transcript",
            "Recording",
            "CollectedInfo",
            "Tags",
            "OverallSentiment",
            "IsCallTransferred",
            "LeadId",
            "CreditDebited",
        ],
    }


def test_a_search_by_local_time_is_not_sent():
    with (
        hostile.refusing_port() as port,
        pytest.raises(ValueError, match="time zone"),
    ):
        search(client_for(f"http://127.0.0.1:{port}"), since=datetime(2026, 3, 2))


@pytest.mark.parametrize(
    ("results", "count", "next_skip"),
    [
        ([{"id": CALL}], 1, None),
        ([{"id": CALL}], 5, 1),
        ([{"id": CALL}], None, None),
        ([{"id": CALL}, {"id": CALL}], None, 2),
        ([], 0, None),
    ],
)
def test_a_page_says_whether_there_is_more(results, count, next_skip):
    result, _ = ask(page(*results, count=count), lambda client: search(client, limit=2))

    assert result.next_skip == next_skip
    assert len(result.items) == len(results)


def test_a_page_owns_up_to_what_it_could_not_read():
    result, _ = ask(page({"id": CALL}, {"id": None}, 7, count=3), search)

    assert len(result.items) == 1
    assert result.unreadable == 2


@pytest.mark.parametrize(
    "answer",
    [
        http(200, []),
        http(200, {}),
        http(200, {"count": 3}),
        http(200, {"count": 3, "results": None}),
        http(200, {"count": 3, "results": []}),
        http(200, {"results": "none"}),
    ],
)
def test_a_page_that_shows_nothing_is_no_proof_of_absence(answer):
    with pytest.raises(NoAnswer):
        ask(answer, search)


def test_another_call_than_asked_for_is_no_answer():
    with pytest.raises(NoAnswer) as info:
        ask(http(200, {"id": REQUEST}), read)

    assert info.value.code == "other-id"


def test_a_request_id_is_never_asked_for_as_a_call(monkeypatch):
    client = client_for("http://127.0.0.1:9")

    with pytest.raises(TypeError):
        client.call(RequestId(REQUEST))
    with pytest.raises(TypeError):
        client.call_request(CallId(REQUEST))


def test_an_id_cannot_lead_elsewhere():
    with pytest.raises(NotFound):
        client_for("http://127.0.0.1:9").pearl("../Account")


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"1", 1), (b'"Paused"', 2), (b'"3"', 3), (b"true", None), (b"{}", None)],
)
def test_switching_an_outbound_tells_its_new_status(answer, status):
    result, seen = ask(
        http(200, answer), lambda client: client.set_outbound_active(OUTBOUND, False)
    )

    assert result == status
    assert (seen.method, seen.path) == ("POST", f"/v1/Outbound/{OUTBOUND}/Active")
    assert seen.json == {"isActive": False}


def test_a_bare_number_that_may_have_been_cut_is_no_answer():
    with pytest.raises(NoAnswer):
        ask(
            b"HTTP/1.1 200 OK\r\n\r\n1",
            lambda client: client.set_outbound_active(OUTBOUND, True),
        )


def test_an_object_is_whole_even_without_a_length():
    body = json.dumps(PLACED).encode()

    with HostileServer(hostile.answer(b"HTTP/1.1 200 OK\r\n\r\n" + body)) as server:
        placed = dial(client_for(server.url))

    assert placed.request_id == RequestId(REQUEST)


def test_headers_that_outlast_the_deadline_are_told_as_such():
    act, *_ = MATRIX["drip headers"]

    with HostileServer(act()) as server:
        got = caught(dial, client_for(server.url))

    assert got.error.code == "deadline"


def test_a_missing_list_is_not_an_unknown_id():
    with pytest.raises(NoAnswer):
        ask(http(404), lambda client: client.outbounds())


def test_settings_that_do_not_tell_leave_everything_unknown():
    result, _ = ask(http(200, {"name": "x"}), lambda c: c.outbound_settings(OUTBOUND))

    assert result.maximum_call_attempts is None
    assert result.calling_hours is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ()),
        ([{"day": 1, "start": "09:00", "end": "20:00"}], ((1, "09:00", "20:00"),)),
        ([{"day": 1, "start": "09:00", "end": "20:00"}, {"day": 2}], None),
        (None, None),
    ],
)
def test_calling_hours_are_read_whole_or_not_at_all(rows, expected):
    answer = http(200, {"outbound": {"callingHours": rows, "maximumCallAttempts": 1}})

    result, _ = ask(answer, lambda client: client.outbound_settings(OUTBOUND))

    assert result.calling_hours == expected
    assert result.maximum_call_attempts == 1


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
