"""What never left this machine is told as such, and what may have left is not."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from calls.pearl import (
    AccessDenied,
    CallNotSent,
    CallRefused,
    CallUncertain,
    NoAnswer,
    RequestId,
    transport,
)
from calls.tests import hostile_server as hostile
from calls.tests.hostile_server import HostileServer, http
from calls.tests.pearl_dials import (
    CONNECT_TIMEOUT,
    CUT_BODY,
    DEADLINE,
    OUTBOUND,
    PHONE,
    PLACED,
    REQUEST,
    SLACK,
    assert_tells_nothing,
    caught,
    client_for,
    dial,
    read,
    treacherous_environment,
)

__all__ = ["treacherous_environment"]


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


def test_who_froze_between_headers_and_body_does_not_complete_the_request():
    with transport.Deadline(0.05) as clock:
        clock.before_bytes_leave()
        time.sleep(0.1)

        with pytest.raises(TimeoutError):
            clock.before_bytes_leave()

        assert clock.sent
