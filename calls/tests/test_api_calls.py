"""Calls by API: listed, and one with what was said."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls.models import CallAttempt, Listen, Scope
from calls.states import Outcome, State
from calls.tests.api_asked import as_person, ask, with_token
from calls.tests.factories import AttemptFactory, RunFactory
from calls.tests.recorded import call_with, keep

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


def test_a_program_hears_a_recording_and_its_listen_is_noted():
    url = "https://api.nlpearl.ai/r"
    kept, waiting = keep(call_with(url), bytes(range(200))), call_with(url)
    client = with_token("auditor", Scope.READ)

    told = ask(client, "get", f"attempts/{kept.attempt_id}").json()
    heard = client.get(told["recording"], headers={"Range": "bytes=10-19"})

    assert (heard.status_code, heard.getvalue()) == (206, bytes(range(10, 20)))
    assert Listen.objects.get().username == "auditor"
    assert ask(client, "get", f"attempts/{waiting.pk}").json()["recording"] is None
    missing = ask(client, "get", f"attempts/{waiting.pk}/recording")
    assert missing.status_code == 404
    assert missing["Content-Type"] == "application/problem+json"
