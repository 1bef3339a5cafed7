"""The leads of /calls: whom a press changes, and who may press."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from calls.tests.dashboard_pages import HTMX, idle, in_queue, operator, press, url
from leads.models import BulkChange, CallStatus, Lead
from leads.tests.factories import LeadFactory

__all__ = ["operator"]

pytestmark = pytest.mark.django_db

FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


# --- Who may ------------------------------------------------------------------------


def test_who_may_not_see_leads_cannot_count_them_by_a_filter(client, campaign):
    user = User.objects.create_user("luis")
    names = ("view_campaign", "select_lead")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    idle(first_name="Ane")

    where = f"{url('change_leads', campaign)}?q=Ane"
    answer = client.post(where, {"verb": "select", "scope": "all"}, **HTMX)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("verb", "permission"),
    [
        ("select", "select_lead"),
        ("deselect", "select_lead"),
        ("reset", "select_lead"),
        ("priority:1", "select_lead"),
        ("manual:on", "change_lead"),
        ("manual:off", "change_lead"),
    ],
)
def test_each_verb_asks_for_the_permission_that_the_admin_asks_for(
    client, campaign, verb, permission
):
    lead = LeadFactory(manual_management=verb == "manual:off")
    sent = {"verb": verb, "id": [lead.pk]}
    for codename in ("select_lead", "change_lead"):
        user = User.objects.create_user(codename)
        names = ("view_lead", codename)
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(user)

        answer = client.post(url("change_leads", campaign), sent, **HTMX)

        assert (answer.status_code == 204) is (codename == permission)


def test_a_verb_that_does_not_exist_is_refused(client, operator, campaign):
    LeadFactory()

    sent = {"verb": "exclude", "scope": "all", "confirmed": "1"}

    assert client.post(url("change_leads", campaign), sent).status_code == 403


# --- What a press changes -----------------------------------------------------------


def test_the_ticked_leads_are_put_in_the_queue_and_only_they(
    client, operator, campaign
):
    one, _other = idle(), idle()

    heard = press(client, campaign, verb="select", id=[one.pk])

    assert in_queue() == {one.pk}
    assert "1 lead cambiado" in heard["toast"]["text"]
    assert heard["toast"]["action"]["label"] == "Deshacer"
    assert {"leads", "acted"} <= set(heard)


def test_the_toast_says_how_many_stay_as_they_are_and_why(client, operator, campaign):
    leads = [idle(), idle(phone_e164=""), idle(phone_e164=""), LeadFactory()]

    heard = press(client, campaign, verb="select", id=[lead.pk for lead in leads])

    text = heard["toast"]["text"]
    assert "1 lead cambiado" in text
    assert "3 se quedan como están" in text
    assert "sin número válido: 2" in text
    assert "ya estaba en esa cola: 1" in text


def test_nobody_ticked_is_said_and_offers_nothing_to_undo(client, operator, campaign):
    LeadFactory()

    heard = press(client, campaign, verb="deselect")

    assert heard["toast"] == {"text": "Marque primero algún lead."}
    assert "acted" not in heard
    assert not BulkChange.objects.exists()


def test_the_whole_filter_is_asked_about_before_anybody_changes(
    client, operator, campaign
):
    idle(city="Getafe", phone_e164="")
    for _each in range(30):
        idle(city="Getafe")
    idle(city="Madrid")

    answer = client.post(
        f"{url('change_leads', campaign)}?city=Getafe&status=&page=2",
        {"verb": "select", "scope": "all"},
        **HTMX,
    )

    html = answer.content.decode()
    assert in_queue() == set()
    assert answer["HX-Retarget"] == "#dialog"
    assert "Poner en cola 30 leads" in html
    assert "de 31 cambian" in html
    assert 'Sin número válido: <b class="num">1</b>' in html


def test_the_whole_filter_is_changed_beyond_the_page(client, operator, campaign):
    getafe = {idle(city="Getafe").pk for _each in range(30)}
    idle(city="Madrid")

    press(
        client,
        campaign,
        "city=Getafe&status=&priority=&attempts=&page=2&size=25",
        verb="select",
        scope="all",
        confirmed="1",
    )

    assert in_queue() == getafe
    assert BulkChange.objects.get().filter_query == "city=Getafe"


def test_who_came_after_the_question_is_not_in_the_answer(client, operator, campaign):
    """An import ended while somebody read how many would be put in the queue."""
    asked = idle(city="Getafe")
    where = f"{url('change_leads', campaign)}?city=Getafe"
    question = client.post(where, {"verb": "select", "scope": "all"}, **HTMX)
    form = dict(FIELD.findall(question.content.decode()))
    idle(city="Getafe")

    client.post(where, form, **HTMX)

    assert in_queue() == {asked.pk}


def test_of_the_whole_filter_one_state_alone_can_be_changed(client, operator, campaign):
    busy = idle(city="Getafe")
    Lead.objects.filter(pk=busy.pk).update(call_status=CallStatus.BUSY)
    idle(city="Getafe")

    press(
        client,
        campaign,
        "city=Getafe",
        verb="select",
        scope="all",
        only="busy",
        confirmed="1",
    )

    assert in_queue() == {busy.pk}


def test_without_htmx_the_question_is_a_page_and_the_answer_the_list(
    client, operator, campaign
):
    lead = idle(city="Getafe")
    where = f"{url('change_leads', campaign)}?city=Getafe"

    page = client.post(where, {"verb": "select", "scope": "all"})
    answer = client.post(where, {"verb": "select", "scope": "all", "confirmed": "1"})

    assert "<html" in page.content.decode()
    assert "Poner en cola 1 lead" in page.content.decode()
    assert answer["Location"] == f"{reverse('calls:manager')}?city=Getafe"
    assert in_queue() == {lead.pk}


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense",
        "attempts=x",
        "priority=99",
        "citty=Madrid",
        "why=nonsense",
        "last_from=ayer",
    ],
)
def test_a_filter_that_is_not_understood_changes_nobody(
    client, operator, campaign, query
):
    LeadFactory.create_batch(3)

    heard = press(
        client,
        campaign,
        query,
        verb="deselect",
        scope="all",
        confirmed="1",
        id=["9" * 40],
    )

    assert heard["toast"]["kind"] == "error"
    assert len(in_queue()) == 3


def test_a_very_long_id_changes_nobody(client, operator, campaign):
    LeadFactory()

    press(client, campaign, verb="deselect", id=["9" * 40, "-1", "x"])

    assert len(in_queue()) == 1


def test_an_undo_puts_back_those_that_did_not_move_on(client, operator, campaign):
    one, called = idle(), idle()
    heard = press(client, campaign, verb="select", id=[one.pk, called.pk])
    Lead.objects.filter(pk=called.pk).update(call_status=CallStatus.CALLING)

    answer = client.post(heard["toast"]["action"]["url"], **HTMX)

    heard = json.loads(answer["HX-Trigger"])
    assert in_queue() == {called.pk}
    assert "1 lead vuelve a estar como antes" in heard["toast"]["text"]
    assert "1 no: desde entonces" in heard["toast"]["text"]
    assert "leads" in heard


def test_nobody_undoes_the_change_of_another(client, operator, campaign):
    lead = idle()
    heard = press(client, campaign, verb="select", id=[lead.pk])
    other = User.objects.create_user("iker")
    other.user_permissions.add(Permission.objects.get(codename="select_lead"))
    client.force_login(other)

    assert client.post(heard["toast"]["action"]["url"], **HTMX).status_code == 404
    assert in_queue() == {lead.pk}


def test_all_whom_a_reason_keeps_waiting_can_be_changed(client, operator, campaign):
    able = LeadFactory()
    LeadFactory.create_batch(2, time_zone="")

    press(
        client,
        campaign,
        "why=unknown_place",
        verb="deselect",
        scope="all",
        confirmed="1",
    )

    assert in_queue() == {able.pk}
