"""What a token opens, and how it is made and revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from calls.models import ApiToken, Scope
from calls.tests.api_asked import ALL, as_person, ask, with_token

pytestmark = pytest.mark.django_db


def test_a_token_does_what_its_scopes_and_its_owner_may(campaign):
    reader = with_token("operador", Scope.READ)
    auditor = with_token("auditor", *ALL)

    assert ask(reader, "get", "leads").status_code == 200
    assert ask(reader, "post", "stop", {}).status_code == 403
    assert ask(auditor, "post", "stop", {}).status_code == 200
    assert ask(auditor, "post", "pause", {}).status_code == 403


@pytest.mark.parametrize(
    "columns", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}]
)
def test_a_token_that_ended_opens_nothing(campaign, columns):
    answer = ask(with_token("operador", *ALL, **columns), "get", "status")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_of_somebody_who_left_opens_nothing(campaign):
    client = with_token("operador", *ALL)
    User.objects.update(is_active=False)

    assert ask(client, "get", "status").status_code == 401


def test_a_wrong_token_is_refused_although_there_is_a_session(campaign):
    client = as_person("operador")

    answer = ask(client, "get", "status", headers={"Authorization": "Bearer tt_no"})

    assert answer.status_code == 401


def test_only_the_hash_of_a_token_is_kept_and_its_use_is_noted(campaign):
    client = with_token("operador", *ALL)
    raw = client.defaults["HTTP_AUTHORIZATION"].removeprefix("Bearer ")

    ask(client, "get", "status")

    token = ApiToken.objects.get()
    assert token.last_used_at is not None
    assert raw not in str(list(ApiToken.objects.values()))


def test_a_token_is_made_in_the_admin_seen_once_and_revoked(campaign):
    staff = as_person("operador")
    User.objects.update(is_staff=True)
    url = "/admin/calls/apitoken/"
    form = {"name": "cuadro de mando", "scopes": [Scope.READ], "days": "30"}

    made = staff.post(f"{url}add/", form)

    shown = made.content.decode()
    assert "no-store" in made["Cache-Control"]
    raw = re.search(r"tt_[\w-]{43}", shown)[0]
    client = Client(headers={"Authorization": f"Bearer {raw}"})
    assert ask(client, "get", "status").status_code == 200
    assert raw not in staff.get(url).content.decode()
    token = ApiToken.objects.get()
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
    staff.post(url, {"action": "revoke", "_selected_action": [token.pk]})
    assert ask(client, "get", "status").status_code == 401


def test_each_person_sees_and_revokes_only_their_own_tokens(campaign):
    with_token("auditor", *ALL)
    staff = as_person("operador")
    User.objects.update(is_staff=True)
    token, url = ApiToken.objects.get(), "/admin/calls/apitoken/"

    assert "cuadro" not in staff.get(url).content.decode()
    assert staff.get(f"{url}{token.pk}/change/").status_code == 302
    staff.post(url, {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_list_says_how_each_token_stands(campaign):
    now = timezone.now()
    later = now + timedelta(days=90)
    with_token("operador", *ALL, name="sano", expires_at=later)
    with_token("operador", *ALL, name="acaba", expires_at=now + timedelta(days=2))
    with_token("operador", *ALL, name="viejo", expires_at=now - timedelta(days=2))
    with_token("operador", *ALL, name="fuera", revoked_at=now)
    staff = as_person("operador")
    User.objects.update(is_staff=True)

    page = staff.get("/admin/calls/apitoken/?o=1").content.decode()

    states = re.findall(r"status--token-(\w+)", page)
    assert states == ["soon", "revoked", "valid", "expired"]
    assert "Consultar · Cambiar leads y exclusiones · Iniciar" in page
    assert "/api/docs" in page
    form = staff.get("/admin/calls/apitoken/add/").content.decode()
    assert "_addanother" not in form
    assert "_continue" not in form
