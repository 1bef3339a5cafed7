"""The lead engine and its routes (pearl-api.md 4.5, 7.1, 8.3, 11.7)."""

from __future__ import annotations

import pytest

from simulator.tests.conftest import EVER, OUTBOUND, PEARL, until

V1, V2 = f"/v1/Outbound/{OUTBOUND}", f"/v2/Outbound/{PEARL}"


def add(simulator, phone, **fields):
    return simulator.post(f"{V2}/Lead", {"phoneNumber": phone, **fields})["leadId"]


def lead(simulator, lead_id):
    return simulator.get(f"{V2}/Lead/{lead_id}")


def ends_as(simulator, lead_id, status):
    return until(lambda: lead(simulator, lead_id)["status"] == status)


@pytest.mark.parametrize(
    ("phone", "status"),
    [
        ("+34600000101", 100),
        ("+34600000110", 130),
        ("+34600000105", 70),
        ("+34600000102", 150),
        ("+34600000106", 220),
        ("+34600000107", 500),
        ("600000101", 30),
    ],
)
def test_a_lead_ends_as_its_last_conversation(simulator, phone, status):
    lead_id = add(simulator, phone)

    ends_as(simulator, lead_id, status)


def test_a_lead_is_called_again_after_the_interval(simulator):
    simulator.configure(speed=100_000, scripted={"+34600000111": ["busy", "success"]})
    simulator.configure_campaign(maximumCallAttempts=3, minimumRetryIntervalHours=6)

    lead_id = add(simulator, "+34600000111")

    ends_as(simulator, lead_id, 100)
    view = lead(simulator, lead_id)
    assert len(view["callsId"]) == 2
    assert view["lastCall"]["id"] == view["callsId"][-1]
    assert view["collectedData"]["fechaDeseada"]


def test_every_change_of_a_lead_is_told(simulator, ear):
    lead_id = add(
        simulator, "+34600000101", externalId="tt-1", callData={"firstName": "Ana"}
    )

    ends_as(simulator, lead_id, 100)
    until(lambda: len([e for e in ear.heard if "phoneNumber" in e]) == 3)
    events = [e for e in ear.heard if "phoneNumber" in e]
    calls = [e for e in ear.heard if "to" in e]
    assert {e["status"] for e in events} == {20, 40, 100}
    assert {e["externalId"] for e in events} == {"tt-1"}
    assert events[0]["callData"] == {"firstName": "Ana"}
    assert {c["leadId"] for c in calls} == {lead_id}


def test_the_last_unanswered_call_of_a_lead_is_unreachable(simulator, ear):
    add(simulator, "+34600000102")

    until(lambda: len(ear.heard) == 5)
    assert [e["conversationStatus"] for e in ear.heard if e.get("status") == 7] == [150]


def test_a_deleted_lead_is_not_dialled(simulator):
    simulator.configure_campaign(status=2)
    first, second = add(simulator, "+34600000111"), add(simulator, "+34600000112")

    gone = simulator.ask("DELETE", f"{V2}/Leads", json={"leadIds": [first]})
    simulator.configure_campaign(status=1)

    assert gone.json() is True
    assert [ring["to"] for ring in simulator.rings()] == ["+34600000112"]
    assert simulator.ask("GET", f"{V2}/Lead/{first}").status_code == 400
    assert lead(simulator, second)


def test_a_lead_set_to_completed_is_not_dialled_until_it_is_set_back(simulator):
    simulator.configure_campaign(status=2)
    lead_id = add(simulator, "+34600000111")
    path = f"{V2}/Lead/{lead_id}"

    stopped = simulator.ask("PUT", path, json={"status": 130}).json()
    simulator.configure_campaign(status=1)
    silence = simulator.rings()
    simulator.ask("PUT", path, json={"status": 10})

    assert stopped["status"] == 130
    assert silence == []
    assert len(simulator.rings()) == 1


def test_only_some_statuses_can_be_written(simulator):
    lead_id = add(simulator, "+34600000111")

    answer = simulator.ask("PUT", f"{V2}/Lead/{lead_id}", json={"status": 40})

    assert answer.status_code == 400


def test_a_retry_waits_in_vain_when_the_lead_is_deleted(simulator):
    simulator.configure(speed=20_000)
    simulator.configure_campaign(maximumCallAttempts=2)
    lead_id = add(simulator, "+34600000103", externalId="tt-9")
    ends_as(simulator, lead_id, 10)

    body = {"leadExternalIds": ["tt-9"]}
    simulator.ask("DELETE", f"{V1}/Leads/External", json=body)
    simulator.configure(speed=1e7)

    assert simulator.stats()["in_course"] == 0
    assert len(simulator.rings()) == 1


def test_both_versions_and_both_spellings_find_the_same_lead(simulator):
    added = simulator.ask(
        "PUT",
        f"{V1}/Lead",
        json={"phoneNumber": "+34600000111", "externalId": "tt-2"},
    )
    lead_id = added.json()["leadId"]

    found = {
        simulator.get(root + path)["id"]
        for root in (V1, V2)
        for path in (
            f"/Lead/{lead_id}",
            "/Lead/External/tt-2",
            "/lead/extrenal/tt-2",
            "/Lead/PhoneNumber/%2B34600000111",
        )
    }

    assert found == {lead_id}


def test_the_newest_of_two_leads_with_one_external_id_is_found(simulator):
    add(simulator, "+34600000111", externalId="tt-3")
    newest = add(simulator, "+34600000112", externalId="tt-3")

    assert simulator.get(f"{V2}/Lead/External/tt-3")["id"] == newest


def test_many_leads_at_once_and_the_bad_ones_are_named(simulator):
    good = [{"phoneNumber": f"+3460000020{n}"} for n in range(3)]

    first = simulator.post(f"{V2}/Leads/Add", {"leads": good})
    second = simulator.ask(
        "POST", f"{V2}/Leads/Add", json={"leads": [{"externalId": "x"}, *good]}
    )

    assert first is True
    assert second.status_code == 400
    assert second.json()["leads"][0]["lead"] == {"externalId": "x"}
    assert simulator.post(f"{V2}/Leads", EVER)["count"] == 6


def test_leads_can_be_searched_by_status_and_number(simulator):
    simulator.configure_campaign(status=2)
    add(simulator, "+34600000111")
    add(simulator, "+34600000112")

    page = simulator.post(f"{V1}/Leads", {"statuses": [20], "limit": 1})
    found = simulator.post(f"{V1}/Leads", {"searchInput": "111"})

    assert (page["count"], len(page["results"])) == (2, 1)
    assert set(found["results"][0]) == {
        *("id", "externalId", "phoneNumber", "timeZone", "status", "created"),
        "callData",
    }
    assert found["results"][0]["phoneNumber"] == "+34600000111"


def test_a_make_call_makes_no_lead(simulator, ear):
    simulator.finished_call("+34600000103")

    ear.wait_for(2)
    assert all("to" in event for event in ear.heard)
    assert simulator.post(f"{V1}/Leads")["count"] == 0
