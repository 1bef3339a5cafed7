"""The calendar of appointments in each of its states: axe-core finds nothing to say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from calls import calendar_feed
from calls.models import Appointment, AppointmentEvent, Review
from calls.tests.factories import AppointmentFactory, CampaignFactory, ClinicFactory
from leads.tests.factories import LeadFactory
from tuotempo.tests.accessibility import (
    faults,
    faults_in_every_look,
    marta,
    on_one_database,
)

__all__ = ["faults", "marta"]

pytestmark = [
    pytest.mark.screens,
    pytest.mark.django_db(transaction=True),
    on_one_database,
]

CALENDAR = reverse("calls:appointments")


def a_week() -> list[Appointment]:
    """One of each state, around now, in two clinics, and one for review."""
    now = timezone.now()
    clinics = [ClinicFactory(), ClinicFactory(time_zone="Atlantic/Canary")]
    made = [
        AppointmentFactory(
            resource=clinics[n % 2].resources.get(),
            starts_at=now + timedelta(minutes=40 * (n - 2)),
            state=state,
            cancel_reason="patient" if state == "cancelled" else "",
        )
        for n, state in enumerate(
            ["done", "no_show", "proposed", "confirmed", "cancelled"]
        )
    ]
    made.append(
        AppointmentFactory(
            clinic=clinics[0],
            resource=None,
            review=Review.TAKEN,
            starts_at=now + timedelta(hours=1),
        )
    )
    for one in made:
        AppointmentEvent.objects.create(
            appointment=one,
            kind="moved",
            at=now,
            text="Nota",
            changes={"resource": ["A", "B"]},
        )
    return made


def test_the_calendar_in_all_its_views(marta, faults):
    assert faults(CALENDAR) == {}

    a_week()

    views = [f"{CALENDAR}?view={view}" for view in ("week", "day", "list")]
    assert faults(*views, f"{CALENDAR}?unconfirmed=1") == {}
    assert faults(f"{CALENDAR}?on=2040-01-01", f"{CALENDAR}?on=x&y=1") == {}


def test_an_appointment_in_each_state(marta, faults):
    pages = [reverse("calls:appointment", args=[one.pk]) for one in a_week()]

    assert faults(*pages) == {}


def test_an_appointment_open_over_the_calendar(marta, faults, page):
    a_week()
    faults(f"{CALENDAR}?view=list&state=confirmed")
    page.locator(".booked__who a").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    for summary in page.get_by_role("dialog").locator("summary").all():
        summary.click()

    assert faults_in_every_look(page) == []


def test_a_new_one_and_its_refusals(marta, faults, page):
    a_week()
    lead = LeadFactory(first_name="Begoña")
    new = reverse("calls:new_appointment")

    assert faults(new, f"{new}?q=bego", f"{new}?q=zzz", f"{new}?lead={lead.pk}") == {}
    page.get_by_role("button", name="Guardar la cita").click()
    expect(page.locator(".wrong").first).to_be_visible()
    assert faults_in_every_look(page) == []


def test_for_somebody_who_may_only_look(marta, faults):
    made = a_week()
    view = Permission.objects.filter(codename__in=["view_appointment", "view_lead"])
    User.objects.filter(pk=marta.pk).update(is_superuser=False)
    marta.user_permissions.set(view)

    assert faults(CALENDAR, reverse("calls:appointment", args=[made[2].pk])) == {}


def test_a_lead_with_appointments(marta, faults):
    campaign = CampaignFactory()
    one = a_week()[2]

    assert (
        faults(
            f"{reverse('calls:manager')}?campaign={campaign.pk}&lead={one.lead_id}",
            reverse("admin:leads_lead_change", args=[one.lead_id]),
        )
        == {}
    )


def test_clinics_in_the_admin(marta, faults):
    clinic = ClinicFactory()
    page = reverse("admin:calls_clinic_calendar", args=[clinic.pk])
    assert faults(page) == {}

    calendar_feed.renew(clinic)

    assert (
        faults(
            page,
            reverse("admin:calls_clinic_changelist"),
            reverse("admin:calls_clinic_add"),
            reverse("admin:calls_clinic_change", args=[clinic.pk]),
        )
        == {}
    )
