"""Webhooks: both versions, delivery, and each of their faults (section 8)."""

from __future__ import annotations

from collections import Counter

from simulator.tests.conftest import until

NUMBER = "+34600000101"


def statuses(ear):
    return [event["status"] for event in ear.heard]


def test_a_call_is_told_at_its_start_and_at_its_end(simulator, ear):
    call = simulator.finished_call(NUMBER, firstName="Ana", ttAttemptId="t-1")

    start, end = ear.wait_for(2)

    assert (start["status"], start["conversationStatus"]) == (3, 40)
    assert (start["duration"], start["collectedInfo"]) == (0, [])
    assert (end["status"], end["conversationStatus"]) == (4, 100)
    assert start["id"] == end["id"] == call["id"]
    assert end["duration"] == call["duration"]
    assert "ttAttemptId" in [item["id"] for item in end["collectedInfo"]]
    assert end["summary"] is None  # known only after processing
    assert set(start) == set(end)
    assert set(end) == {
        *("id", "pearlId", "startTime", "conversationStatus", "status", "from"),
        *("to", "name", "duration", "recording", "transcript", "summary"),
        *("collectedInfo", "tags", "isCallTransferred", "overallSentiment", "leadId"),
    }


def test_an_unanswered_call_is_told_too(simulator, ear):
    simulator.finished_call("+34600000102")

    assert [e["status"] for e in ear.wait_for(2)] == [3, 7]


def test_the_end_may_wait_for_the_summary(simulator, ear):
    simulator.configure(webhooks={"end_when": "processed"})

    simulator.call(NUMBER)

    end = ear.wait_for(2)[1]
    assert end["summary"]
    assert end["transcript"][0]["role"] == 2
    assert end["recording"].startswith(simulator.url)


def test_version_1_is_the_pascal_case_twin(simulator, ear):
    simulator.configure_campaign(webhookVersion="v1")
    simulator.configure(webhooks={"end_when": "processed"})

    simulator.call(NUMBER, firstName="Ana")

    end = ear.wait_for(2)[1]
    assert (end["Status"], end["ConversationStatus"], end["To"]) == (4, 100, NUMBER)
    assert {"Role", "Content", "StartTime", "EndTime"} == set(end["Transcript"][0])
    assert {"Id", "Name", "Value"} == set(end["CollectedInfo"][0])
    assert "RelatedId" in end


def test_the_credential_goes_in_the_configured_header(simulator, ear):
    simulator.configure_campaign(
        webhook_credential_header="X-Api-Key", webhook_credential_value="s3creto"
    )

    simulator.call(NUMBER)

    ear.wait_for(1)
    assert ear.headers[0]["X-Api-Key"] == "s3creto"
    assert ear.headers[0]["Content-Type"] == "application/json; charset=utf-8"


def test_a_refused_delivery_is_tried_again_three_times(simulator, ear):
    simulator.configure(speed=5000)
    ear.script = [500, 302, 404, 200]

    simulator.call("+34600000104")

    until(lambda: simulator.stats()["webhooks"]["pending"] == 0 and len(ear.heard) > 4)
    stats = simulator.stats()["webhooks"]
    assert len(ear.heard) == 5
    assert (stats["sent"], stats["delivered"], stats["failed"]) == (2, 2, 0)
    assert stats["retried"] == 3


def test_a_delivery_is_given_up_after_three_retries(simulator, ear):
    simulator.configure(speed=5000)
    ear.script = [500] * 8

    simulator.call("+34600000104")

    until(lambda: simulator.stats()["webhooks"]["failed"] == 2)
    assert len(ear.heard) == 8


def test_a_delivery_times_out(simulator, ear):
    simulator.configure(webhooks={"timeout_seconds": 0.001}, speed=5000)
    ear.script = [200]

    simulator.call("+34600000104")

    until(lambda: simulator.stats()["webhooks"]["pending"] == 0)
    stats = simulator.stats()["webhooks"]
    assert stats["delivered"] + stats["failed"] == stats["sent"] == 2


def test_events_can_be_duplicated(simulator, ear):
    simulator.configure(webhooks={"duplicate": 1.0})

    simulator.finished_call(NUMBER)

    ear.wait_for(4)
    assert Counter(statuses(ear)) == {3: 2, 4: 2}
    assert simulator.stats()["webhooks"]["duplicated"] == 2


def test_events_can_be_lost(simulator, ear):
    simulator.configure(webhooks={"lose": 1.0})

    simulator.finished_call(NUMBER)

    assert simulator.stats()["webhooks"]["lost"] == 2
    assert ear.heard == []


def test_events_can_be_late(simulator, ear):
    simulator.configure(webhooks={"delay": 1.0, "delay_seconds": 200})

    simulator.finished_call("+34600000104")

    assert ear.heard == []
    ear.wait_for(2)


def test_events_can_change_places(simulator, ear):
    simulator.configure(webhooks={"reorder": 1.0}, speed=20)

    simulator.finished_call("+34600000104")

    ear.wait_for(2)
    assert statuses(ear) == [6, 3]


def test_the_end_may_never_be_told(simulator, ear):
    simulator.configure(webhooks={"start_only": 1.0})

    simulator.processed_call(NUMBER)

    ear.wait_for(1)
    assert statuses(ear) == [3]
    assert simulator.stats()["webhooks"]["lost"] == 1


def test_the_end_may_come_without_summary_and_then_with(simulator, ear):
    simulator.configure(webhooks={"end_without_summary_then_with": 1.0})

    simulator.call(NUMBER)

    _, first, second = ear.wait_for(3)
    assert (first["status"], second["status"]) == (4, 4)
    assert first["summary"] is None
    assert second["summary"]


def test_names_instead_of_numbers_in_events(simulator, ear):
    simulator.configure(modes={"enums_as_strings": True})

    simulator.call("+34600000103")

    assert {e["status"] for e in ear.wait_for(2)} == {"InProgress", "Busy"}


def test_nothing_is_posted_off_this_machine(simulator):
    for url in ("http://example.com/x", "https://10.0.0.1/", "file:///x", "localhost"):
        answer = simulator.ask(
            "POST",
            "/_simulator/config",
            json={"campaigns": {"66f0a1b2c3d4e5f601020304": {"callWebhookUrl": url}}},
        )

        assert answer.status_code == 400
        assert "loopback" in answer.json()["error"]
