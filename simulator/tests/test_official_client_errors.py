"""The provider's own client meets in the simulator the errors that Pearl would give."""

from __future__ import annotations

import pytest
import requests

from simulator.tests import official_methods as methods
from simulator.tests import shapes
from simulator.tests.conftest import OUTBOUND, PEARL
from simulator.tests.official import (
    NOT_JSON,
    NOWHERE,
    UNKNOWN,
    VERSIONS,
    ask,
    ask_row,
    exchanges,
    official,
    scene,
)
from simulator.tests.official_methods import ROWS, SUCCESS

__all__ = ["official", "scene"]  # the fixtures

#: Of the client's methods, those that look at the status; the rest just parse.
LOOK_AT_STATUS = {
    *("Call.get_call", "Call.delete_calls"),
    *("Recording.get_recording", "Recording.save_recording"),
}
LENIENT = {"Pearl.reset_customer_memory", "Pearl.reset_memory"}  # text if not JSON


@pytest.mark.parametrize("row", [row for row in ROWS if row.route], ids=str)
def test_a_wrong_key_is_a_401_without_a_body(official, simulator, row):
    official.api_key = f"{methods.ACCOUNT}:otra"

    if row.method in LOOK_AT_STATUS:
        with pytest.raises(requests.HTTPError) as refusal:
            ask_row(row, NOWHERE)
        assert refusal.value.response.status_code == 401
    elif row.answer is methods.RESPONSE:
        assert ask_row(row, NOWHERE).status_code == 401
    elif row.method in LENIENT:
        assert ask_row(row, NOWHERE) == ""
    else:
        with pytest.raises(NOT_JSON):
            ask_row(row, NOWHERE)

    assert exchanges(simulator)[-1] == (row.route, 401)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["request", "unknown"])
def test_what_is_no_call_id_is_a_wrong_call_id(official, scene, version, kind):
    """The trap an earlier system fell into: a request id asked for as a call."""
    wrong = scene.request_id if kind == "request" else UNKNOWN

    with pytest.raises(requests.HTTPError) as refusal:
        ask(version, "Call.get_call", wrong)

    answer = refusal.value.response
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"validation": ["wrong CallId"]}


UNKNOWN_IDS = [
    ("v1", "Outbound.get", (UNKNOWN,), "wrong OutboundId"),
    ("v1", "Outbound.get", (PEARL,), "wrong OutboundId"),
    ("v1", "Outbound.make_call", (PEARL, SUCCESS), "wrong OutboundId"),
    ("v1", "Outbound.make_call", (methods.INBOUND, SUCCESS), "wrong OutboundId"),
    ("v1", "Outbound.get_call_request", (methods.CALL,), "wrong RequestId"),
    ("v1", "Outbound.get_lead_by_id", (OUTBOUND, UNKNOWN), "wrong LeadId"),
    ("v1", "Inbound.get", (OUTBOUND,), "wrong InboundId"),
    ("v2", "Pearl.get", (OUTBOUND,), "wrong PearlId"),
    ("v2", "Pearl.reset_memory", (UNKNOWN, SUCCESS), "wrong PearlId"),
    ("v2", "Outbound.add_lead", (methods.INBOUND_PEARL, SUCCESS), "wrong PearlId"),
    ("v2", "Outbound.get_lead_by_external_id", (PEARL, "x"), "wrong ExternalId"),
    ("v2", "Outbound.get_lead_by_phone_number", (PEARL, "+1"), "wrong PhoneNumber"),
]


@pytest.mark.parametrize(("version", "method", "args", "message"), UNKNOWN_IDS)
def test_an_unknown_id_is_a_problem_that_the_client_hands_on(
    official, simulator, scene, version, method, args, message
):
    answer = ask(version, method, *scene.fill(args, version=version))

    assert shapes.misfit(answer, shapes.PROBLEM) is None
    assert answer["errors"] == {"validation": [message]}
    assert exchanges(simulator)[-1][1] == answer["status"] == 400


def test_unknown_ids_may_be_bare_404s_too(official, simulator, scene):
    """Which it is, is not known (U2)."""
    simulator.configure(modes={"unknown_ids": "404"})

    with pytest.raises(NOT_JSON):
        ask("v1", "Outbound.get", UNKNOWN)

    assert exchanges(simulator)[-1][1] == 404


def test_a_call_to_nobody_is_refused_with_the_name_of_the_field(official):
    answer = ask("v1", "Outbound.make_call", OUTBOUND, "")

    assert shapes.misfit(answer, shapes.PROBLEM) is None
    assert answer["errors"] == {"To": ["The To field is required."]}


def test_too_many_requests_are_429s(official, simulator, scene):
    simulator.configure(rate_limit={"per_second": 0.01, "burst": 2, "retry_after": 7})

    first = ask("v1", "Account.get_account")
    ask("v1", "Account.get_account")
    with pytest.raises(requests.HTTPError) as refusal:
        ask("v1", "Call.get_call", scene.call_id)
    placed = ask("v1", "Outbound.make_call", OUTBOUND, SUCCESS)

    assert first["status"] == 1
    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["Retry-After"] == "7"
    assert placed == {"error": "rate limit"}
    assert len(simulator.rings(SUCCESS)) == 1  # the scene's


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("500_before", NOT_JSON),
        ("502", NOT_JSON),
        ("reset_before", requests.ConnectionError),
        ("cut_body", requests.exceptions.ChunkedEncodingError),
    ],
)
def test_a_provider_in_trouble_is_the_same_trouble(official, simulator, kind, error):
    simulator.configure(faults=[{"kind": kind, "route": "make_call", "next": 1}])

    with pytest.raises(error):
        ask("v1", "Outbound.make_call", OUTBOUND, SUCCESS)


def test_a_recording_is_a_404_when_none_and_a_401_when_anothers(official, simulator):
    missed = simulator.finished_call("+34600000002")["id"]

    statuses = [
        ask("v2", "Recording.get_recording_response", client, PEARL, missed).status_code
        for client in (methods.ACCOUNT, UNKNOWN)
    ]

    assert statuses == [404, 401]
    with pytest.raises(requests.HTTPError, match="404"):
        ask("v2", "Recording.get_recording", methods.ACCOUNT, PEARL, missed)


@pytest.mark.parametrize(
    ("method", "args", "options"),
    [
        ("create", ("X",), {}),
        ("create", ("X",), {"inbound": {"a": 1}, "outbound": {"a": 1}}),
        ("create", ("",), {"outbound": {}}),
        ("update_text", (PEARL, "X"), {}),
        ("update_voice", (methods.TEXT_PEARL, "X"), {}),
        ("update_outbound_settings", (PEARL, {"ringDuration": 5}), {}),
        ("update_inbound_settings", (PEARL, {"totalAgents": 5}), {}),
        ("update_outbound_settings", (methods.INBOUND_PEARL, {"totalAgents": 5}), {}),
    ],
)
def test_a_pearl_that_makes_no_sense_is_refused(
    official, simulator, scene, method, args, options
):
    answer = ask("v2", f"Pearl.{method}", *args, **options)

    assert shapes.misfit(answer, shapes.PROBLEM) is None
    assert exchanges(simulator)[-1][1] == answer["status"] == 400
