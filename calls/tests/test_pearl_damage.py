"""Whatever becomes of a report on its way, it is read or refused."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from calls.pearl import CallReport, LeadReport, UnreadableEvent, parse_webhook
from calls.pearl.campaigns import (
    read_account,
    read_ongoing_calls,
    read_outbound,
    read_outbound_settings,
    read_pearl,
)
from calls.pearl.reading import NotJson, parse_json, plain_keys
from calls.pearl.reports import Page, read_call, read_call_request
from calls.tests.pearl_events import CALL, END, END_V1, LEAD_EVENT, START

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([CALL, "https://x", "Success", "2025-09-23T15:42:21Z"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from([*END, *END_V1, *LEAD_EVENT, "value", "role", "url"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
events = st.dictionaries(
    st.sampled_from([*END, *END_V1, *LEAD_EVENT]), json_values, max_size=20
)
seeds = st.sampled_from([START, END, END_V1, LEAD_EVENT])


def read_or_refused(body):
    try:
        report = parse_webhook(body)
    except UnreadableEvent:
        return
    assert isinstance(report, CallReport | LeadReport)
    assert hash(report) == hash(parse_webhook(body))
    json.dumps(report.collected_info).encode()
    repr(report).encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body):
    read_or_refused(body)


@given(json_values | events)
def test_any_json_is_read_or_refused(event):
    read_or_refused(json.dumps(event).encode())


@given(seeds, events)
@hypothesis_settings(max_examples=300)
def test_any_damage_to_an_event_is_read_or_refused(seed, damage):
    read_or_refused(json.dumps({**seed, **damage}).encode())


@given(seeds, st.integers(min_value=0), st.binary(max_size=4))
def test_any_damage_to_the_bytes_is_read_or_refused(seed, where, damage):
    body = json.dumps(seed).encode()
    at = where % len(body)

    read_or_refused(body[:at] + damage + body[at + len(damage) :])
    read_or_refused(body[:at])


@given(json_values | events)
def test_any_answer_is_read_or_found_wanting(event):
    try:
        document = plain_keys(parse_json(json.dumps(event).encode()))
    except NotJson:
        return
    Page.read(document, read_call, skip=0, limit=100)
    if isinstance(document, dict):
        for read in (
            read_call,
            read_call_request,
            read_account,
            read_outbound,
            read_pearl,
            read_ongoing_calls,
            read_outbound_settings,
        ):
            read(document)
