"""The account: status, people, numbers, audit log and blacklist (section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.clock import iso
from simulator.exchange import Answer, Ask, Refused, Route
from simulator.searching import Paging, optional_window

if TYPE_CHECKING:
    from simulator.world import World

MAX_PHONE_LENGTH = 25
MAX_SEARCH_LENGTH = 50

USER_ID = "1"
TEXT_CHANNEL_ID = "665500000000000000000301"


def get_account(world: World, ask: Ask) -> Answer:
    account = world.config.account
    return Answer(
        {
            "name": account.name,
            "totalAgents": account.totalAgents,
            "creditBalance": round(account.creditBalance, 4),
            "status": int(world.account_status),
        }
    )


def list_users(world: World, ask: Ask) -> Answer:
    user = {
        "email": "demo@example.com",
        "roleId": "1",
        "roleName": "Admin",
        "createdAt": "2025-01-01T09:00:00.000Z",
    }
    return Answer([user])


def list_phone_numbers(world: World, ask: Ask) -> Answer:
    return Answer(
        [
            {"id": c.id, "number": c.phoneNumber, "direction": c.type}
            for c in world.config.campaigns.values()
        ]
    )


def list_voices(world: World, ask: Ask) -> Answer:
    voice = {"id": "voz-1", "name": "Lucía", "gender": "female"}
    return Answer([{"language": "es-ES", "voices": [voice]}])


def list_text_channels(world: World, ask: Ask) -> Answer:
    return Answer([{"channelId": TEXT_CHANNEL_ID}])


def get_audit_log(world: World, ask: Ask) -> Answer:
    """Only event 11, PearlStatus, is ever written here (2.7)."""
    event, user_id = ask.fields.get("eventType"), ask.fields.get("userId")
    first, last = optional_window(ask.fields, names=("from", "to"))
    user = {"id": USER_ID, "name": "API", "type": 1}
    return Answer(
        [
            {
                "timestamp": iso(entry["at"]),
                "eventType": entry["event"],
                "user": user,
                "additionalData": {},
            }
            for entry in world.audit
            if event in (None, entry["event"])
            and user_id in (None, USER_ID)
            and first <= entry["at"] <= last
        ]
    )


def add_to_blacklist(world: World, ask: Ask) -> Answer:
    now = world.clock.wall()
    for number in _numbers(ask):
        world.blacklist.setdefault(number, now)
    return Answer(True)


def remove_from_blacklist(world: World, ask: Ask) -> Answer:
    for number in _numbers(ask):
        world.blacklist.pop(number, None)
    return Answer(True)


def search_blacklist(world: World, ask: Ask) -> Answer:
    paging = Paging.of(ask.fields)
    text = str(ask.fields.get("search") or "")
    if len(text) > MAX_SEARCH_LENGTH:
        raise Refused("search", "At most 50 characters.")
    found = [entry for entry in world.blacklist.items() if text in entry[0]]
    results = [
        {"phoneNumber": number, "created": iso(at)}
        for number, at in paging.page(found, key=None)
    ]
    return Answer({"count": len(found), "results": results})


def _numbers(ask: Ask) -> list[str]:
    numbers = ask.fields.get("phoneNumbers")
    if not isinstance(numbers, list) or not numbers:
        raise Refused("phoneNumbers", "The phoneNumbers field is required.")
    if len(set(map(str, numbers))) != len(numbers):
        raise Refused("phoneNumbers", "Duplicates are not allowed.")
    for number in numbers:
        if not isinstance(number, str) or not 0 < len(number) <= MAX_PHONE_LENGTH:
            raise Refused("phoneNumbers", "Each must have 1 to 25 characters.")
    return numbers


ROUTES = (
    Route("GET", "/v1/Account", "account", get_account),
    Route("GET", "/v2/Account", "account", get_account),
    Route("GET", "/v2/Account/Users", "account", list_users),
    Route("GET", "/v2/Account/PhoneNumbers", "account", list_phone_numbers),
    Route("GET", "/v2/Account/Voices", "account", list_voices),
    Route("GET", "/v2/Account/TextChannels", "account", list_text_channels),
    Route("POST", "/v2/Account/AuditLog", "account", get_audit_log),
    Route("POST", "/v2/Account/Blacklist", "account", add_to_blacklist),
    Route("POST", "/v2/Account/Blacklist/Remove", "account", remove_from_blacklist),
    Route("POST", "/v2/Account/Blacklist/Search", "account", search_blacklist),
)
