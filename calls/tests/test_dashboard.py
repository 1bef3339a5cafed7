"""The views of /calls: what they do, who may, and what a refusal says."""

from __future__ import annotations

import time
from threading import Thread

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from calls import runs
from calls.models import Campaign, Run, RunState, Worker
from calls.tests.factories import AttemptFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_user("marta")
    names = ("run_campaign", "view_campaign", "select_lead", "view_lead")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


@pytest.fixture
def viewer(client) -> User:
    user = User.objects.create_user("luis")
    client.force_login(user)
    return user


def url(name: str, campaign: Campaign) -> str:
    return reverse(f"calls:{name}", args=[campaign.pk])


def a_worker() -> None:
    now = timezone.now()
    Worker.objects.create(
        identity="host/1/a", started_at=now, heartbeat_at=now, serving=True
    )


# --- Who may ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/calls/", "/calls/1/board", "/calls/1/events", "/calls/1/leads"]
)
def test_every_page_asks_for_a_login(client, path):
    answer = client.get(path)

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))


def test_a_fragment_without_login_sends_the_page_to_the_login(client, campaign):
    answer = client.get(url("board", campaign), **HTMX)

    assert answer.status_code == 401
    assert answer["HX-Redirect"] == reverse("login")


@pytest.mark.parametrize("name", ["start", "stop", "set_limit", "change_leads"])
def test_who_may_only_look_changes_nothing(client, viewer, campaign, name):
    LeadFactory(selected_for_calling=False, call_status="no_selected")

    assert client.post(url(name, campaign), {"verb": "select"}).status_code == 403
    assert client.get(url(name, campaign)).status_code == 405
    assert not Lead.objects.filter(selected_for_calling=True).exists()


def test_stop_is_for_everybody_who_may_see_campaigns(client, viewer, run):
    permission = Permission.objects.get(codename="view_campaign")
    viewer.user_permissions.add(permission)

    assert client.post(url("stop", run.campaign), **HTMX).status_code == 200
    assert Campaign.objects.get().state == RunState.STOPPED


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_login(client, path):
    assert client.get(path).status_code == 200


def test_pages_carry_a_strict_policy_and_no_inline_code(client, operator, campaign):
    LeadFactory()
    answer = client.get(reverse("calls:manager"))

    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert " style=" not in answer.content.decode()
    assert "<script>" not in answer.content.decode()


# --- START and STOP -----------------------------------------------------------------


def test_start_runs_the_campaign_in_the_name_of_who_pressed_it(
    client, operator, campaign, simulator
):
    a_worker()
    LeadFactory()

    answer = client.post(url("start", campaign), **HTMX)

    assert "Detener" in answer.content.decode()
    assert Campaign.objects.get().state == RunState.RUNNING
    assert Run.objects.get().started_by == operator


def test_a_double_click_starts_one_run(client, operator, campaign, simulator):
    a_worker()
    LeadFactory()

    for _twice in range(2):
        client.post(url("start", campaign), **HTMX)

    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_stop_pressed_while_start_is_being_checked_wins(
    client, operator, campaign, simulator
):
    a_worker()
    LeadFactory()
    simulator.set(latency_seconds=[0.4, 0.5])
    pressed = Thread(target=press_stop_soon, args=(campaign.pk,))
    pressed.start()

    answer = client.post(url("start", campaign), **HTMX)

    pressed.join()
    assert "se pulsó Detener" in answer.content.decode()
    assert Campaign.objects.get().state == RunState.STOPPED


def press_stop_soon(campaign_id: int) -> None:
    time.sleep(0.6)
    try:
        runs.stop(campaign_id, now=timezone.now())
    finally:
        connection.close()


def test_start_refuses_with_the_reason_and_the_queue_is_kept(
    client, operator, campaign, simulator
):
    LeadFactory()
    assert "Ningún proceso espera órdenes" in start(client, campaign)

    a_worker()
    simulator.set(campaigns={campaign.outbound_id: {"status": 2}})
    assert "no está en marcha en Pearl" in start(client, campaign)

    simulator.set(campaigns={campaign.outbound_id: {"status": 1}})
    simulator.set(account={"status": 3})
    assert "no puede llamar" in start(client, campaign)

    assert Campaign.objects.get().state == RunState.STOPPED
    assert Lead.objects.get().call_status == CallStatus.SELECTED


def start(client, campaign: Campaign) -> str:
    answer = client.post(url("start", campaign), **HTMX)
    assert 'role="alert"' in answer.content.decode()
    return answer.content.decode()


def test_stop_says_how_many_calls_go_on(client, operator, run):
    AttemptFactory.create_batch(2, run=run)

    answer = client.post(url("stop", run.campaign), **HTMX)

    assert "2 llamadas en curso" in answer["HX-Trigger"].encode().decode(
        "unicode_escape"
    )
    assert Campaign.objects.get().state == RunState.STOPPING


def test_stop_of_a_stopped_campaign_changes_nothing(client, operator, campaign):
    runs.stop(campaign.pk, now=timezone.now())

    assert client.post(url("stop", campaign), **HTMX).status_code == 200
    assert Campaign.objects.get().state == RunState.STOPPED


@pytest.mark.parametrize("text", ["0", "1001", "-3", "muchas", "", "٣"])
def test_a_limit_that_makes_no_sense_is_refused_in_words(
    client, operator, campaign, text
):
    answer = client.post(url("set_limit", campaign), {"limit": text}, **HTMX)

    assert "entre 1 y 1.000" in answer.content.decode()
    assert Campaign.objects.get().max_concurrent_calls == 5


def test_the_limit_is_kept(client, operator, campaign):
    client.post(url("set_limit", campaign), {"limit": "12"}, **HTMX)

    assert Campaign.objects.get().max_concurrent_calls == 12
