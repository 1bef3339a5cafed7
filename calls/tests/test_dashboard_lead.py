"""The panel of one lead at /calls: what it shows, and what is done there."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from calls import recordings
from calls.models import Campaign
from calls.states import State
from calls.tests.factories import AttemptFactory
from calls.tests.recorded import keep
from leads.models import CallStatus, Lead, LeadEvent
from leads.notes import add_note
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}
ACTS = ("lead_note", "lead_call_now", "lead_promise", "lead_drop_promise")


def somebody(client, *codenames: str) -> User:
    user = User.objects.create_user("-".join(codenames) or "nobody")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return user


@pytest.fixture
def operator(client) -> User:
    return somebody(
        client,
        "view_campaign",
        "view_lead",
        "select_lead",
        "change_lead",
        "view_callattempt",
    )


def url(name: str, campaign: Campaign, lead: Lead) -> str:
    return reverse(f"calls:{name}", args=[campaign.pk, lead.pk])


def an_ended_call(run, lead: Lead, **values):
    return AttemptFactory(
        run=run,
        lead=lead,
        state=State.ENDED,
        outcome="success",
        open_lead_id=None,
        open_phone=None,
        closed_at=timezone.now(),
        **values,
    )


# --- Who may ------------------------------------------------------------------------


def test_nothing_personal_without_the_permission_to_see_leads(client, campaign):
    somebody(client, "view_campaign", "select_lead", "change_lead", "view_callattempt")
    lead = LeadFactory(first_name="Ane")

    for name in ("lead", "lead_history"):
        assert client.get(url(name, campaign, lead)).status_code == 403
    for name in ACTS:
        assert client.post(url(name, campaign, lead)).status_code == 403
    page = client.get(reverse("calls:manager"), {"lead": lead.pk}).content.decode()
    assert "Ane" not in page


@pytest.mark.parametrize("name", ACTS)
def test_who_may_only_look_does_nothing_to_a_lead(client, campaign, name):
    somebody(client, "view_lead")
    lead = LeadFactory()

    assert client.post(url(name, campaign, lead), {"text": "x"}).status_code == 403
    assert client.get(url(name, campaign, lead)).status_code == 405
    assert not LeadEvent.objects.exists()
    html = client.get(url("lead", campaign, lead)).content.decode()
    assert "Llamar ahora" not in html
    assert "Guardar nota" not in html


def test_calls_are_for_who_may_see_calls(client, run):
    somebody(client, "view_lead")
    lead = LeadFactory()
    call = an_ended_call(
        run,
        lead,
        recording_url="https://pearl.example/1.mp3",
        transcript=[{"role": "1", "text": "Buenos días"}],
    )
    recordings.expect(call, now=timezone.now())
    keep(call)

    html = client.get(url("lead", run.campaign, lead)).content.decode()
    assert "Buenos días" not in html
    assert "grabación disponible" not in html

    somebody(client, "view_lead", "view_callattempt")
    html = client.get(url("lead", run.campaign, lead)).content.decode()
    assert "Buenos días" in html
    assert "grabación disponible" in html
    assert "pearl.example" not in html


def test_only_staff_are_sent_to_the_admin(client, run):
    user = somebody(client, "view_lead", "view_callattempt")
    lead = LeadFactory()
    an_ended_call(run, lead)
    assert "/admin/" not in client.get(url("lead", run.campaign, lead)).content.decode()

    user.is_staff = True
    user.save()
    html = client.get(url("lead", run.campaign, lead)).content.decode()
    assert reverse("admin:leads_lead_change", args=[lead.pk]) in html


# --- What it shows ------------------------------------------------------------------


def test_the_address_names_the_lead_and_keeps_the_filter(client, operator, campaign):
    lead = LeadFactory()

    answer = client.get(
        url("lead", campaign, lead),
        HTTP_HX_CURRENT_URL="http://testserver/calls/?city=Getafe&lead=9&page=2",
        **HTMX,
    )

    there = answer["HX-Push-Url"]
    assert there == (
        f"/calls/?city=Getafe&page=2&campaign={campaign.pk}&lead={lead.pk}"
    )
    page = client.get(there).content.decode()
    assert 'id="lead-panel"' in page
    assert f'href="/calls/?city=Getafe&amp;page=2&amp;campaign={campaign.pk}"' in page


@pytest.mark.parametrize("pk", ["0", "x", "9" * 30, "123456"])
def test_an_address_of_no_lead_shows_the_list_alone(client, operator, campaign, pk):
    page = client.get(reverse("calls:manager"), {"lead": pk})

    assert page.status_code == 200
    assert 'id="lead-panel"' not in page.content.decode()


def test_it_says_where_the_lead_stands_and_what_comes_next(client, operator, campaign):
    lead = LeadFactory(time_zone="", national_id="12345678Z")

    html = client.get(url("lead", campaign, lead)).content.decode()

    assert "No se le llamará: sin huso horario conocido." in html
    assert "12345678Z" in html


def test_a_long_history_comes_in_parts(client, operator, campaign):
    lead = LeadFactory()
    for n in range(60):
        at = timezone.now() - timedelta(minutes=n)
        add_note(lead.pk, text=f"nota {n:02}", by=operator, now=at)
    first = client.get(url("lead", campaign, lead))
    older = first.context["history"].older

    second = client.get(url("lead_history", campaign, lead), {"before": older})

    assert "nota 00" in first.content.decode()
    assert "nota 59" not in first.content.decode()
    assert "nota 59" in second.content.decode()
    assert "nota 00" not in second.content.decode()
    assert url("lead_history", campaign, lead) in first.content.decode()


def test_what_people_wrote_is_shown_as_text_only(client, operator, campaign):
    lead = LeadFactory(first_name="<script>alert(1)</script>")
    add_note(lead.pk, text="<b>x</b>", by=operator, now=timezone.now())

    html = client.get(url("lead", campaign, lead)).content.decode()

    assert "<script>alert" not in html
    assert "<b>x</b>" not in html


def test_a_panel_costs_the_same_queries_however_long_the_history(
    client, operator, run, django_assert_max_num_queries
):
    lead = LeadFactory()
    an_ended_call(run, lead)
    client.get(url("lead", run.campaign, lead))
    with django_assert_max_num_queries(20) as few:
        client.get(url("lead", run.campaign, lead))
    for _each in range(8):
        an_ended_call(run, lead)
        add_note(lead.pk, text="otra", by=operator, now=timezone.now())

    with django_assert_max_num_queries(20) as many:
        client.get(url("lead", run.campaign, lead))

    assert len(few) == len(many)


# --- What is done there -------------------------------------------------------------


def test_a_note_is_kept_and_shown(client, operator, campaign):
    lead = LeadFactory()

    answer = client.post(
        url("lead_note", campaign, lead), {"text": "Prefiere tardes"}, **HTMX
    )

    assert "Nota guardada." in answer.content.decode()
    assert "Prefiere tardes" in answer.content.decode()
    assert "leads" in json.loads(answer["HX-Trigger"])
    assert LeadEvent.objects.get(kind=LeadEvent.Kind.NOTE).by == operator


def test_an_empty_note_says_so_where_it_was_written(client, operator, campaign):
    lead = LeadFactory()

    answer = client.post(url("lead_note", campaign, lead), {"text": " "}, **HTMX)

    assert "Escriba la nota." in answer.content.decode()
    assert not LeadEvent.objects.exists()


def test_a_lead_called_now_goes_to_the_head_of_the_queue(client, operator, campaign):
    lead = LeadFactory(
        selected_for_calling=False,
        call_status=CallStatus.NO_SELECTED,
        next_call_at=None,
    )

    answer = client.post(url("lead_call_now", campaign, lead), **HTMX)

    assert "Va a la cabeza de la cola." in answer.content.decode()
    lead.refresh_from_db()
    assert lead.call_now
    assert lead.selected_for_calling


def test_a_lead_that_may_not_be_called_is_refused_with_the_reason(
    client, operator, campaign
):
    lead = LeadFactory(manual_management=True)

    answer = client.post(url("lead_call_now", campaign, lead), **HTMX)

    assert "No se puede llamar: en gestión manual." in answer.content.decode()
    lead.refresh_from_db()
    assert not lead.call_now


def test_a_callback_is_promised_and_dropped(client, operator, campaign):
    lead = LeadFactory()
    day = timezone.localdate() + timedelta(days=2)

    answer = client.post(
        url("lead_promise", campaign, lead), {"day": day, "hour": "12:00"}, **HTMX
    )

    assert "Rellamada prometida." in answer.content.decode()
    lead.refresh_from_db()
    assert timezone.localtime(lead.callback_at).date() == day

    answer = client.post(url("lead_drop_promise", campaign, lead), **HTMX)

    assert "Rellamada anulada" in answer.content.decode()
    lead.refresh_from_db()
    assert lead.callback_at is None


def test_a_promise_for_the_past_keeps_what_was_written(client, operator, campaign):
    lead = LeadFactory()

    answer = client.post(
        url("lead_promise", campaign, lead),
        {"day": "2020-01-01", "hour": "12:00"},
        **HTMX,
    )

    html = answer.content.decode()
    assert "Esa hora ya pasó" in html
    assert 'value="2020-01-01"' in html
    lead.refresh_from_db()
    assert lead.callback_at is None


def test_without_htmx_an_act_comes_back_to_the_panel(client, operator, campaign):
    lead = LeadFactory()

    done = client.post(url("lead_note", campaign, lead), {"text": "Prefiere tardes"})
    wrong = client.post(url("lead_note", campaign, lead), {"text": ""})

    assert done["Location"] == f"/calls/?campaign={campaign.pk}&lead={lead.pk}"
    assert "<html" in wrong.content.decode()
    assert "Escriba la nota." in wrong.content.decode()
