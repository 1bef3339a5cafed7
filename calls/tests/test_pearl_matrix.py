"""At most one request, and an error that says the truth, whatever the network does."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from calls.pearl import (
    AccessDenied,
    CallNotSent,
    CallRefused,
    CallUncertain,
    NoAnswer,
    NotFound,
    Throttled,
)
from calls.tests import hostile_server as hostile
from calls.tests.hostile_server import HostileServer, http
from calls.tests.pearl_dials import (
    ACCOUNT,
    CALL,
    CUT_BODY,
    DEADLINE,
    PLACED,
    PROBLEM,
    REQUEST,
    SECRET,
    SLACK,
    assert_tells_nothing,
    caught,
    client_for,
    dial,
    read,
    status,
    treacherous_environment,
)

__all__ = ["treacherous_environment"]

ENDLESS_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
IN_AN_HOUR = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

# (act, posts the server sees, error of a dial, error of a read)
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
    "409 json": (
        lambda: hostile.answer(http(409, PROBLEM)),
        1,
        CallUncertain,
        NoAnswer,
    ),
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


def test_a_redirect_without_end_is_cut_by_its_size_not_by_the_clock():
    act, *_ = MATRIX["307 with an endless body"]

    with HostileServer(act()) as server:
        got = caught(dial, client_for(server.url))

    assert got.error.code == "too-big"


def test_headers_that_outlast_the_deadline_are_told_as_such():
    act, *_ = MATRIX["drip headers"]

    with HostileServer(act()) as server:
        got = caught(dial, client_for(server.url))

    assert got.error.code == "deadline"
