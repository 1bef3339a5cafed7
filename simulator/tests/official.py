"""The provider's own client, led to the simulator, and a scene for it to ask about."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from urllib.parse import urlsplit

import nlpearl
import pytest
from requests.adapters import HTTPAdapter
from requests.exceptions import JSONDecodeError

from simulator.tests import official_methods as methods
from simulator.tests.conftest import EVER, OUTBOUND, PEARL, TOKEN, until
from simulator.tests.official_methods import SUCCESS

KEY = TOKEN.removeprefix("Bearer ")
UNKNOWN = "0123456789abcdef01234567"
VERSIONS = ("v1", "v2")
NOT_JSON = JSONDecodeError


class Detour(HTTPAdapter):
    """Carries to the simulator what is meant for Pearl, and nothing else anywhere.

    The client has its host written into it and opens a session for each request, so
    the transport is the one place where it can be led elsewhere unchanged.
    """

    simulator = ""

    def send(self, request, **options):
        address = urlsplit(request.url)
        assert (address.scheme, address.netloc) == ("https", "api.nlpearl.ai")
        request.url = self.simulator + request.url.partition(address.netloc)[2]
        return super().send(request, **{**options, "timeout": 10, "proxies": {}})


@dataclass(frozen=True)
class Scene:
    """A finished call and a lead that was called, to be asked about."""

    request_id: str
    call_id: str
    lead_id: str
    file: str

    def fill(self, value, *, version):
        """`value` with what was not known when the table was written."""
        if isinstance(value, list | tuple):
            return [self.fill(one, version=version) for one in value]
        if value == methods.CAMPAIGN:
            return OUTBOUND if version == "v1" else PEARL
        is_open = isinstance(value, methods.Of)
        return getattr(self, value.name) if is_open else value


#: Where nothing that exists is needed.
NOWHERE = Scene(UNKNOWN, UNKNOWN, UNKNOWN, "/dev/null")


@pytest.fixture
def official(simulator, monkeypatch):
    """The client set up as its manual says; tests choose the version."""
    monkeypatch.setattr("requests.sessions.HTTPAdapter", Detour)
    monkeypatch.setattr(Detour, "simulator", simulator.url)
    monkeypatch.setattr(nlpearl, "api_key", KEY)
    monkeypatch.setattr(nlpearl, "api_version", "v2")
    return nlpearl


@pytest.fixture
def scene(simulator, tmp_path):
    inbound = {"pearl_id": methods.INBOUND_PEARL, "type": 1}
    text = {"pearl_id": methods.TEXT_PEARL, "agentType": 2}
    simulator.configure(
        talk_seconds=[5, 10],
        campaigns={methods.INBOUND: inbound, methods.TEXT: text},
    )
    lead = {
        "phoneNumber": methods.LEAD_PHONE,
        "externalId": methods.EXTERNAL_ID,
        "timeZoneId": "Romance Standard Time",
        "callData": methods.PERSON,
    }
    added = simulator.ask("PUT", f"/v1/Outbound/{OUTBOUND}/Lead", json=lead).json()
    call = simulator.processed_call(SUCCESS, **methods.PERSON)
    path = f"/v1/Outbound/{OUTBOUND}/Lead/{added['leadId']}"
    until(lambda: (simulator.get(path)["lastCall"] or {}).get("summary"))
    made = simulator.post(f"/v1/Outbound/{OUTBOUND}/CallRequest", EVER)
    request_id = made["results"][0]["id"]
    return Scene(request_id, call["id"], added["leadId"], str(tmp_path / "call.ogg"))


def ask(version, method, *args, **options):
    """What somebody who set that version gets from "Class.method"."""
    nlpearl.api_version = version
    kind, _, name = method.partition(".")
    return getattr(getattr(nlpearl, kind), name)(*args, **options)


def ask_row(row, scene):
    args = scene.fill(row.args, version=row.version)
    return ask(row.version, row.method, *args, **row.options)


def offered():
    """All that the client offers: "Class.method"."""
    kinds = [kind for kind in vars(nlpearl).values() if inspect.isclass(kind)]
    return {
        f"{kind.__name__}.{name}"
        for kind in kinds
        for name, _ in inspect.getmembers(kind, inspect.isroutine)
        if not name.startswith("_")
    }


def exchanges(simulator):
    """Route and status of every request that was answered, in order."""
    heard = simulator.get("/_simulator/requests")["requests"]
    return [(one["route"], one["status"]) for one in heard]
