"""Make Call and its request (pearl-api.md 4.2, 4.3, 9.2)."""

from __future__ import annotations

import re
import time

import pytest

from simulator.tests.conftest import OUTBOUND, PEARL, until


def test_the_answer_has_a_request_id_and_no_call_id(simulator):
    answer = simulator.call("+34600000001", firstName="Ana")

    assert set(answer) == {"id", "from", "to", "queuePosition"}
    assert re.fullmatch(r"[0-9a-f]{24}", answer["id"])
    assert abs(int(answer["id"][:8], 16) - time.time()) < 5
    assert (answer["to"], answer["queuePosition"]) == ("+34600000001", 0)


def test_a_request_id_is_not_a_call_id(simulator):
    request_id = simulator.call("+34600000001")["id"]

    answer = simulator.ask("GET", f"/v1/Call/{request_id}")

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"validation": ["wrong CallId"]}
    assert simulator.request(request_id)["callId"] != request_id


def test_a_request_goes_from_on_call_to_completed(simulator):
    simulator.configure(speed=1)
    request = simulator.request(simulator.call("+34600000001")["id"])
    live = simulator.get(f"/v2/Call/{request['callId']}")
    simulator.post("/_simulator/calls/end", {"outcome": "success"})

    after = simulator.request(request["id"])

    assert set(request) == {
        "id",
        "status",
        "outboundId",
        "created",
        "errors",
        "callId",
    }
    assert (request["status"], request["outboundId"]) == (2, OUTBOUND)
    assert (live["status"], live["conversationStatus"], live["duration"]) == (3, 40, 0)
    assert live["collectedInfo"] == []
    assert (after["status"], after["callId"]) == (10, request["callId"])


def test_the_whole_conversation_can_be_read_after_processing(simulator):
    call = simulator.processed_call(
        "+34600000001", firstName="Ana", lastName="Prueba", ttAttemptId="t-1", nif="x"
    )

    info = {item["id"]: item["value"] for item in call["collectedInfo"]}
    assert (call["status"], call["conversationStatus"]) == (4, 100)
    assert call["name"] == "Ana Prueba"
    assert 60 <= call["duration"] <= 180
    assert info["ttAttemptId"] == "t-1"
    assert info["phoneNumber"] == "+34600000001"
    assert re.fullmatch(r"\d\d-\d\d-\d{4}", info["fechaDeseada"])
    assert re.fullmatch(r"\d\d:\d\d:00", info["horaDeseada"])
    assert info["preferenciaMT"] in ("morning", "afternoon")
    assert "nif" not in info  # not declared, so not echoed
    assert {line["role"] for line in call["transcript"]} == {2, 3}
    assert call["recording"].startswith(simulator.url)


def test_each_version_names_the_campaign_by_its_own_id(simulator):
    call = simulator.finished_call("+34600000002")

    first = simulator.get(f"/v1/Call/{call['id']}")

    assert (call["pearlId"], first["pearlId"]) == (PEARL, OUTBOUND)
    assert call["relatedId"] == first["relatedId"] == OUTBOUND


def test_summary_transcript_and_recording_come_later_than_the_end(simulator):
    simulator.configure(post_processing_seconds=1e6)

    call = simulator.finished_call("+34600000001")

    assert (call["status"], call["conversationStatus"]) == (4, 100)
    assert call["duration"] > 0
    assert call["summary"] is call["transcript"] is call["recording"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": ""},
        {"to": " "},
        {"to": None},
        {"to": 600},
        {"to": "+346", "callData": 1},
    ],
)
def test_a_bad_body_is_refused_and_nobody_is_called(simulator, body):
    answer = simulator.ask("POST", f"/v1/Outbound/{OUTBOUND}/Call", json=body)

    assert answer.status_code == 400
    assert set(answer.json()) >= {"type", "title", "status", "errors"}
    assert simulator.rings() == []


def test_the_queue_is_first_in_first_out_and_tells_the_position(simulator):
    simulator.configure(speed=1)
    simulator.configure_campaign(totalAgents=2)

    answers = [simulator.call(f"+3460000012{n}") for n in range(5)]

    assert [answer["queuePosition"] for answer in answers] == [0, 0, 1, 2, 3]
    assert [simulator.request(a["id"])["status"] for a in answers] == [2, 2, 1, 1, 1]
    assert simulator.request(answers[2]["id"])["callId"] is None
    simulator.post("/_simulator/calls/end", {"to": "+34600000120"})
    dialled = [ring["to"][-1] for ring in simulator.rings()]
    assert dialled == ["0", "1", "2"]


def test_as_many_calls_at_once_as_agents_and_no_more(simulator):
    simulator.configure_campaign(totalAgents=3)

    for n in range(12):
        simulator.call(f"+346000013{20 + n}")

    until(lambda: simulator.stats()["ended"] == 12)
    assert simulator.stats()["peak_in_course"] == 3


def test_more_agents_empty_the_queue_at_once(simulator):
    simulator.configure(speed=1)
    simulator.configure_campaign(totalAgents=0)
    waiting = simulator.call("+34600000130")

    simulator.configure_campaign(totalAgents=1)

    assert waiting["queuePosition"] == 1
    assert simulator.request(waiting["id"])["status"] == 2


def test_a_number_that_cannot_exist_ends_as_a_request_error(simulator):
    request_id = simulator.call("600000001")["id"]

    request = simulator.request(request_id)

    assert (request["status"], request["errors"]) == (100, ["WrongCountryCode"])
    assert simulator.rings() == []
