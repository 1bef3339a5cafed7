"""Known viewers cost no question, and lose their rights as soon as anybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls import counts, viewers
from calls.models import Campaign
from calls.viewers import Rights, Viewers
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

VIEW = "calls.view_campaign"


@pytest.fixture
def marta() -> User:
    user = User.objects.create_user("marta")
    user.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    return user


@pytest.fixture
def session(client, marta) -> str:
    client.force_login(marta)
    key: str = client.session.session_key
    return key


@pytest.fixture
def known(marta, session):
    """The viewers of a process, of whom one has her screen open."""
    made = Viewers()
    with made.looking(session, Rights.of(marta)):
        yield made


def rights_after_asking(known: Viewers, session: str) -> Rights | None:
    later = timezone.now() + timedelta(seconds=6)
    known.ask_now_and_then(now=later)
    return known.rights_of(session, now=later)


def test_who_is_known_stays_so_while_nothing_is_taken_away(known, session):
    rights = rights_after_asking(known, session)

    assert rights is not None
    assert rights.names == {VIEW}


def test_a_right_of_a_group_is_a_right(known, marta, session):
    group = Group.objects.create(name="leen")
    group.permissions.add(Permission.objects.get(codename="view_lead"))
    marta.groups.add(group)

    rights = rights_after_asking(known, session)

    assert rights == Rights.of(User.objects.get())
    assert rights.may_see_leads


@pytest.mark.parametrize(
    "end",
    [
        lambda: Session.objects.all().delete(),
        lambda: Session.objects.update(expire_date=timezone.now()),
        lambda: User.objects.update(is_active=False),
        lambda: change_password(User.objects.get()),
        lambda: User.objects.all().delete(),
    ],
    ids=["logout", "expiry", "account closed", "new password", "account deleted"],
)
def test_what_ends_a_session_ends_what_is_known_of_it(known, session, end):
    end()

    assert rights_after_asking(known, session) is None


def change_password(user: User) -> None:
    user.set_password("otra-clave-de-prueba")
    user.save()


def test_a_right_that_is_taken_away_is_gone(known, marta, session):
    marta.user_permissions.clear()

    rights = rights_after_asking(known, session)

    assert rights is not None
    assert not rights.may_view


def test_nobody_is_trusted_who_was_not_asked_about_for_long(known, session):
    now = timezone.now()

    assert known.rights_of(session, now=now) is not None
    assert known.rights_of(session, now=now + timedelta(seconds=11)) is None


def test_who_closes_the_last_screen_is_forgotten(marta):
    known = Viewers()
    with known.looking("s", Rights.of(marta)):
        with known.looking("s", Rights.of(marta)):
            pass
        assert known.rights_of("s", now=timezone.now()) is not None
    assert known.known == {}


def test_asking_costs_the_same_for_many(client, django_assert_num_queries):
    known = Viewers()
    rights = Rights.of(User.objects.create_user("nadie"))
    looking = []
    for n in range(9):
        one = Client()
        one.force_login(User.objects.create_user(f"u{n}"))
        looking.append(known.looking(one.session.session_key, rights))
        looking[-1].__enter__()

    with django_assert_num_queries(4):
        known.ask_now_and_then(now=timezone.now() + timedelta(seconds=6))

    assert len(known.known) == 9


# --- What is redrawn all the time ---------------------------------------------------


def test_a_known_viewer_of_a_fresh_board_costs_no_query(
    client, campaign, marta, session, django_assert_num_queries
):
    url = reverse("calls:board", args=[campaign.pk])
    with viewers.viewers.looking(session, Rights.of(marta)):
        first = client.get(url, HTTP_HX_REQUEST="true")

        with django_assert_num_queries(0):
            again = client.get(url, HTTP_HX_REQUEST="true")

    assert again.content == first.content


def test_who_logs_out_is_known_no_more_at_once(client, campaign, marta, session):
    url = reverse("calls:board", args=[campaign.pk])
    with viewers.viewers.looking(session, Rights.of(marta)):
        client.post(reverse("logout"))

        old = Client()
        old.cookies["sessionid"] = session
        answer = old.get(url)

    assert answer.status_code == 302


def test_rights_are_asked_of_each_and_not_of_the_first(client, campaign, session):
    """What one may see is not drawn for another."""
    url = reverse("calls:board", args=[campaign.pk])
    boss = Client()
    boss.force_login(User.objects.create_superuser("jefa"))

    for one, may_run in ((boss, True), (client, False)):
        html = one.get(url, HTTP_HX_REQUEST="true").content.decode()
        assert ("Comprobar Pearl" in html) == may_run


def test_the_first_sight_of_a_million_leads_does_not_wait_for_their_count(
    client, campaign, session, monkeypatch
):
    cache.clear()
    LeadFactory.create_batch(3)
    monkeypatch.setattr(counts, "AT_ONCE_AT_MOST", 2)

    html = client.get(reverse("calls:manager")).content.decode()

    assert "Contando los leads…" in html
    assert "stat-selected" not in html
    assert counts.count(Campaign.objects.get(), now=timezone.now()).total == 3
