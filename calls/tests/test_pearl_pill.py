"""What the header says of Pearl."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from calls.budget import FAILURES_TO_OPEN
from calls.models import PearlAccount
from calls.pearl_pill import pearl_pill

pytestmark = pytest.mark.django_db
NOW = timezone.datetime.fromisoformat("2026-11-27T10:00:00+01:00")
CHECKED = {"checked_at": NOW, "credit_balance": 812.6}
LATER = NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("facts", "kind", "said"),
    [
        ({}, "unknown", "Pearl: sin comprobar"),
        (CHECKED, "ok", "Pearl conectado · 812 créditos"),
        (CHECKED | {"credit_balance": None}, "ok", "Pearl conectado"),
        (
            CHECKED | {"credit_balance": 12345},
            "ok",
            "Pearl conectado · 12.345 créditos",
        ),
        (CHECKED | {"credit_balance": 1.2}, "ok", "Pearl conectado · 1 crédito"),
        (CHECKED | {"problem": "No."}, "problem", "Pearl: no se puede llamar"),
        (CHECKED | {"failures": FAILURES_TO_OPEN}, "problem", "Pearl no responde"),
        (
            CHECKED | {"blocked_until": LATER},
            "waits",
            "Pearl pide esperar · hasta las 10:01:30",
        ),
        (CHECKED | {"blocked_until": NOW}, "ok", "Pearl conectado · 812 créditos"),
    ],
)
def test_it_says_how_pearl_is(facts, kind, said):
    PearlAccount.objects.create(account_id=settings.PEARL_ACCOUNT_ID, **facts)

    pill = pearl_pill(now=NOW)

    assert pill.kind == kind
    assert " · ".join(filter(None, [pill.text, pill.detail])) == said


def test_an_account_never_seen_is_not_made_by_looking():
    assert pearl_pill(now=NOW).kind == "unknown"
    assert not PearlAccount.objects.exists()


def test_the_fragment_is_the_pill_alone(client, admin_user):
    assert client.get("/pearl").status_code == 302

    client.force_login(admin_user)
    html = client.get("/pearl").content.decode()

    assert html.strip().startswith('<a id="pearl-pill"')
    assert html.strip().endswith("</a>")


def test_a_problem_shows_in_every_header(client, admin_user):
    PearlAccount.objects.create(account_id=settings.PEARL_ACCOUNT_ID, problem="No.")
    client.force_login(admin_user)

    for path in ("/", "/admin/", "/nada"):
        html = client.get(path).content.decode()
        assert "pill--problem" in html
        assert "Pearl: no se puede llamar" in html
    cache.clear()


def test_it_is_one_query_and_then_none(django_assert_num_queries):
    with django_assert_num_queries(1):
        pearl_pill(now=NOW)

    with django_assert_num_queries(0):
        pearl_pill(now=NOW)
