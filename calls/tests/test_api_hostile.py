"""The API asked with whatever bytes: it answers in words, never by falling down."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls.tests.api_asked import ALL, JSON, with_token
from leads.models import Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

HALF = "\\ud800"  # of a character, which JSON can write and no database can
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"1" * 5000,
    b"[" * 100_000,
    b"NaN",
    b"\xff\xfe",
    b'{"text": "\xed\xa0\x80"}',
    f'{{"text": "{HALF}"}}'.encode(),
    f'{{"{HALF}": 1}}'.encode(),
    b'{"text": "a\\u0000b"}',
    b'{"campaign": 1e400}',
    b'{"campaign": true}',
    b'{"campaign": 99999999999999999999999}',
    b'{"ids": [1.5]}',
    b'{"ids": [-1]}',
    b'{"ids": [9223372036854775808]}',
    f'{{"filter": {{"city": ["{HALF}"]}}}}'.encode(),
    b'{"filter": {"q": "\\u0000"}}',
    f'{{"items": [{{"phone": "600111222", "city": "{HALF}"}}]}}'.encode(),
    b'{"items": [{"phone": "\\u0000"}]}',
    f'{{"phone": "{HALF}"}}'.encode(),
    b'{"phone": "600111222", "reason": "\\u0000"}',
    b'{"at": "0000-00-00T00:00:00Z"}',
    b'{"at": 1e308}',
    b'{"at": -62135596800}',
    b'{"priority": "1", "ids": [1]}',
]


def posts(lead: int) -> list[tuple[str, str]]:
    return [
        ("post", "start"),
        ("post", "limit"),
        ("post", "leads"),
        ("post", "leads/select"),
        ("post", "leads/priority"),
        ("post", "leads/manual"),
        ("post", f"leads/{lead}/note"),
        ("post", f"leads/{lead}/call-now"),
        ("post", f"leads/{lead}/callback"),
        ("post", f"leads/{lead}/disposition"),
        ("post", "suppressions"),
        ("put", "configuration/1"),
    ]


def send(client: Client, method: str, path: str, body: bytes):
    cache.clear()  # or it would be asked to wait
    return getattr(client, method)(
        f"/api/calls/{path}", body, content_type=JSON, headers={"If-Match": "*"}
    )


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_no_body_brings_it_down(campaign, body):
    lead = LeadFactory()
    client = with_token("supervisor", *ALL)

    for method, path in posts(lead.pk):
        answer = send(client, method, path, body)

        assert answer.status_code < 500, (path, answer.content)
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
    assert Lead.objects.count() == 1


NAMES = st.sampled_from(
    ["ids", "filter", "items", "campaign", "at", "text", "phone", "list", "priority"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck])
@given(value=st.dictionaries(NAMES, VALUES, max_size=5))
def test_no_json_brings_it_down(campaign, value):
    lead = LeadFactory()
    client = with_token("supervisor", *ALL)

    for method, path in posts(lead.pk):
        answer = send(client, method, path, json.dumps(value).encode())

        assert answer.status_code < 500, (path, answer.content)


@pytest.mark.parametrize(
    "query",
    [
        "campaign=%ED%A0%80",
        "campaign=%00",
        "after=1e9",
        "limit=%F0%9F%98%80",
        "since=0000-01-01",
        "since=9999-12-31",
        "since=0001-01-01",
        "going=%00",
    ],
)
@pytest.mark.parametrize(
    "path", ["leads", "attempts", "runs", "suppressions", "status", "leads/1/history"]
)
def test_no_query_brings_it_down(campaign, path, query):
    client = with_token("supervisor", *ALL)

    answer = client.get(f"/api/calls/{path}?{query}")

    assert answer.status_code < 500, answer.content


@pytest.mark.parametrize(
    "path",
    [
        "leads/0",
        "leads/-1",
        "leads/99999999999999999999",
        "leads/%00",
        "leads/x/history",
        "runs/9223372036854775808",
        "attempts/%ED%A0%80",
        "configuration/1.5",
    ],
)
def test_no_path_brings_it_down(campaign, path):
    answer = with_token("supervisor", *ALL).get(f"/api/calls/{path}")

    assert answer.status_code in (404, 422)
    assert answer["Content-Type"] == "application/problem+json"
