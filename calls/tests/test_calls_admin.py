"""Campaigns and attempts in the admin: settings that hold, history that stays."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calls.models import (
    CallAttempt,
    Campaign,
    PearlAccount,
    PearlEvent,
    Run,
    RunState,
    Worker,
)
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from leads.models import CallStatus, Lead
from leads.tests.admin_pages import errors, said, staff
from leads.tests.factories import LeadFactory

__all__ = ["staff"]

ATTEMPTS = reverse("admin:calls_callattempt_changelist")

pytestmark = pytest.mark.django_db


def campaign_url(campaign: Campaign) -> str:
    return reverse("admin:calls_campaign_change", args=[campaign.pk])


def campaign_data(page) -> dict[str, str]:
    form = page.context["adminform"].form
    data = {}
    for name in form.fields:
        shown = form[name].value()
        if shown is True or shown is False:
            data |= {f"initial-{name}": str(shown)} | ({name: "on"} if shown else {})
        else:
            text = "" if shown is None else str(shown)
            data |= {name: text, f"initial-{name}": text}
    return data


def save(staff, campaign: Campaign, **changes: str):
    data = campaign_data(staff.get(campaign_url(campaign)))
    answer = staff.post(campaign_url(campaign), data | changes, follow=True)
    campaign.refresh_from_db()
    return answer


def manual_attempt(**changes) -> CallAttempt:
    lead = LeadFactory(
        call_status=CallStatus.ERROR, selected_for_calling=False, next_call_at=None
    )
    return AttemptFactory(state=State.MANUAL, lead=lead, **changes)


def settle(staff, action: str, *attempts: CallAttempt, reason: str = "Lo dijo ella"):
    chosen = [attempt.pk for attempt in attempts]
    data = {"action": action, "_selected_action": chosen, "reason": reason}
    return staff.post(ATTEMPTS, data, follow=True)


# --- Leads with calls -----------------------------------------------------------------


def test_a_lead_shows_its_calls(staff):
    attempt = AttemptFactory(summary="Quiere cita el jueves")

    page = staff.get(reverse("admin:leads_lead_change", args=[attempt.lead_id]))

    assert "Quiere cita el jueves" in page.content.decode()


def test_a_lead_with_calls_is_not_deleted_and_the_page_says_why(staff):
    lead = AttemptFactory().lead
    url = reverse("admin:leads_lead_delete", args=[lead.pk])

    page = staff.get(url).content.decode()
    staff.post(url, {"post": "yes"})

    assert "Un lead con llamadas no se borra" in page
    assert Lead.objects.filter(pk=lead.pk).exists()


# --- Campaigns ------------------------------------------------------------------------


def test_saving_a_campaign_leaves_its_switch_as_start_and_stop_left_it(staff):
    campaign = CampaignFactory()
    data = campaign_data(staff.get(campaign_url(campaign)))
    Campaign.objects.update(state=RunState.RUNNING, generation=7, pearl_agents=2)

    staff.post(campaign_url(campaign), data | {"max_concurrent_calls": "9"})

    campaign.refresh_from_db()
    assert campaign.max_concurrent_calls == 9
    assert (campaign.state, campaign.generation) == (RunState.RUNNING, 7)
    assert campaign.pearl_agents == 2


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ('{"lunes": [["09:00", "14:00"]]}', "día desconocido"),
        ('{"mon": [["14:00", "09:00"]]}', "termina antes de empezar"),
        ('{"mon": [["9", "14:00"]]}', "escriba las horas como 09:00"),
        ("[1]", "no se entiende"),
        ("{", "JSON"),
        ("{}", "no se llamaría nunca"),
        ("", "no se llamaría nunca"),
    ],
)
def test_hours_that_cannot_be_are_refused_in_words(staff, hours, words):
    campaign = CampaignFactory(always_open=False)
    before = campaign.weekly_hours

    answer = save(staff, campaign, weekly_hours=hours)

    assert words in errors(answer)
    assert campaign.weekly_hours == before


def test_good_hours_are_kept(staff):
    campaign = CampaignFactory(always_open=False)
    hours = {"tue": [["09:00", "14:00"], ["16:00", "20:30"]]}

    save(staff, campaign, weekly_hours=json.dumps(hours))

    assert campaign.weekly_hours == hours
    assert campaign.window


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ('{"ocupado": [60]}', "Resultado desconocido: ocupado"),
        ('{"busy": 60}', "minutos enteros"),
        ('{"busy": [0]}', "minutos enteros"),
        ('{"busy": ["60"]}', "minutos enteros"),
        ('{"busy": [true]}', "minutos enteros"),
        ("[60]", "minutos por resultado"),
    ],
)
def test_retries_that_cannot_be_are_refused_in_words(staff, rules, words):
    answer = save(staff, CampaignFactory(), retry_minutes=rules)

    assert words in errors(answer)


def test_no_retries_at_all_are_a_rule_too(staff):
    campaign = CampaignFactory()

    save(staff, campaign, retry_minutes="")

    assert campaign.retry_minutes == {}


@pytest.mark.parametrize(
    "change", [{"max_concurrent_calls": "0"}, {"max_attempts": "0"}]
)
def test_limits_below_one_are_refused(staff, change):
    assert errors(save(staff, CampaignFactory(), **change))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("min_gap_minutes", "2000000000"),
        ("max_attempts", "51"),
        ("max_per_day", "21"),
        ("close_margin_seconds", "3601"),
        ("outbound_id", "66f0a1b2c3d4e5f60102030"),
        ("outbound_id", "la campaña de otoño"),
        ("pearl_id", "../../etc"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(staff, name, typed):
    campaign = CampaignFactory()

    assert errors(save(staff, campaign, **{name: typed}))
    before = str(getattr(campaign, name))
    assert str(getattr(Campaign.objects.get(), name)) == before


def test_the_id_in_pearl_stays_once_leads_hang_from_it(staff):
    campaign = CampaignFactory()
    fields = staff.get(campaign_url(campaign)).context["adminform"].form.fields
    assert "outbound_id" in fields
    LeadFactory()

    fields = staff.get(campaign_url(campaign)).context["adminform"].form.fields

    assert "outbound_id" not in fields


def test_a_campaign_is_added_with_the_ordinary_rules(staff):
    url = reverse("admin:calls_campaign_add")
    data = campaign_data(staff.get(url))

    staff.post(url, data | {"name": "Nueva", "outbound_id": "a" * 24})

    campaign = Campaign.objects.get()
    assert campaign.state == RunState.STOPPED
    assert campaign.requires_consent


def test_a_campaign_with_calls_is_not_deleted(staff):
    campaign = RunFactory().campaign
    url = reverse("admin:calls_campaign_delete", args=[campaign.pk])

    page = staff.get(url).content.decode()
    staff.post(url, {"post": "yes"})

    assert "no se borra" in page
    assert Campaign.objects.exists()


# --- Attempts -------------------------------------------------------------------------


def test_the_list_of_attempts_takes_as_many_queries_for_many_as_for_one(staff):
    run = RunFactory()
    AttemptFactory(run=run)
    staff.get(ATTEMPTS)
    with CaptureQueriesContext(connection) as few:
        staff.get(ATTEMPTS)
    AttemptFactory.create_batch(20, run=run)

    with CaptureQueriesContext(connection) as many:
        staff.get(ATTEMPTS)

    assert len(many) == len(few)


def test_an_attempt_is_found_by_its_number_and_shows_what_was_said(staff):
    attempt = AttemptFactory(
        transcript=[{"role": "agent", "text": "¿Hablo con <Pilar>?"}]
    )
    AttemptFactory(run=attempt.run)
    written = attempt.phone.removeprefix("+34")
    spaced = f"{written[:3]} {written[3:6]} {written[6:]}"

    found = staff.get(ATTEMPTS, {"q": spaced}).context["cl"].result_list
    by_token = staff.get(ATTEMPTS, {"q": str(attempt.token)}).context["cl"].result_list
    url = reverse("admin:calls_callattempt_change", args=[attempt.pk])

    assert [one.pk for one in found] == [attempt.pk]
    assert [one.pk for one in by_token] == [attempt.pk]
    assert "agent: ¿Hablo con &lt;Pilar&gt;?" in staff.get(url).content.decode()


def test_a_person_settles_that_it_rang(staff):
    attempt = manual_attempt()

    answer = settle(staff, "it_rang", attempt)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ENDED, Outcome.NO_ANSWER)
    assert attempt.error == "sí sonó: Lo dijo ella (admin)"
    assert attempt.lead.call_status == CallStatus.NO_ANSWER
    assert "1 fila cambiada." in said(answer)
    assert LogEntry.objects.get().get_change_message() == attempt.error


def test_a_person_settles_that_it_did_not_ring(staff):
    attempt = manual_attempt()

    settle(staff, "it_did_not_ring", attempt)

    attempt.refresh_from_db()
    assert attempt.state == State.NOT_PLACED
    assert attempt.open_phone is None


def test_nothing_is_settled_without_a_reason(staff):
    attempt = manual_attempt()

    answer = settle(staff, "it_rang", attempt, reason="  ")

    attempt.refresh_from_db()
    assert attempt.state == State.MANUAL
    assert "Escriba el motivo" in said(answer)


def test_only_attempts_to_review_are_settled(staff):
    attempt = AttemptFactory()

    answer = settle(staff, "it_rang", attempt)

    attempt.refresh_from_db()
    assert attempt.state == State.ACCEPTED
    assert "1 sin cambio: no estaban por revisar" in said(answer)


def test_who_may_only_look_settles_nothing(client, django_user_model):
    from django.contrib.auth.models import Permission

    viewer = django_user_model.objects.create_user("v", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_callattempt"))
    client.force_login(viewer)
    attempt = manual_attempt()

    settle(client, "it_rang", attempt)

    attempt.refresh_from_db()
    assert attempt.state == State.MANUAL


# --- History stays --------------------------------------------------------------------


@pytest.fixture
def history(db):
    attempt = AttemptFactory()
    now = timezone.now()
    return [
        attempt,
        attempt.run,
        PearlEvent.objects.create(sha256="0", body="{}", received_at=now),
        Worker.objects.create(identity="w", started_at=now, heartbeat_at=now),
        PearlAccount.objects.create(account_id="a", blocked_until=now),
    ]


def test_what_the_system_wrote_is_shown_and_neither_added_changed_nor_deleted(
    staff, history
):
    for row in history:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        change = reverse(f"{name}_change", args=[row.pk])
        delete = reverse(f"{name}_delete", args=[row.pk])

        assert staff.get(reverse(f"{name}_changelist")).status_code == 200
        assert staff.get(change).status_code == 200
        assert staff.post(change, {}).status_code == 403
        assert staff.post(delete, {"post": "yes"}).status_code == 403
        assert staff.get(reverse(f"{name}_add")).status_code == 403
    assert Run.objects.exists()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("collectedvalue", "Nada por revisar."),
        ("pearlevent", "manage.py setup_pearl"),
        ("recording", "Aún no hay grabaciones."),
        ("clinic", "Aún no hay nada aquí."),
        ("recording", "Nada con este filtro."),
    ],
)
def test_an_empty_list_says_what_to_expect(staff, page, words):
    query = "?state__exact=kept" if "filtro" in words else ""
    where = reverse(f"admin:calls_{page}_changelist")

    assert words in staff.get(where + query).content.decode()
