"""The judge's own routes, the process, and the recordings."""

from __future__ import annotations

import re
import signal
import socket
import struct
import subprocess
import sys
import time
from datetime import datetime

import pytest
import requests

from simulator.recordings import _checksum
from simulator.tests.conftest import OUTBOUND, ROOT, TOKEN, Simulator, until

NUMBER = "+34600000101"


def seconds_between(first, last):
    return (
        datetime.fromisoformat(last) - datetime.fromisoformat(first)
    ).total_seconds()


def test_a_ring_tells_what_the_phone_felt(simulator):
    request_id = simulator.call(NUMBER, ttAttemptId="t-1")["id"]
    until(lambda: simulator.rings()[0]["ended_at"])

    ring = simulator.rings()[0]

    assert (ring["to"], ring["request_id"], ring["outbound_id"]) == (
        NUMBER,
        request_id,
        OUTBOUND,
    )
    assert ring["call_data"] == {"ttAttemptId": "t-1"}
    moments = ("placed_at", "started_at", "rang_from", "rang_until", "ended_at")
    assert [ring[m] for m in moments] == sorted(ring[m] for m in moments)
    assert all(re.search(r"T\d\d:\d\d:\d\d\.\d{3}Z$", ring[m]) for m in moments)
    assert abs(datetime.fromisoformat(ring["placed_at"]).timestamp() - time.time()) < 5


def test_rings_can_be_read_from_where_one_left_off(simulator):
    simulator.call(NUMBER)
    first = simulator.get("/_simulator/rings")
    simulator.call("+34600000102")

    second = simulator.get(f"/_simulator/rings?since_index={first['next_index']}")

    assert [ring["to"] for ring in second["rings"]] == ["+34600000102"]
    assert simulator.ask("GET", "/_simulator/rings?since_index=x").status_code == 400


def test_stats_count_requests_by_route_and_calls_by_number(simulator):
    simulator.get("/v1/account")
    for _ in range(2):
        simulator.call(NUMBER, ttAttemptId="t-1")

    stats = simulator.stats()

    assert stats["requests"] == {
        "GET /v1/Account": 1,
        "POST /v1/Outbound/{outboundId}/Call": 2,
    }
    assert (stats["total_requests"], stats["make_call_posts"]) == (3, 2)
    assert stats["make_calls_per_number"] == {NUMBER: 2}
    assert stats["make_call_posts_per_marker"] == {"t-1": 2}
    assert stats["requests_per_second_peak"] == 3


def test_the_average_in_course_starts_again_at_a_mark(simulator):
    simulator.configure(speed=1)
    for n in range(4):
        simulator.call(f"+3460000013{n}")
    simulator.post("/_simulator/mark")
    time.sleep(0.05)

    stats = simulator.stats()

    assert stats["average_in_course"] == pytest.approx(4, rel=0.01)
    assert (stats["in_course"], stats["peak_in_course"]) == (4, 4)
    assert stats["elapsed_seconds"] >= 0.05


def test_the_last_requests_can_be_read(simulator):
    simulator.try_call("")

    entry = simulator.get("/_simulator/requests")["requests"][-1]

    assert entry["route"] == "POST /v1/Outbound/{outboundId}/Call"
    assert entry["status"] == 400


def test_a_part_of_the_configuration_is_merged(simulator):
    simulator.configure(modes={"paused": "reject400"})

    config = simulator.configure(modes={"hours": "ignore"}, scripted={NUMBER: "busy"})
    without = simulator.configure(scripted={NUMBER: None})

    assert config["modes"]["paused"] == "reject400"
    assert config["modes"]["hours"] == "ignore"
    assert config["scripted"] == {NUMBER: "busy"}
    assert without["scripted"] == {}
    assert config["campaigns"][OUTBOUND]["name"] == "Simulador · citas"


def test_campaigns_can_be_a_list_and_added(simulator):
    other = "66f0a1b2c3d4e5f601020399"
    new = {"id": other, "pearl_id": "66f0aaaabbbbccccdddd0099", "totalAgents": 1}

    simulator.configure(campaigns=[new])

    assert simulator.get(f"/v1/Outbound/{other}")["totalAgents"] == 1
    assert len(simulator.get("/v2/Pearl")) == 2


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"sped": 1}, "sped"),
        ({"speed": 0}, "speed"),
        ({"speed": "x"}, "speed"),
        ({"modes": {"paused": "x"}}, "modes.paused"),
        ({"modes": {"pause": "queue"}}, "pause"),
        ({"outcomes": {"magia": 1}}, "magia"),
        ({"scripted": {NUMBER: "magia"}}, "magia"),
        ({"talk_seconds": [5, 1]}, "talk_seconds"),
        ({"talk_seconds": [5]}, "talk_seconds"),
        ({"faults": [{"kind": "x", "next": 1}]}, "kind"),
        ({"faults": [{"kind": "502"}]}, "probability or next"),
        ({"faults": [{"kind": "502", "next": 1, "route": "x"}]}, "route"),
        ({"webhooks": {"lose": 2}}, "lose"),
        ({"campaigns": {OUTBOUND: {"timeZone": "Europe/Madrid"}}}, "timeZone"),
        ({"campaigns": {OUTBOUND: {"callingHours": [{"day": 1}]}}}, "callingHours"),
        ({"rate_limit": {"per_second": 0}}, "per_second"),
        ({"account": {"status": 9}}, "account.status"),
        ({"outcomes": {"busy": -1, "success": 2}}, "negative"),
        ({"campaigns": {"a": {"name": "b"}}}, "pearl_id"),
        ([], "object"),
    ],
)
def test_a_bad_configuration_is_refused_with_its_reason(simulator, patch, message):
    before = simulator.get("/_simulator/config")

    answer = simulator.ask("POST", "/_simulator/config", json=patch)

    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert simulator.get("/_simulator/config") == before


def test_reset_forgets_calls_but_keeps_the_configuration(simulator):
    simulator.configure(seed=7)
    simulator.call(NUMBER)

    simulator.post("/_simulator/reset")

    assert simulator.rings() == []
    assert simulator.stats()["total_requests"] == simulator.stats()["in_course"] == 0
    assert simulator.get("/_simulator/config")["seed"] == 7


def test_reset_may_restore_the_configuration(simulator):
    simulator.configure(seed=7)

    simulator.post("/_simulator/reset", {"config": True})

    assert simulator.get("/_simulator/config")["seed"] == 1


def test_live_calls_can_be_ended_from_here(simulator):
    simulator.configure(speed=1)
    for n in range(3):
        simulator.call(f"+3460000013{n}")
    path = "/_simulator/calls/end"

    one = simulator.post(path, {"to": "+34600000130", "outcome": "busy"})
    rest = simulator.post(path, {"outcome": "success"})

    assert (one["ended"], rest["ended"]) == (1, 2)
    assert [r["call_status"] for r in simulator.rings()] == [5, 4, 4]
    assert simulator.ask("POST", path, json={"outcome": "x"}).status_code == 400


def test_speed_changes_the_wait_but_not_the_reported_seconds(simulator):
    simulator.configure(
        speed=200, talk_seconds=[60, 60], ring_seconds=[10, 10], setup_seconds=[0, 0]
    )

    call = simulator.finished_call(NUMBER)

    ring = simulator.rings()[0]
    assert call["duration"] == 60
    lasted = seconds_between(ring["rang_until"], ring["ended_at"])
    assert 0.29 < lasted < 0.45
    assert 0.045 < seconds_between(ring["rang_from"], ring["rang_until"]) < 0.15


def test_a_new_speed_hurries_calls_already_under_way(simulator):
    simulator.configure(speed=1)
    request_id = simulator.call(NUMBER)["id"]

    simulator.configure(speed=5000)

    until(lambda: simulator.request(request_id)["status"] == 10, seconds=1)


def test_a_recording_is_a_playable_ogg_of_the_right_length(simulator):
    call = simulator.processed_call(NUMBER)

    answer = simulator.session.get(call["recording"], timeout=5)

    audio = answer.content
    pages = [m.start() for m in re.finditer(b"OggS", audio)]
    last = audio[pages[-1] :]
    assert answer.headers["Content-Type"] == "audio/ogg"
    assert audio[28:36] == b"OpusHead"
    assert struct.unpack("<q", last[6:14])[0] == call["duration"] * 48000
    assert last[5] == 4
    blank = last[:22] + bytes(4) + last[26:]
    assert struct.unpack("<I", last[22:26])[0] == _checksum(blank)


def test_recordings_need_the_token_unless_public(simulator):
    call = simulator.processed_call(NUMBER)
    unanswered = simulator.finished_call("+34600000102")

    private = requests.get(call["recording"], timeout=5)
    simulator.configure(modes={"public_recordings": True})
    public = requests.get(call["recording"], timeout=5)
    missing = requests.get(
        call["recording"].replace(call["id"], unanswered["id"]), timeout=5
    )

    statuses = [a.status_code for a in (private, public, missing)]
    assert statuses == [401, 200, 404]


@pytest.mark.parametrize(("sent", "placed"), [(5, 0), (21, 1)])
def test_a_request_counts_when_it_is_whole_though_its_client_died(
    simulator, sent, placed
):
    body = b'{"to":"+34600000101"}'
    head = (
        f"POST /v1/Outbound/{OUTBOUND}/Call HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    port = int(simulator.url.rsplit(":", 1)[1])

    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(head.encode() + body[:sent])

    until(lambda: simulator.stats()["total_requests"] == 1)
    until(lambda: simulator.stats()["requests_in_flight"] == 0)
    assert len(simulator.rings()) == placed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_cleanly(number):
    simulator = Simulator(
        *("--agents", "3", "--speed", "1", "--seed", "5", "--rate-limit", "50/60/9"),
        *("--account-id", "a" * 24, "--secret-key", "s", "--webhook-version", "v1"),
        *("--webhook-url", "http://127.0.0.1:9/"),
    )
    simulator.session.headers["Authorization"] = f"Bearer {'a' * 24}:s"
    config = simulator.get("/_simulator/config")
    simulator.call(NUMBER)

    simulator.process.send_signal(number)
    code = simulator.process.wait(3)
    rest = simulator.process.stdout.read()
    simulator.close()

    assert (code, rest) == (0, "")
    assert re.fullmatch(
        r"simulator listening on http://127\.0\.0\.1:\d+\n", simulator.first_line
    )
    assert config["rate_limit"]["in_flight"] == 9
    assert config["campaigns"][OUTBOUND]["totalAgents"] == 3
    assert config["campaigns"][OUTBOUND]["webhookVersion"] == "v1"


@pytest.mark.parametrize(
    "arguments",
    [("--rate-limit", "fast"), ("--webhook-url", "https://example.com/")],
)
def test_a_bad_argument_stops_the_start(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "--port", "0", *arguments],
        capture_output=True,
        cwd=ROOT,
        text=True,
        timeout=10,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("simulator: ")
