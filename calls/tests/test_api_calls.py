"""Calls by API: listed, and one with what was said."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls.models import CallAttempt
from calls.states import Outcome, State
from calls.tests.api_asked import as_person, ask
from calls.tests.factories import AttemptFactory, RunFactory

pytestmark = pytest.mark.django_db


def test_calls_are_listed_by_filter_and_one_tells_what_was_said(campaign):
    run = RunFactory(campaign=campaign)
    turns = [{"role": 1, "text": "Buenos días", "start": 0.5, "end": 1.5}]
    ended = AttemptFactory(run=run, transcript=turns, summary="Quiere cita")
    CallAttempt.objects.filter(pk=ended.pk).update(
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
    )
    on = AttemptFactory(run=run)
    client = as_person("auditor")

    def listed(query: str) -> list[int]:
        items = ask(client, "get", f"attempts?{query}").json()["items"]
        return [one["id"] for one in items]

    assert listed("") == [ended.pk, on.pk]
    assert listed("limit=1") == [ended.pk]
    assert listed(f"after={ended.pk}") == [on.pk]
    assert listed("state=ended&state=manual") == [ended.pk]
    assert listed("result=completed") == [ended.pk]
    assert listed(f"lead={on.lead_id}") == [on.pk]
    assert listed(f"run={run.pk + 1}") == listed(f"campaign={campaign.pk + 1}") == []
    told = ask(client, "get", f"attempts/{ended.pk}").json()
    assert told["transcript"] == turns
    assert told["summary"] == "Quiere cita"
    assert told["pearl_request_id"] == ended.pearl_request_id
    assert ask(client, "get", "attempts?state=x").status_code == 422
    assert ask(client, "get", "attempts?colour=x").status_code == 422
