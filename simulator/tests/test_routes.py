"""Every route answers in the documented shape, whatever the case of its path."""

from __future__ import annotations

import pytest

from simulator.tests.conftest import EVER, OUTBOUND, PEARL

V1, V2 = f"/v1/Outbound/{OUTBOUND}", f"/v2/Pearl/{PEARL}"
RANGE = {"from": "2020-01-01T00:00:00Z", "to": "2020-03-01T00:00:00Z"}
ACCOUNT = {"name", "totalAgents", "creditBalance", "status"}
ITEM = {
    *("id", "name", "status", "totalAgents", "budgetTotal", "budgetConsumed"),
    *("totalLeads", "created"),
}
PEARL_KEYS = {
    *("id", "name", "type", "status", "phoneNumber", "totalAgents", "created"),
    *("budgetConsumed", "totalTodayCalls", "totalOngoingCalls", "totalOnQueue"),
    *("totalLeads", "totalLeadsCompleted", "totalLeadsSuccess", "budgetTotal"),
}
ANALYTICS = {
    *("callsStatusOverview", "callsSentimentOverview", "callsStatusTimeLine"),
    *("callsAverageTimeLine", "callsCostTimeLine", "callsPickupRateTimeLine"),
    *("callsSuccessRateTimeLine", "callLabelCount", "callEventsCounts"),
    "callsByHourDayOfWeeks",
}
SETTINGS = {
    *("name", "type", "agentType", "pearl", "variables", "inbound", "outbound"),
}


@pytest.mark.parametrize(
    ("method", "path", "body", "keys"),
    [
        ("GET", "/v1/Account", None, ACCOUNT),
        ("GET", "/v2/Account", None, ACCOUNT),
        ("GET", "/v1/OUTBOUND", None, [ITEM]),
        ("GET", V1.lower(), None, {*ITEM, "phoneNumber", "pearlName"}),
        ("GET", "/v1/Inbound", None, []),
        ("POST", f"{V1}/Analytics", RANGE, ANALYTICS),
        ("GET", "/v2/pearl", None, [PEARL_KEYS]),
        ("GET", V2, None, PEARL_KEYS),
        ("GET", f"{V2}/OngoingCalls", None, {"totalOngoingCalls", "totalOnQueue"}),
        ("POST", f"{V2}/Analytics", RANGE, ANALYTICS),
        ("POST", f"{V2}/Calls/Bulk", EVER, {"count", "results"}),
        ("GET", f"{V2}/Settings", None, SETTINGS),
        ("PUT", f"{V2}/ResetMemory", {"phoneNumber": "+34600000001"}, True),
        ("PUT", f"/v1/Pearl/{PEARL}/Memory/+34600000001/Reset", None, True),
        ("DELETE", "/v1/Call", {"callIds": []}, True),
        ("GET", "/v2/Account/Users", None, [{"email", "roleId", "roleName"}]),
        ("GET", "/v2/Account/PhoneNumbers", None, [{"id", "number", "direction"}]),
        ("GET", "/v2/Account/Voices", None, [{"language", "voices"}]),
        ("GET", "/v2/Account/TextChannels", None, [{"channelId"}]),
        ("POST", "/v2/Account/AuditLog", {}, []),
        ("POST", "/v2/Account/Blacklist", {"phoneNumbers": ["+41"]}, True),
        ("POST", "/v2/Account/Blacklist/Remove", {"phoneNumbers": ["+41"]}, True),
    ],
)
def test_the_shape_of_the_answer(simulator, method, path, body, keys):
    answer = simulator.ask(method, path, json=body)

    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    payload = answer.json()
    if isinstance(keys, set):
        assert keys <= set(payload)
    elif keys and isinstance(keys, list):
        assert keys[0] <= set(payload[0])
    else:
        assert payload == keys


@pytest.mark.parametrize(
    "header",
    [
        None,
        "simulador0000000000000000000000",
        "Bearer simulador0000000000000000000000",
        "Bearer 665500000000000000000001:otra",
        "Basic 665500000000000000000001:simulador0000000000000000000000",
        "Bearer ñ",
    ],
)
def test_a_wrong_token_is_a_bare_401(simulator, header):
    encoded = header and header.encode()

    answer = simulator.ask("GET", "/v1/Account", headers={"Authorization": encoded})

    assert (answer.status_code, answer.content) == (401, b"")


def test_an_unknown_path_is_a_bare_404_and_a_wrong_method_a_405(simulator):
    unknown = simulator.ask("GET", "/v1/Nothing")
    wrong = simulator.ask("PUT", f"{V1}/Active", json={"isActive": True})

    assert (unknown.status_code, unknown.content) == (404, b"")
    assert wrong.status_code == 405


def test_settings_can_be_written_in_part(simulator):
    body = {"totalAgents": 3, "ringDuration": 40, "maximumCallAttempts": 2}

    answer = simulator.ask("PUT", f"{V2}/Settings/Outbound", json=body)

    outbound = simulator.get(f"{V2}/Settings")["outbound"]
    assert answer.json() is True
    assert {key: outbound[key] for key in body} == body
    assert outbound["timeZone"] == "Romance Standard Time"
    assert simulator.get(V1)["totalAgents"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"maximumCallAttempts": 11},
        {"ringDuration": 5},
        {"callWebhookUrl": "http://x.y"},
    ],
)
def test_bad_settings_are_refused(simulator, body):
    answer = simulator.ask("PUT", f"{V2}/Settings/Outbound", json=body)

    assert answer.status_code == 400


def test_the_blacklist_can_be_searched(simulator):
    numbers = ["+34600000001", "+41"]
    simulator.post("/v2/Account/Blacklist", {"phoneNumbers": numbers})

    found = simulator.post("/v2/Account/Blacklist/Search", {"search": "+34"})

    assert found["count"] == 1
    assert found["results"][0]["phoneNumber"] == "+34600000001"


def test_analytics_count_the_calls(simulator):
    simulator.processed_call("+34600000101")

    answer = simulator.post(
        f"{V2}/Analytics",
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
    )
    day = simulator.rings()[0]["started_at"][:10]
    today = simulator.post(
        f"{V2}/Analytics", {"from": f"{day}T00:00:00Z", "to": f"{day}T23:59:59Z"}
    )

    assert answer["callsStatusOverview"]["totalCalls"] == 0
    assert today["callsStatusOverview"]["successful"] == 1
    assert today["callsPickupRateTimeLine"][0]["pickupRatePercentage"] == 100


def test_a_pause_is_in_the_audit_log(simulator):
    simulator.post(f"{V1}/Active", {"isActive": False})

    events = simulator.post("/v2/Account/AuditLog", {"eventType": 11})

    assert [event["eventType"] for event in events] == [11]


JUNK = [b"", b"{", b"[]", b"null", b'"x"', b"7", b'{"to":{}}', b"\xff\xfe"]
ODD = [
    {"phoneNumbers": [1]},
    {"phoneNumber": 6, "externalId": []},
    {"leads": [None, 1]},
    {"leadIds": [{}], "leadExternalIds": [[]], "callIds": [None]},
    {**EVER, "statuses": ["x", {}], "tags": [[]], "searchInput": {}, "fields": [{}]},
    {**EVER, "skip": True, "sortProp": {}},
    {**EVER, "sortProp": "nada"},
    {"isActive": 1, "from": 1, "to": []},
    {"callingHours": [{"day": 9}], "timeZone": "x", "status": {}},
]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{V1}/Active"),
        ("POST", f"{V1}/Call"),
        ("POST", f"{V1}/Calls"),
        ("POST", f"{V1}/CallRequest"),
        ("POST", f"{V1}/Analytics"),
        ("PUT", f"{V1}/Lead"),
        ("POST", f"{V1}/Leads"),
        ("DELETE", f"{V1}/Leads"),
        ("DELETE", f"{V1}/Leads/External"),
        ("POST", f"/v2/Outbound/{PEARL}/Leads/Add"),
        ("POST", f"{V2}/Calls/Bulk"),
        ("PUT", f"{V2}/Settings/Outbound"),
        ("DELETE", "/v1/Call"),
        ("POST", "/v2/Account/AuditLog"),
        ("POST", "/v2/Account/Blacklist"),
        ("POST", "/v2/Account/Blacklist/Search"),
    ],
)
def test_rubbish_is_never_a_500(simulator, method, path):
    statuses = {simulator.ask(method, path, data=body).status_code for body in JUNK}
    statuses |= {simulator.ask(method, path, json=body).status_code for body in ODD}

    assert statuses <= {200, 400}
