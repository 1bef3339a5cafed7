"""Many leads at once: what the confirmation says, what changes, who may, and undo."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from calls.tests.factories import CampaignFactory
from leads.models import BulkChange, CallStatus, Lead, Suppression
from leads.tests.admin_pages import LIST, act, said, staff
from leads.tests.factories import OUTBOUND_ID, LeadFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

IDLE = {
    "call_status": CallStatus.NO_SELECTED,
    "selected_for_calling": False,
    "next_call_at": None,
    "pearl_outbound_id": None,
}


def confirm(client, action: str, *leads: Lead, query: str = "", **values: str):
    """As the confirmation's button sends it."""
    data = {"action": action, "asked": "1", "apply": "1"} | values
    data["_selected_action"] = [str(lead.pk) for lead in leads] or ["0"]
    data["select_across"] = "0" if leads else "1"
    return client.post(f"{LIST}{query}", data, follow=True)


def user_with(django_user_model, *permissions: str):
    user = django_user_model.objects.create_user("luis", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


# --- The confirmation ---------------------------------------------------------------


def test_the_confirmation_says_how_many_change_how_many_not_and_why(staff):
    CampaignFactory()
    LeadFactory.create_batch(3, **IDLE)
    LeadFactory(**IDLE | {"manual_management": True})
    LeadFactory()

    page = act(staff, "select", *Lead.objects.all())

    html = page.content.decode()
    assert "Poner en cola 3 leads" in html
    assert [count for _label, count in page.context["plan"].reasons] == [1, 1]
    assert "en gestión manual" in html
    assert "ya estaba en esa cola" in html
    assert not BulkChange.objects.exists()


def test_among_several_campaigns_one_is_asked_for_first(staff):
    CampaignFactory()
    other = CampaignFactory(outbound_id="otra", pearl_id="0" * 24, name="Otra")
    lead = LeadFactory(**IDLE)

    asked = act(staff, "select", lead)
    assert asked.context["plan"] is None
    assert 'name="apply"' not in asked.content.decode()

    counted = act(staff, "select", lead, asked="1", outbound_id="otra")
    assert counted.context["plan"].changed == 1

    confirm(staff, "select", lead, outbound_id=other.outbound_id)
    lead.refresh_from_db()
    assert (lead.selected_for_calling, lead.pearl_outbound_id) == (True, "otra")


def test_without_a_mark_nothing_is_asked_and_the_list_says_what_to_do(staff):
    LeadFactory()

    answer = staff.post(
        LIST, {"action": "deselect", "_selected_action": ["0"]}, follow=True
    )

    assert "Marque primero algún lead" in said(answer)


# --- The change ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "values", "column", "expected"),
    [
        ("deselect", {}, "selected_for_calling", False),
        ("priority", {"priority": "1"}, "call_priority", 1),
        ("reset", {}, "call_attempts_count", 0),
        ("manual", {}, "manual_management", True),
        ("campaign", {"outbound_id": "otra"}, "pearl_outbound_id", "otra"),
        (
            "disposition",
            {"disposition": "not_interested", "reason": "price"},
            "disposition_reason",
            "price",
        ),
        ("exclude", {"list": "request"}, "selected_for_calling", False),
    ],
)
def test_each_action_reaches_its_column(staff, action, values, column, expected):
    CampaignFactory(outbound_id="otra", pearl_id="0" * 24)
    lead = LeadFactory(call_attempts_count=2)

    answer = confirm(staff, action, lead, **values)

    lead.refresh_from_db()
    assert getattr(lead, column) == expected
    assert "1 lead cambiado." in said(answer)


def test_a_lead_handled_by_a_person_is_given_back(staff):
    lead = LeadFactory(**IDLE | {"manual_management": True})

    confirm(staff, "automatic", lead)

    lead.refresh_from_db()
    assert not lead.manual_management


def test_to_call_back_needs_a_future_date_and_the_page_says_so(staff):
    lead = LeadFactory()
    chosen = {"disposition": "call_back"}
    past = {"callback_at": "2020-01-01T10:00"}
    later = timezone.localtime() + timedelta(days=2)

    without = confirm(staff, "disposition", lead, **chosen)
    gone = confirm(staff, "disposition", lead, **chosen | past)
    assert "Indique la fecha y la hora." in without.content.decode()
    assert "fecha y hora futuras" in gone.content.decode()
    assert not BulkChange.objects.exists()

    confirm(staff, "disposition", lead, callback_at=f"{later:%Y-%m-%dT%H:%M}", **chosen)
    lead.refresh_from_db()
    assert timezone.localtime(lead.callback_at) == later.replace(
        second=0, microsecond=0
    )


def test_an_exclusion_stops_every_campaign_and_says_its_size(staff):
    leads = LeadFactory.create_batch(2)

    page = act(staff, "exclude", *leads)
    confirm(staff, "exclude", *leads, list="request", reason="Carta")

    assert "Excluir 2 leads" in page.content.decode()
    numbers = set(Suppression.objects.values_list("phone_e164", flat=True))
    assert numbers == {lead.phone_e164 for lead in leads}
    assert not Lead.objects.filter(selected_for_calling=True).exists()


def test_all_of_the_filter_is_reached_on_every_page_and_nobody_else(staff):
    LeadFactory.create_batch(60, city="Getafe")
    spared = LeadFactory(city="Lugo")

    answer = confirm(staff, "priority", query="?city=Getafe&n=25", priority="5")

    assert "60 leads cambiados." in said(answer)
    assert answer.request["QUERY_STRING"] == "city=Getafe&n=25"
    spared.refresh_from_db()
    assert spared.call_priority == 3
    assert BulkChange.objects.get().filter_query == "city=Getafe"


@pytest.mark.parametrize("query", ["?status=nada", "?call_status__exact=selected"])
def test_a_filter_with_errors_changes_nobody(staff, query):
    LeadFactory()

    answer = confirm(staff, "deselect", query=query)

    assert "no se ha cambiado ningún lead" in said(answer)
    assert Lead.objects.filter(selected_for_calling=True).count() == 1


def test_the_export_is_of_the_ticked_or_of_the_filter(staff):
    lead = LeadFactory(city="Getafe")
    url = reverse("admin:leads_lead_export")
    data = {"action": "export", "_selected_action": ["0", lead.pk]}

    ticked = staff.post(f"{LIST}?city=Getafe&p=1", data)
    whole = staff.post(f"{LIST}?city=Getafe&p=1", data | {"select_across": "1"})

    assert ticked["Location"] == f"{url}?ids={lead.pk}"
    assert whole["Location"] == f"{url}?city=Getafe"


# --- Who may ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "actions"),
    [
        ("view_lead", set()),
        ("select_lead", {"select", "deselect", "priority", "reset"}),
        ("change_lead", {"campaign", "disposition", "manual", "automatic"}),
        ("add_suppression", {"exclude"}),
        ("export_lead", {"export"}),
    ],
)
def test_each_permission_opens_its_actions_and_no_other(
    client, django_user_model, permission, actions
):
    client.force_login(user_with(django_user_model, "view_lead", permission))
    lead = LeadFactory(call_priority=3)

    page = client.get(LIST)
    offered = dict([*page.context["at_hand"], *page.context["more"]])
    confirm(client, "priority", lead, priority="5")

    assert set(offered) == actions
    lead.refresh_from_db()
    assert lead.call_priority == (5 if "priority" in actions else 3)


# --- Undo ---------------------------------------------------------------------------


def undo(client, change: BulkChange):
    url = reverse("admin:leads_lead_undo", args=[change.pk])
    return client.post(url, {"query": "city=Getafe"}, follow=True)


def test_the_last_selection_is_undone_from_the_list(staff):
    CampaignFactory()
    LeadFactory.create_batch(3, city="Getafe", **IDLE)
    answer = confirm(staff, "select", query="?city=Getafe", outbound_id=OUTBOUND_ID)
    change = answer.context["last_change"]
    assert (change.verb, change.changed) == ("select", 3)

    answer = undo(staff, change)

    assert "Deshecho: 3 leads vuelven a estar como antes." in said(answer)
    assert answer.request["QUERY_STRING"] == "city=Getafe"
    assert answer.context["last_change"] is None
    assert not Lead.objects.filter(selected_for_calling=True).exists()


def test_who_was_called_since_is_not_put_back_and_is_told(staff):
    CampaignFactory()
    leads = LeadFactory.create_batch(2, **IDLE)
    answer = confirm(staff, "select", *leads, outbound_id=OUTBOUND_ID)
    later = timezone.now() + timedelta(seconds=1)
    Lead.objects.filter(pk=leads[0].pk).update(last_call_attempt=later)

    answer = undo(staff, answer.context["last_change"])

    assert "1 lead vuelve a estar como antes. 1 no:" in said(answer)


def test_nobody_undoes_what_another_did(staff, client, django_user_model):
    lead = LeadFactory()
    change = confirm(staff, "deselect", lead).context["last_change"]
    client.force_login(user_with(django_user_model, "view_lead", "select_lead"))

    answer = client.post(reverse("admin:leads_lead_undo", args=[change.pk]))

    assert answer.status_code == 404
    lead.refresh_from_db()
    assert not lead.selected_for_calling
