"""The leads' pages in the admin: what staff change, and what they cannot undo."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leads import staff_admin
from leads.models import CallStatus, Consent, Lead, LeadImport, Suppression
from leads.tests.admin_pages import (
    LIST,
    act,
    change_url,
    errors,
    form_data,
    said,
    save,
    staff,
)
from leads.tests.factories import OUTBOUND_ID, LeadFactory, SuppressionFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db


# --- The list -----------------------------------------------------------------------


def test_the_list_shows_state_in_a_dot_and_a_word_and_the_phone_grouped(staff):
    LeadFactory(phone_e164="+34612034118")
    LeadFactory(phone="61 mal", phone_e164="")

    html = staff.get(LIST).content.decode()

    assert '<span class="status status--selected">En cola</span>' in html
    assert "612 034 118" in html
    assert "61 mal" in html
    assert "css/admin.css" in html
    assert "style=" not in html.split('id="changelist"')[1]


def test_the_list_takes_as_many_queries_for_many_leads_as_for_one(staff):
    record = LeadImport.objects.create(name="a.csv", sha256="0")
    LeadFactory(lead_import=record)
    staff.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as few:
        staff.get(LIST)
    LeadFactory.create_batch(40, lead_import=record, last_call_attempt=timezone.now())

    with CaptureQueriesContext(connection) as many:
        staff.get(LIST)

    assert len(many) == len(few)


def test_counting_stops_early_and_the_page_does_not_call_it_all(staff, monkeypatch):
    monkeypatch.setattr(staff_admin, "COUNTED_AT_MOST", 60)
    LeadFactory.create_batch(65)

    with CaptureQueriesContext(connection) as queries:
        page = staff.get(LIST)

    counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and "leads" in q["sql"]]
    assert len(counts) == 1
    assert "LIMIT 61" in counts[0]
    assert page.context["cl"].result_count == 61
    assert "todos los que cumplen el filtro" in page.content.decode()


@pytest.mark.parametrize(
    "term",
    [
        "612034118",
        "612 034 118",
        "+34 612.034.118",
        "0034-612-034-118",
        "034118",
        "Begoña",
        "begoña peña",
        "12345678Z",
        "12345678",
        "PZ 77",
    ],
)
def test_a_lead_is_found_by_name_phone_in_any_spelling_nif_or_policy(staff, term):
    lead = LeadFactory(
        first_name="Begoña",
        last_name="Peña",
        phone_e164="+34612034118",
        national_id="12345678Z",
        policy_number="PZ 77",
    )
    LeadFactory(phone_e164="+34600000009")

    page = staff.get(LIST, {"q": term})

    assert [found.pk for found in page.context["cl"].result_list] == [lead.pk]


@pytest.mark.parametrize(
    "query",
    [
        {"call_status__exact": "selected"},
        {"selected_for_calling__exact": "1"},
        {"call_priority__exact": "3"},
        {"manual_management__exact": "0"},
        {"disposition__exact": ""},
        {"consent__exact": "given"},
    ],
)
def test_the_list_can_be_filtered(staff, query):
    lead = LeadFactory()
    LeadFactory(
        call_status=CallStatus.NO_SELECTED,
        selected_for_calling=False,
        call_priority=1,
        manual_management=True,
        disposition="appointment",
        consent=Consent.UNKNOWN,
    )

    page = staff.get(LIST, query)

    assert [found.pk for found in page.context["cl"].result_list] == [lead.pk]


# --- The form -----------------------------------------------------------------------


def test_saving_writes_what_was_changed_and_nothing_the_dialer_wrote_since(staff):
    lead = LeadFactory()
    data = form_data(staff.get(change_url(lead)))
    Lead.objects.update(
        call_status=CallStatus.CALLING,
        next_call_at=None,
        call_attempts_count=1,
        disposition="appointment",
        call_notes="Quiere cita",
    )

    staff.post(change_url(lead), data | {"city": "Getafe"})

    lead.refresh_from_db()
    assert lead.city == "Getafe"
    assert (lead.call_status, lead.call_attempts_count) == (CallStatus.CALLING, 1)
    assert (lead.disposition, lead.call_notes) == ("appointment", "Quiere cita")
    assert lead.next_call_at is None


def test_the_columns_of_the_engine_cannot_be_posted(staff):
    lead = LeadFactory()

    save(
        staff,
        lead,
        call_status="completed",
        call_attempts_count="9",
        phone_e164="+34600999999",
        community="CN",
        pearl_outbound_id="otra",
    )

    assert lead.call_status == CallStatus.SELECTED
    assert lead.call_attempts_count == 0
    assert lead.phone_e164 != "+34600999999"
    assert lead.community == "MD"
    assert lead.pearl_outbound_id == OUTBOUND_ID


def test_saving_reads_the_phones_and_the_place_again(staff):
    lead = LeadFactory()

    save(staff, lead, phone="612.034.118", phone_alt="912345678", postal_code="35010")

    assert (lead.phone, lead.phone_e164) == ("612.034.118", "+34612034118")
    assert lead.phone_alt_e164 == "+34912345678"
    assert (lead.community, lead.time_zone) == ("CN", "Atlantic/Canary")


def test_a_clock_that_was_derived_does_not_survive_its_address(staff):
    lead = LeadFactory()

    save(staff, lead, postal_code="", province="")

    assert (lead.community, lead.time_zone) == ("", "")


def test_where_the_address_tells_no_clock_staff_may_write_it(staff):
    lead = LeadFactory(postal_code="", community="", time_zone="")

    refused = save(staff, lead, time_zone="Marte")
    assert "Europe/Madrid" in errors(refused)

    save(staff, lead, time_zone="Atlantic/Canary", community="cn")
    assert (lead.community, lead.time_zone) == ("CN", "Atlantic/Canary")


def test_a_number_that_is_none_is_refused_in_words(staff):
    lead = LeadFactory()

    answer = save(staff, lead, phone="6120")

    assert "un teléfono español tiene 9" in errors(answer)


def test_an_old_bad_number_does_not_hinder_another_change(staff):
    lead = LeadFactory(phone="61", phone_e164="")

    answer = save(staff, lead, city="Getafe")

    assert lead.city == "Getafe"
    assert "no se llamará" in said(answer)


def test_a_held_lead_gets_a_turn_once_its_data_is_corrected(staff):
    lead = LeadFactory(next_call_at=None, postal_code="", time_zone="")

    save(staff, lead, postal_code="28001")

    assert lead.next_call_at is not None
    assert lead.time_zone == "Europe/Madrid"


def test_a_lead_that_waits_for_its_date_keeps_it(staff):
    later = timezone.now() + timedelta(hours=5)
    lead = LeadFactory(next_call_at=later)

    save(staff, lead, city="Getafe")

    assert lead.next_call_at == later


def test_a_lead_given_to_a_person_in_the_form_leaves_the_queue(staff):
    lead = LeadFactory()

    save(staff, lead, manual_management="on")

    assert lead.manual_management
    assert not lead.selected_for_calling
    assert lead.call_status == CallStatus.NO_SELECTED


def test_a_new_lead_is_normalised_and_placed(staff):
    url = reverse("admin:leads_lead_add")
    data = form_data(staff.get(url))

    staff.post(url, data | {"phone": "612 034 118", "postal_code": "28001"})

    lead = Lead.objects.get()
    assert (lead.phone_e164, lead.time_zone) == ("+34612034118", "Europe/Madrid")
    assert not lead.selected_for_calling


# --- The verbs ----------------------------------------------------------------------


def test_an_action_says_how_many_really_changed_and_how_many_not(staff):
    queued = LeadFactory.create_batch(2)
    other = LeadFactory(call_status=CallStatus.NO_SELECTED, selected_for_calling=False)

    answer = act(staff, "take_out_of_queue", *queued, other)

    assert said(answer) == "2 filas cambiadas. 1 sin cambio: no estaban en la cola."
    assert not Lead.objects.filter(selected_for_calling=True).exists()


@pytest.mark.parametrize(
    ("action", "column", "value"),
    [
        ("priority_high", "call_priority", 1),
        ("priority_normal", "call_priority", 3),
        ("priority_low", "call_priority", 5),
        ("forget_attempts", "call_attempts_count", 0),
        ("give_to_a_person", "manual_management", True),
        ("give_back_to_system", "manual_management", False),
    ],
)
def test_each_verb_reaches_its_column(staff, action, column, value):
    lead = LeadFactory(
        call_priority=2, call_attempts_count=2, manual_management=value is False
    )

    answer = act(staff, action, lead)

    lead.refresh_from_db()
    assert getattr(lead, column) == value
    assert "1 fila cambiada." in said(answer)


def test_an_action_reaches_the_leads_of_all_pages_that_pass_the_filter(staff):
    LeadFactory.create_batch(60)
    spared = LeadFactory(consent=Consent.UNKNOWN)

    chosen = {"action": "priority_low", "select_across": "1", "_selected_action": ["0"]}
    answer = staff.post(f"{LIST}?consent__exact=given", chosen, follow=True)

    assert "60 filas cambiadas." in said(answer)
    spared.refresh_from_db()
    assert spared.call_priority == 3


def test_who_may_only_look_has_no_verbs(client, django_user_model):
    from django.contrib.auth.models import Permission

    viewer = django_user_model.objects.create_user("v", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client.force_login(viewer)
    lead = LeadFactory(call_priority=3)

    page = client.get(LIST)
    act(client, "priority_low", lead)

    assert page.status_code == 200
    lead.refresh_from_db()
    assert lead.call_priority == 3


# --- Deleting -----------------------------------------------------------------------


def test_a_lead_without_calls_is_deleted(staff):
    lead = LeadFactory()

    act(staff, "delete_selected", lead, post="yes")

    assert not Lead.objects.exists()


def test_too_many_leads_at_once_are_not_deleted(staff, monkeypatch):
    monkeypatch.setattr(staff_admin, "DELETED_AT_MOST", 1)
    leads = LeadFactory.create_batch(2)

    page = act(staff, "delete_selected", *leads, post="yes")

    assert "bórrelos por partes" in page.content.decode()
    assert Lead.objects.count() == 2


# --- Numbers never to be called, and imports ------------------------------------------


def test_a_suppressed_number_is_kept_in_one_spelling_and_a_bad_one_refused(staff):
    url = reverse("admin:leads_suppression_add")

    bad = staff.post(url, {"phone_e164": "6120"})
    staff.post(url, {"phone_e164": "(+34) 612 034 118 ", "reason": "Baja"})
    again = staff.post(url, {"phone_e164": "612034118"})

    assert "un teléfono español tiene 9" in errors(bad)
    assert Suppression.objects.get().phone_e164 == "+34612034118"
    assert "Ya existe" in errors(again)


def test_a_number_taken_off_the_list_gives_its_held_leads_a_turn(staff):
    suppression = SuppressionFactory()
    lead = LeadFactory(phone_e164=suppression.phone_e164, next_call_at=None)
    url = reverse("admin:leads_suppression_delete", args=[suppression.pk])

    staff.post(url, {"post": "yes"})

    lead.refresh_from_db()
    assert lead.next_call_at is not None


def test_proposed_numbers_are_confirmed(staff):
    proposed = SuppressionFactory(proposed=True)
    url = reverse("admin:leads_suppression_changelist")

    staff.post(url, {"action": "confirm", "_selected_action": [proposed.pk]})

    proposed.refresh_from_db()
    assert not proposed.proposed


def test_an_import_is_read_only_and_lists_its_rows_to_review(staff):
    record = LeadImport.objects.create(
        name="a.csv", sha256="0", problems=[{"row": 7, "reason": "Falta <el> teléfono"}]
    )
    url = reverse("admin:leads_leadimport_change", args=[record.pk])

    page = staff.get(url).content.decode()

    assert "7 · Falta &lt;el&gt; teléfono" in page
    assert staff.post(url, {"name": "b.csv"}).status_code == 403
    assert staff.get(reverse("admin:leads_leadimport_add")).status_code == 403
