"""Today at a glance: what it counts, and that its links count the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.utils import timezone

from calls import counts, home
from calls.models import RunState, Worker
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    user = User.objects.create_superuser("marta", password="x")
    client.force_login(user)
    return user


def ended(run, outcome: Outcome, *, ago: timedelta = timedelta(0), **more):
    return AttemptFactory(
        run=run,
        campaign=run.campaign,
        state=State.ENDED,
        outcome=outcome,
        send_started_at=timezone.now() - ago,
        closed_at=timezone.now() - ago,
        open_lead_id=None,
        open_phone=None,
        **more,
    )


def another_campaign(n: int = 1, **more):
    return CampaignFactory(outbound_id=f"{n:024d}", pearl_id=f"{n:024d}", **more)


def figures(of) -> dict[str, int]:
    return {str(figure.status): figure.count for figure in of.figures}


def test_it_counts_the_calls_that_ended_today(run):
    for outcome in (Outcome.SUCCESS, Outcome.CONVERSATION, Outcome.VOICEMAIL):
        ended(run, outcome)
    ended(run, Outcome.SUCCESS, ago=timedelta(days=1))
    ended(run, Outcome.SUCCESS, is_test=True)
    elsewhere = RunFactory(campaign=another_campaign())
    ended(elsewhere, Outcome.BUSY)

    today = home.today(now=timezone.now(), wait=True)

    assert figures(today) == {
        CallStatus.COMPLETED: 2,
        CallStatus.NO_ANSWER: 1,
        CallStatus.BUSY: 1,
        CallStatus.ERROR: 0,
    }
    by_campaign = {one.campaign.pk: figures(one) for one in today.campaigns}
    assert by_campaign[run.campaign.pk][CallStatus.COMPLETED] == 2
    assert by_campaign[elsewhere.campaign.pk][CallStatus.BUSY] == 1
    assert by_campaign[elsewhere.campaign.pk][CallStatus.COMPLETED] == 0


def test_every_number_leads_to_what_it_counts(client, boss, run):
    for outcome in (Outcome.SUCCESS, Outcome.CONVERSATION, Outcome.BUSY):
        ended(run, outcome)
    ended(run, Outcome.SUCCESS, ago=timedelta(days=1))
    ended(run, Outcome.SUCCESS, is_test=True)
    ended(RunFactory(campaign=another_campaign()), Outcome.SUCCESS)
    now = timezone.now()
    Worker.objects.create(identity="a", started_at=now, heartbeat_at=now)
    old = now - timedelta(hours=1)
    Worker.objects.create(identity="b", started_at=old, heartbeat_at=old)
    LeadFactory(callback_at=now)
    LeadFactory(callback_at=now + timedelta(days=2))

    today = home.today(now=now, wait=True)

    shown = [*today.figures, *(f for one in today.campaigns for f in one.figures)]
    assert len(shown) == 12
    for figure in shown:
        assert client.get(figure.url).context["list"].page.count == figure.count
    assert client.get(today.workers_url).context["cl"].result_count == 1
    assert today.workers == 1
    assert today.callbacks == 1
    listed = client.get("/admin/leads/lead/?callback=today").context["cl"]
    assert listed.result_count == 1


def test_the_running_campaign_is_first_and_the_rest_are_named(client, boss):
    for n in range(home.CAMPAIGNS_SHOWN + 2):
        another_campaign(n, name=f"Campaña {n}")
    CampaignFactory(name="Zeta", state=RunState.RUNNING)

    today = home.today(now=timezone.now(), wait=True)
    html = client.get("/").content.decode()

    assert [one.campaign.name for one in today.campaigns][:2] == ["Zeta", "Campaña 0"]
    assert len(today.campaigns) == home.CAMPAIGNS_SHOWN
    assert [one.name for one in today.further] == [
        "Campaña 5",
        "Campaña 6",
        "Campaña 7",
    ]
    assert "Campaña 7" in html


def test_it_costs_the_same_however_many_leads_and_calls(
    client, boss, run, django_assert_max_num_queries
):
    LeadFactory(callback_at=timezone.now())
    ended(run, Outcome.SUCCESS)
    cache.clear()
    with django_assert_max_num_queries(34) as asked:
        client.get("/")
    few = len(asked)
    LeadFactory.create_batch(30, callback_at=timezone.now())
    for _n in range(20):
        ended(run, Outcome.NO_ANSWER)
    cache.clear()

    with django_assert_max_num_queries(few):
        client.get("/")


def test_a_second_look_asks_for_nothing_but_who_looks(
    client, boss, run, django_assert_num_queries
):
    client.get("/")

    with django_assert_num_queries(2):  # session and user
        client.get("/")


def test_the_first_sight_does_not_wait_for_a_count(client, boss, run, monkeypatch):
    monkeypatch.setattr(counts, "AT_ONCE_AT_MOST", 0)
    LeadFactory(pearl_outbound_id=run.campaign.outbound_id)
    ended(run, Outcome.SUCCESS)

    html = client.get("/").content.decode()

    assert 'hx-trigger="load delay:1s, every 15s"' in html
    assert "…" in html
    monkeypatch.undo()
    assert 'hx-trigger="every 15s"' in client.get("/today").content.decode()


def test_an_empty_house_says_what_to_do_next(client, boss):
    assert "Crear la primera campaña" in client.get("/").content.decode()

    CampaignFactory()
    cache.clear()
    html = client.get("/").content.decode()

    assert "Aún no hay leads" in html
    assert "/admin/leads/leadimport/add/" in html
    assert "La cola está vacía" in html
    LeadFactory()
    cache.clear()
    assert "Aún no hay leads" not in client.get("/").content.decode()


def test_who_is_not_of_the_admin_gets_no_link_into_it(client, run):
    user = User.objects.create_user("ana", password="x")
    user.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    client.force_login(user)
    LeadFactory()
    ended(run, Outcome.SUCCESS)

    html = client.get("/").content.decode()

    assert "/admin/" not in html
    # Who may only look is not offered to start.
    assert "Ver las llamadas" in html
    assert "Iniciar llamadas" not in html


def test_who_has_no_role_sees_nothing_and_reads_why(client, run):
    client.force_login(User.objects.create_user("ana", password="x"))
    ended(run, Outcome.SUCCESS)

    html = client.get("/").content.decode()

    assert "Nadie le ha dado todavía un papel" in html
    assert run.campaign.name not in html
    assert "pearl-pill" not in html
    for fragment in ("/today", "/pearl"):
        assert client.get(fragment).status_code == 403


def test_a_callback_for_today_ends_with_the_day_in_madrid():
    now = timezone.datetime.fromisoformat("2026-11-27T12:00:00+01:00")
    moments = ["2026-11-27T00:00", "2026-11-27T23:59", "2026-11-28T00:00"]
    for moment in moments:
        at = timezone.datetime.fromisoformat(f"{moment}:00+01:00")
        LeadFactory(callback_at=at)
    assert Lead.objects.count() == 3

    assert home.today(now=now, wait=True).callbacks == 2
