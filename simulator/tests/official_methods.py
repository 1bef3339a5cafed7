"""Every method of the provider's own client: what it asks, and what it must get.

The routes are those that pearl-api.md lists (sections 3 to 7), the answers its shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.tests import shapes
from simulator.tests.conftest import OUTBOUND, PEARL

INBOUND, INBOUND_PEARL = "66f0a1b2c3d4e5f601020305", "66f0aaaabbbbccccdddd0002"
TEXT, TEXT_PEARL = "66f0a1b2c3d4e5f601020306", "66f0aaaabbbbccccdddd0003"
ACCOUNT = "665500000000000000000001"
CHANNEL = "665500000000000000000301"
SUCCESS, LEAD_PHONE, EXTERNAL_ID = "+34600000001", "+34600000101", "tt-123-1"
NOW = datetime.now(UTC).replace(tzinfo=None)
DAYS = (NOW - timedelta(days=1), NOW + timedelta(days=1))
PAUSED = 2

PERSON = {"firstName": "Prueba"}
NEW_LEAD = ("+34600000201", "tt-9", "Romance Standard Time", PERSON)
SIMPLE_FLOW = {"businessName": "Centro", "objective": "Citas"}
GRAPH = {"agentPersonality": "Amable", "nodes": [{"type": "OpeningSentence"}]}
FILTERS = {"sort_prop": "startTime", "statuses": [100], "search_input": SUCCESS}
FIELDS = [
    *("Tags", "Name", "Summary", "Recording", "Transcript", "CollectedInfo"),
    *("OverallSentiment", "IsCallTransferred", "QueueDuration", "CreditDebited"),
    *("SmsCreditDebited", "LeadId", "PearlVersion"),
]


@dataclass(frozen=True)
class Of:
    """Known only once the scene is set, or depending on the version."""

    name: str


CAMPAIGN = Of("campaign")
CALL, REQUEST, LEAD = Of("call_id"), Of("request_id"), Of("lead_id")
FILE = Of("file")

BARE_ID = object()  # an id that is no JSON, as Pearl was seen to answer (1.3)
AUDIO, RESPONSE = object(), object()


@dataclass(frozen=True)
class Row:
    """`route` is None where the client asks nothing."""

    version: str
    method: str
    route: str | None
    answer: Any
    args: tuple[Any, ...]
    options: dict[str, Any]

    def __str__(self):
        return f"{self.version}-{self.method}"


def v1(method, route, answer, *args, **options):
    route = route.replace(" /", " /v1/").replace("{campaign}", "{outboundId}")
    return Row("v1", method, route, answer, args, options)


def v2(method, route, answer, *args, **options):
    if route:
        route = route.replace(" /", " /v2/").replace("{campaign}", "{pearlId}")
    return Row("v2", method, route, answer, args, options)


def both(*parts, **options):
    return v1(*parts, **options), v2(*parts, **options)


RECORDING = "GET /Recording/{clientId}/{pearlId}/{callId}"
OF_CALL = (ACCOUNT, PEARL, CALL)
V1_MEMORY = "PUT /Pearl/{pearlId}/Memory/{phoneNumber}/Reset"
V2_MEMORY = "PUT /Pearl/{pearlId}/ResetMemory"
OUT, IN, OF_LEAD = "/Outbound/{campaign}", "/Inbound/{inboundId}", "/Lead/{leadId}"
P = "/Pearl/{pearlId}"
NEWLY = shapes.ID

ROWS = [
    # 3 and 5: the same in both versions
    *both("Account.get_account", "GET /Account", shapes.ACCOUNT),
    *both("Call.get_call", "GET /Call/{callId}", shapes.CALL, CALL),
    *both("Call.delete_calls", "DELETE /Call", True, [CALL]),
    # 4.5 and 7.1: leads, under the outbound's id in v1 and the Pearl's in v2
    v1("Outbound.add_lead", f"PUT {OUT}/Lead", {"leadId": NEWLY}, OUTBOUND, *NEW_LEAD),
    v2("Outbound.add_lead", f"POST {OUT}/Lead", {"leadId": NEWLY}, PEARL, *NEW_LEAD),
    v2(
        "Outbound.add_leads",
        f"POST {OUT}/Leads/Add",
        True,
        PEARL,
        [{"phoneNumber": SUCCESS}, {"phoneNumber": SUCCESS, "callData": PERSON}],
    ),
    *both(
        "Outbound.update_lead",
        f"PUT {OUT}{OF_LEAD}",
        {**shapes.LEAD, "status": 130},
        CAMPAIGN,
        LEAD,
        status=130,
    ),
    *both(
        "Outbound.get_leads",
        f"POST {OUT}/Leads",
        shapes.page(shapes.LEAD_ITEM),
        CAMPAIGN,
        **{**FILTERS, "sort_prop": "created", "search_input": LEAD_PHONE},
    ),
    *both(
        "Outbound.get_lead_by_id", f"GET {OUT}{OF_LEAD}", shapes.LEAD, CAMPAIGN, LEAD
    ),
    *both(
        "Outbound.get_lead_by_external_id",
        f"GET {OUT}/Lead/External/{{key}}",
        shapes.LEAD,
        CAMPAIGN,
        EXTERNAL_ID,
    ),
    *both(
        "Outbound.get_lead_by_phone_number",
        f"GET {OUT}/Lead/PhoneNumber/{{key}}",
        shapes.LEAD,
        CAMPAIGN,
        LEAD_PHONE,
    ),
    *both("Outbound.delete_leads", f"DELETE {OUT}/Leads", True, CAMPAIGN, [LEAD]),
    *both(
        "Outbound.delete_leads_by_external_id",
        f"DELETE {OUT}/Leads/External",
        True,
        CAMPAIGN,
        [EXTERNAL_ID],
    ),
    # 4.1 to 4.4
    v1("Outbound.get_all", "GET /Outbound", [shapes.SUMMARY]),
    v1("Outbound.get", f"GET {OUT}", shapes.DETAIL, OUTBOUND),
    v1("Outbound.set_active", f"POST {OUT}/Active", PAUSED, OUTBOUND, False),
    v1(
        "Outbound.get_calls",
        f"POST {OUT}/Calls",
        shapes.page(shapes.CALL_ITEM),
        OUTBOUND,
        *DAYS,
        tags=["cita"],
        **FILTERS,
    ),
    v1(
        "Outbound.get_analytics",
        f"POST {OUT}/Analytics",
        shapes.ANALYTICS,
        OUTBOUND,
        *DAYS,
    ),
    v1(
        "Outbound.make_call",
        f"POST {OUT}/Call",
        shapes.PLACED,
        OUTBOUND,
        SUCCESS,
        PERSON,
    ),
    v1(
        "Outbound.get_call_request",
        "GET /Outbound/CallRequest/{requestId}",
        {**shapes.REQUEST, "status": 10, "callId": shapes.ID},
        REQUEST,
    ),
    v1(
        "Outbound.get_call_requests",
        f"POST {OUT}/CallRequest",
        shapes.page(shapes.REQUEST),
        OUTBOUND,
        *DAYS,
        sort_prop="created",
    ),
    # 7.2
    v1("Inbound.get_all", "GET /Inbound", [shapes.SUMMARY]),
    v1("Inbound.get", f"GET {IN}", shapes.DETAIL, INBOUND),
    v1("Inbound.set_active", f"POST {IN}/Active", PAUSED, INBOUND, False),
    v1("Inbound.get_calls", f"POST {IN}/Calls", shapes.page(), INBOUND, *DAYS),
    v1(
        "Inbound.get_ongoing_calls",
        f"GET {IN}/OngoingCalls",
        {**shapes.ONGOING, "totalOnQueue": int},
        INBOUND,
    ),
    v1(
        "Inbound.get_analytics",
        f"POST {IN}/Analytics",
        shapes.QUIET_ANALYTICS,
        INBOUND,
        *DAYS,
    ),
    # 3.2
    v2("Account.get_users", "GET /Account/Users", [shapes.USER]),
    v2("Account.get_phone_numbers", "GET /Account/PhoneNumbers", [shapes.PHONE_NUMBER]),
    v2("Account.get_voices", "GET /Account/Voices", [dict]),
    v2("Account.get_text_channels", "GET /Account/TextChannels", [{"channelId": str}]),
    v2(
        "Account.get_audit_log",
        "POST /Account/AuditLog",
        shapes.NONE_YET,
        *DAYS,
        event_type=11,
        user_id="1",
    ),
    v2(
        "Account.search_blacklist",
        "POST /Account/Blacklist/Search",
        shapes.page(),
        sort_prop="created",
        search="+34",
    ),
    v2("Account.add_to_blacklist", "POST /Account/Blacklist", True, [SUCCESS, "+41"]),
    v2(
        "Account.remove_from_blacklist",
        "POST /Account/Blacklist/Remove",
        True,
        [SUCCESS],
    ),
    # 5.6
    v2("Recording.get_url", None, str, *OF_CALL),
    v2("Recording.get_recording", RECORDING, AUDIO, *OF_CALL),
    v2("Recording.get_recording_response", RECORDING, RESPONSE, *OF_CALL),
    v2("Recording.save_recording", RECORDING, str, *OF_CALL, FILE),
    # 6
    v2("Pearl.get_all", "GET /Pearl", [shapes.PEARL]),
    v2("Pearl.get", f"GET {P}", shapes.PEARL, PEARL),
    v2("Pearl.set_active", f"PUT {P}/Active", PAUSED, PEARL, False),
    v2(
        "Pearl.get_calls",
        f"POST {P}/Calls",
        shapes.page(shapes.CALL_ITEM),
        PEARL,
        *DAYS,
        tags=["cita"],
        **FILTERS,
    ),
    v2(
        "Pearl.get_calls_bulk",
        f"POST {P}/Calls/Bulk",
        shapes.page(shapes.BULK_ITEM),
        PEARL,
        *DAYS,
        FIELDS,
        **FILTERS,
    ),
    v2(
        "Pearl.get_ongoing_calls",
        f"GET {P}/OngoingCalls",
        {**shapes.ONGOING, "totalOnQueue": None},
        PEARL,
    ),
    v2("Pearl.get_analytics", f"POST {P}/Analytics", shapes.ANALYTICS, PEARL, *DAYS),
    v2("Pearl.create", "POST /Pearl", NEWLY, "Citas", SIMPLE_FLOW, [], outbound={}),
    v2("Pearl.create_voice", "POST /Pearl/Voice", BARE_ID, "Voz", GRAPH, outbound={}),
    v2(
        "Pearl.create_text",
        "POST /Pearl/Text",
        NEWLY,
        "Texto",
        GRAPH,
        inbound={"textChannelId": CHANNEL},
    ),
    v2("Pearl.update", f"PUT {P}", True, PEARL, "Otras citas", SIMPLE_FLOW, []),
    v2("Pearl.update_voice", "PUT /Pearl/Voice/{pearlId}", True, PEARL, pearl=GRAPH),
    v2("Pearl.update_text", "PUT /Pearl/Text/{pearlId}", True, TEXT_PEARL, "Otro"),
    v2("Pearl.get_settings", f"GET {P}/Settings", shapes.SETTINGS, PEARL),
    v2(
        "Pearl.get_credentials",
        "GET /Pearl/Credential/{pearlId}",
        [{"id": str, "name": str}],
        PEARL,
    ),
    v2(
        "Pearl.update_outbound_settings",
        f"PUT {P}/Settings/Outbound",
        True,
        PEARL,
        {"totalAgents": 3},
    ),
    v2(
        "Pearl.update_inbound_settings",
        f"PUT {P}/Settings/Inbound",
        True,
        INBOUND_PEARL,
        {"waitingSentence": "Un momento."},
    ),
    v1("Pearl.reset_customer_memory", V1_MEMORY, True, PEARL, SUCCESS[1:]),
    v1("Pearl.reset_memory", V1_MEMORY, True, PEARL, SUCCESS),
    v2("Pearl.reset_customer_memory", V2_MEMORY, True, PEARL, SUCCESS[1:]),
    v2("Pearl.reset_memory", V2_MEMORY, True, PEARL, SUCCESS),
]
