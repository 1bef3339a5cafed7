"""Who may ask the API for what."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from calls.api.urls import api
from calls.tests.api_asked import ROLES, as_person, ask, person, with_token

pytestmark = pytest.mark.django_db


LATER = "2099-01-01T12:00:00Z"
SETTINGS = {
    "name": "x",
    "pearl_id": "",
    "max_concurrent_calls": 1,
    "timeout_seconds": 30,
    "weekly_hours": {},
    "on_holidays": False,
    "always_open": True,
    "close_margin_seconds": 0,
    "requires_consent": True,
    "max_attempts": 3,
    "max_per_day": 3,
    "min_gap_minutes": 60,
    "retry_minutes": {},
    "test_phone": "",
}
CHANGES = (401, 200, 200, 403, 403)
CHANGES_NONE = (401, 404, 404, 403, 403)

ASK_PEARL = ("pearl/campaigns", "test/connection")

# (method, path, body): what each answers to anonymous, operador, supervisor, auditor,
# and to an operador's token with no scope.
TABLE = [
    ("get", "status", None, (401, 200, 200, 200, 403)),
    ("post", "start", {}, (401, 409, 409, 403, 403)),
    ("post", "pause", {}, (401, 200, 200, 403, 403)),
    ("post", "stop", {}, (401, 200, 200, 200, 403)),
    ("get", "pearl/campaigns", None, (401, 200, 200, 403, 403)),
    ("get", "test/connection", None, (401, 200, 200, 403, 403)),
    ("post", "limit", {"max_concurrent_calls": 2}, (401, 200, 200, 403, 403)),
    ("get", "runs", None, (401, 200, 200, 200, 403)),
    ("get", "runs/{run_id}", None, (401, 404, 404, 404, 403)),
    ("get", "events", None, (401, 204, 204, 204, 403)),
    ("get", "campaigns", None, (401, 200, 200, 200, 403)),
    ("get", "configuration/{campaign_id}", None, (401, 404, 404, 404, 403)),
    ("put", "configuration/{campaign_id}", SETTINGS, (401, 403, 404, 403, 403)),
    ("get", "leads", None, (401, 200, 200, 200, 403)),
    ("post", "leads", {"items": [{"phone": "x"}]}, (401, 200, 200, 403, 403)),
    ("post", "leads", {"items": [{"phone": "x"}] * 2}, (401, 403, 200, 403, 403)),
    ("post", "leads/priority", {"ids": [1], "priority": 1}, CHANGES),
    ("post", "leads/manual", {"ids": [1], "manual": True}, CHANGES),
    ("get", "leads/{lead_id}/history", None, (401, 404, 404, 404, 403)),
    ("post", "leads/{lead_id}/note", {"text": "x"}, CHANGES_NONE),
    ("post", "leads/{lead_id}/call-now", {}, CHANGES_NONE),
    ("post", "leads/{lead_id}/callback", {"at": LATER}, CHANGES_NONE),
    ("delete", "leads/{lead_id}/callback", None, CHANGES_NONE),
    ("post", "leads/{lead_id}/disposition", {"disposition": ""}, CHANGES_NONE),
    ("get", "suppressions", None, (401, 200, 200, 200, 403)),
    ("post", "suppressions", {"phone": "x"}, (401, 422, 422, 403, 403)),
    ("delete", "suppressions/{suppression_id}", None, (401, 403, 404, 403, 403)),
    ("get", "leads/{lead_id}", None, (401, 404, 404, 404, 403)),
    ("get", "attempts", None, (401, 200, 200, 200, 403)),
    ("get", "attempts/{attempt_id}", None, (401, 404, 404, 404, 403)),
    ("get", "attempts/{attempt_id}/recording", None, (401, 404, 404, 404, 403)),
    ("post", "leads/select", {"ids": [1]}, (401, 200, 200, 403, 403)),
    ("post", "leads/deselect", {"ids": [1]}, (401, 200, 200, 403, 403)),
    ("post", "leads/reset", {"ids": [1]}, (401, 200, 200, 403, 403)),
    ("post", "leads/undo/{change_id}", None, (401, 404, 404, 403, 403)),
]


@pytest.mark.parametrize(("method", "path", "body", "statuses"), TABLE)
def test_each_role_gets_what_the_table_says(
    request, campaign, method, path, body, statuses
):
    if path in ASK_PEARL:
        request.getfixturevalue("simulator")
    clients = [
        Client(),
        *(as_person(role) for role in ROLES),
        with_token("operador"),
    ]

    asked = re.sub(r"{\w+}", "987654321", path)
    answers = [ask(client, method, asked, body) for client in clients]

    assert tuple(answer.status_code for answer in answers) == statuses
    for answer in answers:
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["title"]


def test_the_table_holds_every_endpoint():
    paths = api.get_openapi_schema()["paths"]
    published = {
        (method, path.removeprefix("/api/calls/"))
        for path, methods in paths.items()
        for method in methods
    }

    asked = {(method, path) for method, path, _body, _statuses in TABLE}
    assert asked == published


def test_a_session_needs_the_token_of_its_forms_to_change_something(campaign):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("supervisor"))

    assert ask(client, "get", "status").status_code == 200
    assert ask(client, "post", "stop", {}).status_code == 403
    assert ask(client, "delete", "suppressions/1").status_code == 403
    path = f"configuration/{campaign.pk}"
    assert ask(client, "put", path, SETTINGS).status_code == 403
