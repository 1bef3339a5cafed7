"""Where the contract is unknown: both ways (pearl-api.md section 12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from simulator.tests.conftest import OUTBOUND, PEARL, until


def never_open():
    """A single minute, days away from now in any zone."""
    far = datetime.now(UTC) + timedelta(days=3)
    return [{"day": far.isoweekday() % 7, "start": "00:00", "end": "00:01"}]


def test_a_paused_campaign_queues_and_dials_it_all_on_resume(simulator):
    assert simulator.post(f"/v1/Outbound/{OUTBOUND}/Active", {"isActive": False}) == 2
    requests = [simulator.call(f"+3460000014{n}") for n in range(3)]
    assert [simulator.request(r["id"])["status"] for r in requests] == [1, 1, 1]
    assert simulator.rings() == []

    answer = simulator.ask("PUT", f"/v2/Pearl/{PEARL}/Active", json={"isActive": True})

    assert answer.json() == 1
    assert len(simulator.rings()) == 3


def test_a_paused_campaign_may_refuse_instead(simulator):
    simulator.configure(modes={"paused": "reject400"})
    simulator.configure_campaign(status=2)

    answer = simulator.try_call("+34600000140")

    assert answer.status_code == 400
    assert "validation" in answer.json()["errors"]


def test_calls_in_progress_survive_a_pause(simulator):
    request_id = simulator.call("+34600000101")["id"]

    simulator.configure_campaign(status=2)

    until(lambda: simulator.request(request_id)["status"] == 10)


def test_outside_hours_the_request_waits_for_the_opening(simulator):
    simulator.configure_campaign(callingHours=never_open())
    request_id = simulator.call("+34600000141")["id"]
    assert simulator.request(request_id)["status"] == 1
    assert simulator.stats()["queued"] == 1

    simulator.configure_campaign(callingHours=[])

    until(lambda: simulator.request(request_id)["status"] == 10)


def test_outside_hours_may_be_refused_or_ignored(simulator):
    simulator.configure_campaign(callingHours=never_open())

    simulator.configure(modes={"hours": "reject400"})
    refused = simulator.try_call("+34600000142")
    simulator.configure(modes={"hours": "ignore"})
    simulator.call("+34600000143")

    assert refused.status_code == 400
    assert "schedule" in refused.text
    assert [ring["to"] for ring in simulator.rings()] == ["+34600000143"]


def test_without_credit_make_call_is_refused(simulator):
    simulator.configure(account={"creditBalance": 0})

    answer = simulator.try_call("+34600000144")

    assert answer.status_code == 400
    assert "Account" in answer.json()["errors"]
    assert simulator.get("/v1/Account")["status"] == 3


def test_without_credit_the_request_may_fail_instead(simulator):
    simulator.configure(account={"status": 4}, modes={"no_credit": "request_error"})

    request = simulator.request(simulator.call("+34600000144")["id"])

    assert (request["status"], request["callId"]) == (100, None)


def test_calls_cost_credit_until_none_is_left(simulator):
    simulator.configure(account={"creditBalance": 1.0, "credit_per_call": 1.0})

    simulator.finished_call("+34600000102")

    assert simulator.try_call("+34600000102").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/Outbound/{PEARL}",
        f"/v2/Pearl/{OUTBOUND}",
        f"/v1/Outbound/CallRequest/{OUTBOUND}",
        f"/v1/Outbound/{OUTBOUND}/Lead/{OUTBOUND}",
    ],
)
def test_an_unknown_id_is_a_400_or_by_a_switch_a_404(simulator, path):
    first = simulator.ask("GET", path)
    simulator.configure(modes={"unknown_ids": "404"})
    second = simulator.ask("GET", path)

    assert first.status_code == 400
    assert first.json()["errors"]["validation"][0].startswith("wrong ")
    assert (second.status_code, second.text) == (404, "")


def test_an_unknown_call_is_always_a_400(simulator):
    simulator.configure(modes={"unknown_ids": "404"})

    answer = simulator.ask("GET", f"/v2/Call/{OUTBOUND}")

    assert answer.status_code == 400


def test_enumerations_may_be_names(simulator):
    simulator.configure(modes={"enums_as_strings": True})

    request_id = simulator.call("+34600000101")["id"]
    until(lambda: simulator.request(request_id)["status"] == "Completed")
    call = simulator.get(f"/v1/Call/{simulator.request(request_id)['callId']}")

    assert (call["status"], call["conversationStatus"]) == ("Completed", "Success")


def test_a_queued_lead_may_have_the_newer_code(simulator):
    simulator.configure_campaign(totalAgents=0)
    simulator.configure(modes={"conversation_codes": "35"})
    path = f"/v2/Outbound/{PEARL}/Lead"

    lead_id = simulator.post(path, {"phoneNumber": "+34600000101"})["leadId"]

    assert simulator.get(f"{path}/{lead_id}")["status"] == 35


def test_the_budget_stops_the_dialling(simulator):
    simulator.configure_campaign(budgetTotal=0)

    request_id = simulator.call("+34600000101")["id"]

    assert simulator.request(request_id)["status"] == 1


def test_a_blacklisted_prefix_blocks_its_range(simulator):
    simulator.post("/v2/Account/Blacklist", {"phoneNumbers": ["+3460000015"]})
    blocked = simulator.request(simulator.call("+34600000151")["id"])
    simulator.post("/v2/Account/Blacklist/Remove", {"phoneNumbers": ["+3460000015"]})
    free = simulator.request(simulator.call("+34600000151")["id"])

    assert (blocked["status"], free["status"]) == (20, 2)
