"""The leads' pages in the admin: what staff change, and what they cannot undo."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from leads import staff_admin
from leads.models import CallStatus, Lead
from leads.tests.admin_pages import (
    act,
    change_url,
    errors,
    form_data,
    said,
    save,
    staff,
)
from leads.tests.factories import OUTBOUND_ID, LeadFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db


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
