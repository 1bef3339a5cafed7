"""Endings by suffix, by script and by dice (pearl-api.md 9.11, 11.5)."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.tests.conftest import until


@pytest.mark.parametrize(
    ("suffix", "status", "conversation", "felt", "answered"),
    [
        ("01", 4, 100, "rang", True),
        ("02", 7, 10, "rang", False),
        ("03", 5, 10, "engaged", False),
        ("04", 6, 500, "nothing", False),
        ("05", 4, 70, "rang", True),
        ("09", 4, 100, "rang", True),
        ("10", 4, 130, "rang", True),
    ],
)
def test_the_last_digits_decide(
    simulator, suffix, status, conversation, felt, answered
):
    call = simulator.finished_call(f"+346000001{suffix}")

    ring = simulator.rings()[0]
    assert (call["status"], call["conversationStatus"]) == (status, conversation)
    assert (ring["felt"], ring["answered"]) == (felt, answered)
    assert (call["duration"] > 0) is answered
    assert (ring["rang_from"] is not None) is (felt == "rang")
    assert ring["ended_at"] is not None


@pytest.mark.parametrize(("suffix", "status"), [("06", 20), ("07", 100)])
def test_a_refused_request_rings_no_phone(simulator, suffix, status):
    request_id = simulator.call(f"+346000001{suffix}")["id"]

    request = simulator.request(request_id)

    assert (request["status"], request["callId"]) == (status, None)
    assert bool(request["errors"]) is (status == 100)
    assert simulator.rings() == []


def test_a_stuck_call_never_says_it_ended_but_frees_its_agent(simulator):
    request_id = simulator.call("+34600000108")["id"]

    ring = until(lambda: [r for r in simulator.rings() if r["ended_at"]])[0]

    assert ring["call_status"] == 3
    assert simulator.request(request_id)["status"] == 2
    assert simulator.stats()["in_course"] == 0


def test_status_8_comes_first_and_4_afterwards(simulator):
    simulator.configure(speed=1)
    request_id = simulator.call("+34600000109")["id"]
    call_id = simulator.request(request_id)["callId"]
    before = simulator.get(f"/v2/Call/{call_id}")

    simulator.configure(speed=2000)

    assert before["status"] == 8
    until(lambda: simulator.get(f"/v2/Call/{call_id}")["status"] == 4)


def test_a_script_wins_over_the_suffix_and_goes_on_dial_by_dial(simulator):
    number = "+34600000101"
    simulator.configure(scripted={number: ["busy", "no_answer", "success"]})

    statuses = [simulator.finished_call(number)["status"] for _ in range(4)]

    assert statuses == [5, 7, 4, 4]


def test_suffixes_can_be_switched_off(simulator):
    simulator.configure(suffixes=False, outcomes={"failed": 1})

    call = simulator.finished_call("+34600000101")

    assert call["status"] == 6


def test_fates_depend_on_number_and_dial_not_on_order(simulator):
    numbers = [f"+3460001{n:02d}99" for n in range(20)]
    simulator.configure_campaign(totalAgents=20)

    def outcomes(order):
        simulator.post("/_simulator/reset")
        for number in order:
            simulator.call(number)
        until(lambda: simulator.stats()["ended"] == len(order))
        return {ring["to"]: ring["outcome"] for ring in simulator.rings()}

    assert outcomes(numbers) == outcomes(numbers[::-1])


def test_the_default_distribution_is_roughly_as_documented(simulator):
    simulator.configure(suffixes=False, talk_seconds=[1, 2])
    simulator.configure_campaign(totalAgents=400)

    for n in range(400):
        simulator.call(f"+34600{n:06d}")

    seen = Counter(ring["outcome"] for ring in simulator.rings())
    answered = seen["success"] + seen["not_successful"] + seen["completed"]
    assert 0.38 < answered / 400 < 0.52
    assert 0.23 < seen["no_answer"] / 400 < 0.37
    assert 0.07 < seen["busy"] / 400 < 0.17


def test_completed_with_zero_duration_is_corrected_by_processing(simulator):
    simulator.configure(
        completed_with_zero_duration=1.0, speed=200, post_processing_seconds=100
    )

    call = simulator.finished_call("+34600000101")

    assert (call["status"], call["duration"]) == (4, 0)
    until(lambda: simulator.get(f"/v2/Call/{call['id']}")["duration"] > 0)
