"""Leads by API: listed, selected, and what is refused."""

from __future__ import annotations

import json

import pytest

from calls.models import Scope
from calls.tests.api_asked import JSON, as_person, ask, person, with_token
from leads.models import BulkChange, CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db


def test_leads_are_listed_page_by_page_with_the_filter_of_the_dashboard(campaign):
    client = as_person("operador")
    made = [LeadFactory(city="Madrid") for _ in range(5)]
    LeadFactory(city="Lugo")

    first = ask(client, "get", "leads?city=Madrid&status=selected&limit=3").json()
    rest = ask(client, "get", f"leads?city=Madrid&limit=3&after={first['next']}").json()

    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert ids == [lead.pk for lead in made]
    assert rest["next"] is None
    assert first["items"][0]["phone"] == made[0].phone_e164


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("after=-1", "after"),
        ("status=nope", "status"),
        ("priority=9", "priority"),
        ("last_from=2026-13-45", "last_from"),
        ("callback=soon", "callback"),
        ("lead_import=99999999999999999999", "lead_import"),
        ("q=%25", "q"),
        ("city=a%00b", "city"),
        ("colour=red", "colour"),
    ],
)
def test_what_is_not_understood_is_named_and_nobody_is_listed(campaign, query, field):
    LeadFactory()

    answer = ask(as_person("operador"), "get", f"leads?{query}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_leads_are_selected_by_id_or_by_filter_and_it_is_undone(campaign):
    client = with_token("operador", Scope.LEADS)
    out = {"call_status": CallStatus.NO_SELECTED, "selected_for_calling": False}
    leads = [LeadFactory(city="Getafe", **out) for _ in range(3)]
    other = LeadFactory(city="Lugo", **out)

    body = {"filter": {"city": ["Getafe"]}}
    done = ask(client, "post", "leads/select", body).json()

    assert done["changed"] == 3
    queued = Lead.objects.filter(selected_for_calling=True)
    assert {lead.pk for lead in queued} == {lead.pk for lead in leads}
    assert BulkChange.objects.get().by == person("operador")
    again = ask(client, "post", "leads/select", {"ids": [leads[0].pk, other.pk]}).json()
    assert again["changed"] == 1
    assert sum(again["unchanged"].values()) == 1
    back = ask(client, "post", f"leads/undo/{again['change']}").json()
    assert back == {"back": 1}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": None},
        {"ids": [1], "filter": {"city": ["Getafe"]}},
        {"filter": {}},
        {"filter": {"q": ""}},
        {"filter": {"status": ["nope"]}},
        {"filter": {"colour": "red"}},
        {"ids": [0]},
        {"ids": ["x"]},
        {"ids": list(range(1, 10_002))},
        {"ids": [1], "colour": "red"},
        {"ids": [1], "campaign": 10**30},
        [],
        "x",
        None,
    ],
)
def test_nobody_is_changed_by_what_is_not_understood(campaign, body):
    LeadFactory(call_status=CallStatus.NO_SELECTED, selected_for_calling=False)
    before = list(Lead.objects.values())

    client = as_person("operador")
    answer = client.post("/api/calls/leads/select", json.dumps(body), content_type=JSON)

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert list(Lead.objects.values()) == before


def test_a_body_that_is_no_json_is_refused_in_words(campaign):
    client = as_person("operador")

    answer = client.post("/api/calls/leads/select", "{", content_type=JSON)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_reset_forgets_the_attempts(campaign):
    lead = LeadFactory(call_status=CallStatus.ERROR, call_attempts_count=3)

    done = ask(as_person("operador"), "post", "leads/reset", {"ids": [lead.pk]})

    assert done.json()["changed"] == 1
    lead.refresh_from_db()
    assert lead.call_attempts_count == 0
