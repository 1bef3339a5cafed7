"""The provider's own client gets from the simulator what pearl-api.md says, everywhere.

So the simulator is faithful to the contract, and not made to fit our client.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from simulator import account, called, outbound, pearl_flow
from simulator.lead_routes import LeadRoutes
from simulator.tests import official_methods as methods
from simulator.tests import shapes
from simulator.tests.conftest import OUTBOUND, PEARL
from simulator.tests.official import (
    NOT_JSON,
    NOWHERE,
    VERSIONS,
    ask,
    ask_row,
    exchanges,
    offered,
    official,
    scene,
)
from simulator.tests.official_methods import ROWS, SUCCESS

__all__ = ["official", "scene"]  # the fixtures

TABLE = {(row.version, row.method): row for row in ROWS}
#: What an older page of the documentation misspelt; only the simulator remembers.
MISSPELT = {
    "GET /v1/Outbound/{outboundId}/Lead/Extrenal/{key}",
    "GET /v2/Outbound/{pearlId}/Lead/Extrenal/{key}",
}


def test_the_table_knows_every_method_of_the_client():
    assert {row.method for row in ROWS} == offered()
    assert len(TABLE) == len(ROWS)


def test_the_client_knows_every_route_of_the_simulator():
    """None was made for our own client alone."""
    groups = (outbound, pearl_flow, called, account)
    routes = {route.name for group in groups for route in group.ROUTES}
    routes |= {route.name for route in LeadRoutes(None).routes()}

    assert routes - {row.route for row in ROWS} == MISSPELT


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_method_gets_what_the_contract_says(official, simulator, scene, row):
    before = exchanges(simulator)

    if row.answer is methods.BARE_ID:
        with pytest.raises(NOT_JSON) as refusal:
            ask_row(row, scene)
        assert shapes.misfit(refusal.value.doc, shapes.ID) is None
    else:
        wrong = misfit(ask_row(row, scene), row.answer)
        assert wrong is None, wrong

    asked = exchanges(simulator)[len(before) :]
    assert asked == ([(row.route, 200)] if row.route else [])


def misfit(answer, shape):
    if shape is methods.RESPONSE:
        assert answer.headers["Content-Type"] == "audio/ogg"
        return misfit(answer.content, methods.AUDIO)
    if shape is methods.AUDIO:
        return None if answer.startswith(b"OggS") else "not audio"
    return shapes.misfit(answer, shape)


@pytest.mark.parametrize(
    ("version", "method"),
    sorted({(v, m) for v in VERSIONS for m in offered()} - TABLE.keys()),
)
def test_a_method_of_the_other_version_is_refused_by_the_client_itself(
    official, simulator, version, method
):
    other = TABLE["v2" if version == "v1" else "v1", method]
    before = exchanges(simulator)

    with pytest.raises(ValueError, match="only available in API v"):
        ask(
            version, method, *NOWHERE.fill(other.args, version=version), **other.options
        )

    assert exchanges(simulator) == before


# --- What is written is what is read ------------------------------------------------


def test_the_recording_of_a_call_is_where_the_client_looks(official, simulator, scene):
    call = ask("v2", "Call.get_call", scene.call_id)
    url = ask("v2", "Recording.get_url", methods.ACCOUNT, PEARL, scene.call_id)

    saved = ask("v2", "Recording.save_recording", *url.split("/")[-3:], scene.file)

    assert urlsplit(url).path == urlsplit(call["recording"]).path
    assert Path(saved).read_bytes() == simulator.ask("GET", urlsplit(url).path).content


def test_a_request_leads_to_its_call_and_never_is_one(official, scene):
    request = ask("v1", "Outbound.get_call_request", scene.request_id)
    one, two = (ask(v, "Call.get_call", scene.call_id) for v in VERSIONS)

    assert request["callId"] == scene.call_id != request["id"]
    assert (one["pearlId"], two["pearlId"]) == (OUTBOUND, PEARL)
    assert one | {"pearlId": PEARL} == two


def test_a_lead_is_found_in_every_way_and_stops_when_told(official, scene):
    looks = [
        ask(version, f"Outbound.get_lead_by_{by}", campaign, key)
        for version, campaign in (("v1", OUTBOUND), ("v2", PEARL))
        for by, key in (
            ("id", scene.lead_id),
            ("external_id", methods.EXTERNAL_ID),
            ("phone_number", methods.LEAD_PHONE),
        )
    ]
    changed = ask(
        "v2", "Outbound.update_lead", PEARL, scene.lead_id, call_data={"a": 1}
    )
    ask("v2", "Outbound.delete_leads", PEARL, [scene.lead_id])
    left = ask("v1", "Outbound.get_leads", OUTBOUND)

    assert {look["id"] for look in looks} == {scene.lead_id}
    assert [look["lastCall"]["pearlId"] for look in looks] == [OUTBOUND] * 3 + [
        PEARL
    ] * 3
    assert (looks[0]["timeZone"], changed["callData"]) == ("1", {"a": 1})
    assert left == {"count": 0, "results": []}


def test_a_bulk_of_leads_names_those_that_failed_and_keeps_the_rest(
    official, simulator
):
    leads = [{"phoneNumber": SUCCESS}, {"externalId": "sin número"}]

    answer = ask("v2", "Outbound.add_leads", PEARL, leads)

    assert exchanges(simulator)[-1][1] == 400
    assert [one["lead"] for one in answer["leads"]] == leads[1:]
    assert ask("v2", "Outbound.get_leads", PEARL)["count"] == 1


def test_the_blacklist_holds_what_was_added_and_not_removed(official):
    ask("v2", "Account.add_to_blacklist", [SUCCESS, "+41"])
    ask("v2", "Account.remove_from_blacklist", ["+41"])

    found = ask("v2", "Account.search_blacklist")

    request = ask("v1", "Outbound.make_call", OUTBOUND, SUCCESS)
    assert (found["count"], len(found["results"])) == (1, 1)
    assert ask("v1", "Outbound.get_call_request", request["id"])["status"] == 20


def test_a_pause_shows_in_both_versions_and_in_the_audit_log(official):
    ask("v1", "Outbound.set_active", OUTBOUND, False)
    ask("v2", "Pearl.set_active", PEARL, True)
    statuses = ask("v1", "Outbound.get", OUTBOUND), ask("v2", "Pearl.get", PEARL)
    log = ask("v2", "Account.get_audit_log", *methods.DAYS)
    before = ask("v2", "Account.get_audit_log", "2020-01-01T00:00:00Z", methods.DAYS[0])

    assert [one["status"] for one in statuses] == [1, 1]
    assert shapes.misfit(log, [{**shapes.AUDIT_ENTRY, "eventType": 11}]) is None
    assert (len(log), before) == (2, [])


@pytest.mark.parametrize("kind", ["create", "create_text", "create_voice"])
def test_a_pearl_that_was_made_can_be_read_changed_and_dialled_with(official, kind):
    flow = methods.SIMPLE_FLOW if kind == "create" else methods.GRAPH
    variables = [{"id": "x"}]
    settings = {"totalAgents": 2, "callerIdNumber": "unknown keys are let by"}
    try:
        made = ask("v2", f"Pearl.{kind}", "Nuevo", flow, variables, outbound=settings)
    except NOT_JSON as refusal:  # see BARE_ID
        made = refusal.doc
    changed = {"objective": "Otro"}
    ask("v2", f"Pearl.{kind.replace('create', 'update')}", made, pearl=changed)

    pearl = ask("v2", "Pearl.get", made)
    told = ask("v2", "Pearl.get_settings", made)
    (twin,) = [o for o in ask("v1", "Outbound.get_all") if o["name"] == "Nuevo"]
    placed = ask("v1", "Outbound.make_call", twin["id"], SUCCESS)

    assert (pearl["name"], pearl["type"], pearl["totalAgents"]) == ("Nuevo", 2, 2)
    assert (told["pearl"], told["variables"]) == (changed, variables)
    assert told["agentType"] == (2 if kind == "create_text" else 1)
    assert twin["id"] != made
    assert shapes.misfit(placed, shapes.PLACED) is None


def test_an_inbound_pearl_is_told_of_in_its_own_words(official, scene):
    ask(
        "v2", "Pearl.update_inbound_settings", methods.INBOUND_PEARL, {"totalAgents": 4}
    )

    told = ask("v2", "Pearl.get_settings", methods.INBOUND_PEARL)
    pearl = ask("v2", "Pearl.get", methods.INBOUND_PEARL)

    assert (told["outbound"], told["inbound"]["totalAgents"]) == (None, 4)
    assert (pearl["type"], pearl["totalOnQueue"], pearl["totalLeads"]) == (1, 0, None)
    assert ask("v1", "Inbound.get", methods.INBOUND)["totalAgents"] == 4
