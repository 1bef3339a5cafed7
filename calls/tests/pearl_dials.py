"""A client for a hostile server, and what a call through it may end in."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from calls.pearl import CallId, PearlClient, PearlError
from calls.tests import hostile_server as hostile
from calls.tests.hostile_server import http

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


CUT_BODY = http(200, PLACED, length=500)
HTML = b"<html><title>Bad gateway</title></html>"


def status(code, *headers):
    return hostile.answer(http(code, HTML, *headers, kind="text/html"))
