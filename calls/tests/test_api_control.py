"""START, PAUSE and STOP by API, and how it refuses."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from calls import runs
from calls.models import Campaign, RunState, Worker
from calls.tests.api_asked import ALL, as_person, ask, with_token
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads.models import CallStatus
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db


def test_start_status_and_stop_as_on_the_dashboard(simulator, campaign):
    client = with_token("operador", *ALL)
    LeadFactory.create_batch(2)
    now = timezone.now()
    Worker.objects.create(
        identity="h/1/a", started_at=now, heartbeat_at=now, serving=True
    )

    started = ask(client, "post", "start", {"campaign": campaign.pk})
    again = ask(client, "post", "start", {})
    told = ask(client, "get", "status").json()

    assert started.status_code == 200, started.content
    assert again.json()["id"] == started.json()["id"]
    assert told["campaign"]["state"] == RunState.RUNNING
    assert told["run"]["started_by"] == "operador"
    assert told["leads"][CallStatus.SELECTED] == 2
    assert ask(client, "post", "pause", {}).json()["state"] == RunState.PAUSED
    assert ask(client, "post", "stop", {}).json()["state"] == RunState.STOPPED


def test_a_start_that_cannot_work_says_why(campaign):
    answer = ask(as_person("operador"), "post", "start", {})

    assert answer.status_code == 409
    assert "run_calls" in answer.json()["title"]
    assert Campaign.objects.get().state == RunState.STOPPED


def test_stop_says_how_many_calls_go_on():
    attempt = AttemptFactory()

    answer = ask(
        as_person("operador"), "post", "stop", {"campaign": attempt.campaign_id}
    )

    assert answer.json() == {"state": RunState.STOPPING, "in_course": 1}


def test_among_several_campaigns_one_must_be_named(campaign):
    other = CampaignFactory(outbound_id="b" * 24)
    client = as_person("operador")

    assert ask(client, "get", "status").status_code == 409
    assert ask(client, "get", f"status?campaign={other.pk}").status_code == 200
    assert ask(client, "get", "status?campaign=999").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", "stop", 405), ("delete", "leads", 405), ("get", "nothing/x", 404)],
)
def test_what_is_not_there_is_refused_in_words_too(campaign, method, path, status):
    answer = ask(as_person("operador"), method, path)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_without_pearl_one_reads_that_pearl_does_not_answer(campaign, settings):
    settings.PEARL_API_URL = "http://127.0.0.1:9"

    answer = ask(as_person("operador"), "get", "pearl/campaigns")

    assert answer.status_code == 502
    assert answer.json()["title"]


def test_the_documentation_is_for_whoever_is_in(campaign):
    assert Client().get("/api/docs").status_code == 302
    assert as_person("auditor").get("/api/docs").status_code == 200
    assert runs.last_event(campaign.pk) == 0
