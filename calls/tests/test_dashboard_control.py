"""PAUSE, emergency stop, what Pearl says, and how many calls at a time."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from calls import runs
from calls.models import Campaign, ControlEvent, PearlAccount, Run, RunState
from calls.tests.factories import AttemptFactory
from calls.tests.test_dashboard import HTMX, a_worker, start, url
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_user("marta")
    names = ("run_campaign", "view_campaign", "view_lead")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


@pytest.fixture
def viewer(client) -> User:
    user = User.objects.create_user("luis")
    view = Permission.objects.get(codename="view_campaign")
    user.user_permissions.add(view)
    client.force_login(user)
    return user


def said(answer) -> str:
    return str(json.loads(answer["HX-Trigger"])["toast"]["text"])


# --- Pause ----------------------------------------------------------------------------


def test_pause_says_what_goes_on_and_the_page_offers_to_go_on(client, operator, run):
    AttemptFactory(run=run)

    answer = client.post(url("pause", run.campaign), **HTMX)

    assert said(answer) == "En pausa. 1 llamada en curso terminará por sí misma."
    assert "Reanudar" in answer.content.decode()
    assert Campaign.objects.get().state == RunState.PAUSED


def test_the_same_run_goes_on_when_start_is_pressed_in_a_pause(
    client, operator, run, simulator
):
    a_worker()
    LeadFactory()
    client.post(url("pause", run.campaign), **HTMX)

    client.post(url("start", run.campaign), **HTMX)

    assert Campaign.objects.get().state == RunState.RUNNING
    assert Run.objects.count() == 1


def test_a_stale_tab_pauses_nothing(client, operator, campaign):
    answer = client.post(url("pause", campaign), **HTMX)

    assert said(answer) == "La campaña no estaba llamando."
    assert Campaign.objects.get().state == RunState.STOPPED


# --- Emergency stop, and the switch at Pearl ------------------------------------------


def test_the_emergency_stop_asks_first_and_says_what_it_cannot_do(
    client, operator, run
):
    AttemptFactory.create_batch(2, run=run)

    answer = client.get(url("emergency", run.campaign), **HTMX).content.decode()

    assert "2 llamadas en curso no se pueden cortar" in answer
    assert Campaign.objects.get().state == RunState.RUNNING


def test_the_emergency_stop_also_pauses_the_campaign_at_pearl(
    client, operator, run, simulator
):
    answer = client.post(url("emergency", run.campaign), **HTMX)

    assert "pausada en Pearl" in said(answer)
    with simulator.client() as pearl:
        assert not pearl.outbound(run.campaign.outbound_id).is_running
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.pearl_status) == (RunState.STOPPED, 2)
    kinds = ControlEvent.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["stopped", "ended", "pearl_off"]


def test_without_an_answer_of_pearl_it_is_stopped_here_and_that_is_said(
    client, operator, run, settings
):
    settings.PEARL_API_URL = "http://127.0.0.1:9"

    answer = client.post(url("emergency", run.campaign), **HTMX).content.decode()

    assert "Aquí está detenida" in answer
    assert "no consta que Pearl" in answer
    assert Campaign.objects.get().state == RunState.STOPPED
    assert not ControlEvent.objects.filter(kind="pearl_off").exists()


def test_start_is_refused_while_paused_at_pearl_and_the_way_out_is_offered(
    client, operator, campaign, simulator
):
    a_worker()
    LeadFactory()
    simulator.set(campaigns={campaign.outbound_id: {"status": 2}})

    html = start(client, campaign)

    assert "no está en marcha en Pearl" in html
    assert reverse("calls:resume_at_pearl", args=[campaign.pk]) in html


def test_before_a_campaign_runs_again_at_pearl_its_queue_is_counted(
    client, operator, campaign, simulator
):
    simulator.set(campaigns={campaign.outbound_id: {"status": 2}})
    with simulator.client() as pearl:
        for n in range(2):
            pearl.make_call(campaign.outbound_id, to=f"+3460000000{n}", data={})

    asked = client.get(url("resume_at_pearl", campaign), **HTMX).content.decode()
    assert "Pearl tiene 2 llamadas en su cola" in asked
    assert simulator.rings() == []

    seen = {"seen": runs.last_event(campaign.pk)}
    client.post(url("resume_at_pearl", campaign), seen, **HTMX)
    simulator.wait_until(lambda: len(simulator.rings()) == 2)
    assert Campaign.objects.get().pearl_status == 1


def test_what_else_is_wrong_at_pearl_is_still_said_once_a_campaign_runs_again(
    client, operator, campaign, simulator
):
    simulator.set(
        campaigns={campaign.outbound_id: {"status": 2}}, account={"status": 3}
    )
    seen = {"seen": runs.last_event(campaign.pk)}

    client.post(url("resume_at_pearl", campaign), seen, **HTMX)

    problem = PearlAccount.objects.get().problem
    assert "no puede llamar" in problem
    assert "no está en marcha" not in problem


def test_an_emergency_stop_meanwhile_wins_over_the_question(
    client, operator, run, simulator
):
    simulator.set(campaigns={run.campaign.outbound_id: {"status": 2}})
    seen = {"seen": runs.last_event(run.campaign_id)}
    client.post(url("emergency", run.campaign), **HTMX)

    html = client.post(url("resume_at_pearl", run.campaign), seen, **HTMX)

    assert "no se ha reactivado nada" in html.content.decode()
    with simulator.client() as pearl:
        assert not pearl.outbound(run.campaign.outbound_id).is_running


def test_pearl_is_checked_on_demand_with_what_else_it_has(
    client, operator, campaign, simulator
):
    html = client.post(url("check_pearl", campaign), **HTMX).content.decode()

    assert "Pearl responde y acepta la clave." in html
    assert Campaign.objects.get().pearl_status == 1


def test_a_check_without_answer_says_so(client, operator, campaign, settings):
    settings.PEARL_API_URL = "http://127.0.0.1:9"

    html = client.post(url("check_pearl", campaign), **HTMX).content.decode()

    assert "vuelva a intentarlo" in html
    assert "finding--no_answer" in html


@pytest.mark.parametrize("name", ["pause", "resume_at_pearl", "check_pearl"])
def test_who_may_not_run_campaigns_switches_nothing(client, viewer, run, name):
    assert client.post(url(name, run.campaign), **HTMX).status_code == 403
    assert Campaign.objects.get().state == RunState.RUNNING


def test_the_emergency_stop_is_for_everybody_who_may_stop(
    client, viewer, run, simulator
):
    assert client.post(url("emergency", run.campaign), **HTMX).status_code == 200
    assert Campaign.objects.get().state == RunState.STOPPED


def test_without_javascript_a_question_is_a_page(client, operator, run):
    html = client.get(url("emergency", run.campaign)).content.decode()

    assert "<!doctype html>" in html
    assert "Detener y pausar en Pearl" in html


def test_without_javascript_a_refusal_is_told_on_the_next_page(
    client, operator, campaign
):
    answer = client.post(url("start", campaign), follow=True)

    messages = [str(one) for one in answer.context["messages"]]
    assert len(messages) == 1
    assert messages[0].startswith("Ningún proceso espera órdenes")


# --- How many at a time ---------------------------------------------------------------


def test_two_presses_of_more_are_two_more(client, operator, campaign):
    for _twice in range(2):
        client.post(url("set_limit", campaign), {"step": "1", "limit": "5"}, **HTMX)

    assert Campaign.objects.get().max_concurrent_calls == 7
    last = ControlEvent.objects.last()
    assert last.values == {"before": 6, "after": 7}


def test_there_is_always_one(client, operator, campaign):
    Campaign.objects.update(max_concurrent_calls=1)

    client.post(url("set_limit", campaign), {"step": "-1"}, **HTMX)

    assert Campaign.objects.get().max_concurrent_calls == 1
    assert not ControlEvent.objects.exists()


# --- The activity ---------------------------------------------------------------------


def test_who_did_what_is_read_in_sentences(client, operator, run):
    client.post(url("set_limit", run.campaign), {"limit": "9"}, **HTMX)
    client.post(url("pause", run.campaign), **HTMX)

    html = client.get(url("board", run.campaign), **HTMX).content.decode()

    assert "marta cambió las llamadas simultáneas de 5 a 9" in html
    assert "marta puso la campaña en pausa" in html


def test_names_of_leads_are_for_those_who_may_see_leads(client, viewer, run):
    attempt = AttemptFactory(run=run, lead__first_name="Ximena")
    AttemptFactory(
        run=run,
        lead__first_name="Ximena",
        state="ended",
        outcome="busy",
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
    )

    html = client.get(url("board", run.campaign), **HTMX).content.decode()

    assert "Ximena" not in html
    assert f"Lead {attempt.lead_id}" in html
