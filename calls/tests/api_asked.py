"""Who asks the API in the tests, and how."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from calls.models import ApiToken, Scope

JSON = "application/json"
ALL = tuple(Scope.values)
ROLES = ("operador", "supervisor", "auditor")


def person(role: str) -> User:
    user, _new = User.objects.get_or_create(username=role)
    user.groups.add(Group.objects.get(name=role))
    return user


def as_person(role: str) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def with_token(role: str, *scopes: str, **columns: Any) -> Client:
    later = timezone.now() + timedelta(days=1)
    token, raw = ApiToken.issue(
        person(role), name="cuadro", scopes=scopes, expires_at=later
    )
    ApiToken.objects.filter(pk=token.pk).update(**columns)
    return Client(headers={"Authorization": f"Bearer {raw}"}, enforce_csrf_checks=True)


def ask(client: Client, method: str, path: str, body: Any = None, **options: Any):
    data = {} if body is None else {"data": json.dumps(body), "content_type": JSON}
    return getattr(client, method)(f"/api/calls/{path}", **data, **options)


def with_every_right() -> Client:
    """Of no role: a test of threads empties the tables, those of the roles too."""
    user = User.objects.create_superuser("todo")
    later = timezone.now() + timedelta(days=1)
    _token, raw = ApiToken.issue(user, name="x", scopes=ALL, expires_at=later)
    return Client(headers={"Authorization": f"Bearer {raw}"}, enforce_csrf_checks=True)
