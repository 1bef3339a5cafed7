"""What is done to one lead on its page: called, promised a call, settled, merged."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from calls.models import RunState
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from leads.models import CallStatus, Lead, Suppression
from leads.notes import add_note
from leads.tests.admin_pages import HTMX, IDLE, change_url, do, said, staff
from leads.tests.factories import LeadFactory, SuppressionFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

OFFICE = {day: [["09:00", "21:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def kinds(lead: Lead) -> list[str]:
    return list(lead.events.order_by("id").values_list("kind", flat=True))


def next_weekday(day: int, *, weeks: int = 1) -> datetime:
    """A day after the current week, so that it is in the future."""
    today = timezone.localdate()
    ahead = (day - today.weekday()) % 7 + 7 * weeks
    return datetime(today.year, today.month, today.day) + timedelta(days=ahead)


# --- Call now -----------------------------------------------------------------------


def test_call_now_puts_it_first_and_says_what_happens_next(staff):
    RunFactory()
    lead = LeadFactory(**IDLE)

    answer = do(staff, lead, "call_now", headers=HTMX)

    assert (lead.call_now, lead.selected_for_calling) == (True, True)
    assert "en cuanto haya línea libre" in answer.content.decode()
    assert kinds(lead) == ["call_now"]


def test_call_now_of_a_stopped_campaign_says_that_it_must_be_started(staff):
    CampaignFactory(state=RunState.STOPPED)
    lead = LeadFactory(**IDLE)

    answer = do(staff, lead, "call_now")

    assert lead.call_now
    assert "pulse Iniciar" in said(answer)


def test_call_now_asks_for_the_campaign_when_the_lead_has_none(staff):
    CampaignFactory()
    CampaignFactory(outbound_id="6" * 24, name="Otra")
    lead = LeadFactory(pearl_outbound_id=None, **IDLE)
    page = staff.get(change_url(lead)).content.decode()

    refused = do(staff, lead, "call_now")
    assert not lead.call_now
    do(staff, lead, "call_now", campaign="6" * 24)

    assert 'id="now_campaign"' in page
    assert said(refused) == "Elija la campaña."
    assert (lead.call_now, lead.pearl_outbound_id) == (True, "6" * 24)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"phone": "61", "phone_e164": ""}, "sin número válido"),
        ({"manual_management": True}, "en gestión manual"),
        ({"consent": "unknown"}, "sin consentimiento"),
        ({"time_zone": ""}, "sin huso horario conocido"),
    ],
)
def test_call_now_says_which_rule_forbids_it(staff, values, why):
    CampaignFactory()
    lead = LeadFactory(**(IDLE | values))
    page = staff.get(change_url(lead)).content.decode()

    answer = do(staff, lead, "call_now")

    assert f"No se puede llamar: {why}." in page
    assert 'id="call_now"' not in page
    assert said(answer) == f"No se puede llamar: {why}."
    assert not lead.call_now


def test_call_now_of_an_excluded_number_is_refused(staff):
    CampaignFactory()
    lead = LeadFactory(phone_e164="+34612034118", **IDLE)
    SuppressionFactory(phone_e164="+34612034118")

    answer = do(staff, lead, "call_now")

    assert "en la lista de exclusión" in said(answer)
    assert not lead.call_now


def test_call_now_during_a_call_is_refused(staff):
    attempt = AttemptFactory()

    answer = do(staff, attempt.lead, "call_now")

    assert "con una llamada en curso" in said(answer)
    assert not attempt.lead.call_now


def test_without_any_campaign_the_page_says_so(staff):
    lead = LeadFactory()

    html = staff.get(change_url(lead)).content.decode()

    assert "no hay campañas que puedan llamar" in html


# --- Callbacks ----------------------------------------------------------------------


def promise(staff, lead: Lead, at: datetime, **values):
    return do(
        staff, lead, "promise", day=f"{at:%Y-%m-%d}", hour=f"{at:%H:%M}", **values
    )


def test_a_call_is_promised_on_the_clock_of_the_lead(staff):
    CampaignFactory(always_open=False, weekly_hours=OFFICE, on_holidays=True)
    lead = LeadFactory(
        time_zone="Atlantic/Canary", community="CN", postal_code="35010", **IDLE
    )
    tuesday = next_weekday(1).replace(hour=10)
    page = staff.get(change_url(lead)).content.decode()

    answer = promise(staff, lead, tuesday)

    assert "Hora de Canarias" in page
    assert said(answer) == "Rellamada prometida."
    here = lead.callback_at.astimezone(timezone.get_default_timezone())
    assert (here.day, here.hour) == (tuesday.day, 11)
    assert (lead.selected_for_calling, lead.disposition) == (True, "call_back")
    assert "allí son las 10:00" in answer.content.decode()
    assert kinds(lead) == ["callback"]


def test_a_promise_outside_the_hours_names_the_next_opening(staff):
    CampaignFactory(always_open=False, weekly_hours=OFFICE, on_holidays=True)
    lead = LeadFactory(**IDLE)
    sunday = next_weekday(6).replace(hour=10)
    monday = sunday + timedelta(days=1)

    answer = promise(staff, lead, sunday)

    assert "Ese día de la semana no se llama." in said(answer)
    assert f"{monday:%d/%m/%Y} 09:00" in said(answer)
    assert lead.callback_at is None


def test_a_promise_in_the_past_is_refused(staff):
    CampaignFactory()
    lead = LeadFactory(**IDLE)

    answer = promise(staff, lead, datetime.now() - timedelta(days=2))

    assert said(answer) == "Esa hora ya pasó: elija una futura."
    assert lead.callback_at is None


@pytest.mark.parametrize(
    ("day", "hour"), [("", ""), ("2026-02-30", "10:00"), ("mañana", "10"), ("0", "x")]
)
def test_a_day_that_is_none_is_refused(staff, day, hour):
    CampaignFactory()
    lead = LeadFactory(**IDLE)

    answer = do(staff, lead, "promise", day=day, hour=hour, headers=HTMX)

    assert 'class="wrong"' in answer.content.decode()
    assert lead.callback_at is None


def test_a_promise_can_be_changed_and_taken_back(staff):
    CampaignFactory()
    lead = LeadFactory(**IDLE)
    promise(staff, lead, next_weekday(1).replace(hour=10))
    promise(staff, lead, next_weekday(2).replace(hour=12))
    assert lead.callback_at.astimezone(timezone.get_default_timezone()).hour == 12

    answer = do(staff, lead, "drop_promise")

    assert said(answer) == "Rellamada anulada: el lead sale de la cola."
    assert (lead.callback_at, lead.selected_for_calling) == (None, False)
    assert kinds(lead) == ["callback", "callback", "callback_dropped"]


def test_a_missed_promise_raises_an_alarm_on_the_page(staff):
    CampaignFactory()
    lead = LeadFactory(callback_at=timezone.now() - timedelta(hours=2))

    html = staff.get(change_url(lead)).content.decode()

    assert "Rellamada prometida sin hacer: " in html


def test_a_call_in_course_forbids_no_promise(staff):
    attempt = AttemptFactory()

    promise(staff, attempt.lead, next_weekday(1).replace(hour=10))

    assert attempt.lead.callback_at is not None
    assert attempt.lead.call_status == CallStatus.CALLING


# --- Results ------------------------------------------------------------------------


def test_an_appointment_takes_the_lead_off_the_queue(staff):
    CampaignFactory()
    lead = LeadFactory()

    do(staff, lead, "dispose", disposition="appointment")

    assert (lead.disposition, lead.selected_for_calling) == ("appointment", False)
    assert "Cita" in staff.get(change_url(lead)).content.decode()


def test_no_interest_asks_why(staff):
    CampaignFactory()
    lead = LeadFactory()

    refused = do(staff, lead, "dispose", disposition="not_interested")
    assert lead.disposition == ""
    do(staff, lead, "dispose", disposition="not_interested", reason="price")

    assert said(refused) == "Elija el motivo."
    assert (lead.disposition, lead.disposition_reason) == ("not_interested", "price")


def test_to_call_back_is_to_promise(staff):
    CampaignFactory()
    lead = LeadFactory(**IDLE)
    tuesday = next_weekday(1).replace(hour=10)

    without = do(staff, lead, "dispose", disposition="call_back", headers=HTMX)
    assert lead.callback_at is None
    do(
        staff,
        lead,
        "dispose",
        disposition="call_back",
        day=f"{tuesday:%Y-%m-%d}",
        hour="10:00",
    )

    assert 'class="wrong"' in without.content.decode()
    assert lead.callback_at is not None


@pytest.mark.parametrize("headers", [None, HTMX])
def test_never_again_is_asked_twice_and_excludes_the_number(staff, headers):
    CampaignFactory()
    lead = LeadFactory(phone_e164="+34612034118")
    LeadFactory(phone_e164="+34612034118")

    asked = do(staff, lead, "dispose", disposition="do_not_call", headers=headers)
    assert (lead.disposition, lead.selected_for_calling) == ("", True)
    assert "612 034 118" in asked.content.decode()
    assert "Otro lead tiene ese número" in asked.content.decode()
    do(staff, lead, "dispose", disposition="do_not_call", confirmed="on")

    assert (lead.disposition, lead.selected_for_calling) == ("do_not_call", False)
    entry = Suppression.objects.get()
    assert (entry.phone_e164, entry.list) == ("+34612034118", "request")


# --- Merging ------------------------------------------------------------------------


def test_the_page_offers_its_duplicates_and_joins_them(staff):
    CampaignFactory()
    lead = LeadFactory(phone_e164="+34612034118", city="Madrid")
    other = LeadFactory(phone_e164="+34612034118", city="Getafe", **IDLE)
    where = reverse("admin:leads_lead_merge", args=[lead.pk, other.pk])
    html = staff.get(change_url(lead)).content.decode()
    page = staff.get(where)

    answer = staff.post(
        where, {"seen": page.context["seen"], "city": "other"}, follow=True
    )

    lead.refresh_from_db()
    assert "Duplicados posibles" in html
    assert where in html
    assert "Getafe" in page.content.decode()
    assert (lead.city, Lead.objects.count()) == ("Getafe", 1)
    assert said(answer).startswith("Unidos")
    assert "Duplicado unido" in answer.content.decode()


def test_a_merge_that_is_refused_says_why_and_shows_both_again(staff):
    CampaignFactory()
    lead = LeadFactory(phone_e164="+34612034118")
    other = LeadFactory(phone_e164="+34612034118", **IDLE)
    where = reverse("admin:leads_lead_merge", args=[lead.pk, other.pk])

    answer = staff.post(where, {"seen": "de antes"})

    assert "ha cambiado desde que se abrió" in answer.content.decode()
    assert Lead.objects.count() == 2


# --- Who may ------------------------------------------------------------------------


@pytest.fixture
def reader(client):
    user = User.objects.create_user("lector", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    "what", ["note", "call_now", "promise", "drop_promise", "dispose"]
)
def test_who_may_only_look_can_do_nothing(reader, what):
    lead = LeadFactory()

    answer = do(reader, lead, what, text="x", disposition="appointment")

    assert answer.status_code == 403
    assert not lead.events.exists()


def test_who_may_only_look_sees_the_history_without_calls_or_forms(reader):
    attempt = AttemptFactory()
    add_note(attempt.lead.pk, text="Una nota", by=None, now=timezone.now())

    html = reader.get(change_url(attempt.lead)).content.decode()
    html = html.partition('id="content"')[2]

    assert "Una nota" in html
    assert "<form class" not in html
    assert "Ver la llamada" not in html


def test_merging_needs_its_own_permission(reader):
    User.objects.get().user_permissions.add(
        Permission.objects.get(codename="change_lead")
    )
    lead, other = LeadFactory.create_batch(2, phone_e164="+34612034118")
    where = reverse("admin:leads_lead_merge", args=[lead.pk, other.pk])

    page = reader.get(change_url(lead)).content.decode()
    answer = reader.post(where, {"seen": ""})

    assert where not in page
    assert answer.status_code == 403
    assert Lead.objects.count() == 2


def test_a_get_changes_nothing(staff):
    lead = LeadFactory(callback_at=timezone.now())

    for what in ("note", "call_now", "promise", "drop_promise", "dispose"):
        staff.get(reverse(f"admin:leads_lead_{what}", args=[lead.pk]))

    assert not lead.events.exists()


def test_a_lead_that_is_gone_is_not_found(staff):
    where = reverse("admin:leads_lead_note", args=[999])

    assert staff.post(where, {"text": "x"}).status_code == 404
