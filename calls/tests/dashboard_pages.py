"""What tests of the leads of /calls do as a browser would."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from calls.models import Campaign
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_user("marta")
    names = ("run_campaign", "view_campaign", "select_lead", "view_lead")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def url(name: str, campaign: Campaign) -> str:
    return reverse(f"calls:{name}", args=[campaign.pk])


def idle(**changes) -> Lead:
    return LeadFactory(
        selected_for_calling=False,
        call_status=CallStatus.NO_SELECTED,
        next_call_at=None,
        **changes,
    )


def press(client, campaign: Campaign, query: str = "", **sent) -> dict:
    """What the page hears: the toast, and which events."""
    answer = client.post(f"{url('change_leads', campaign)}?{query}", sent, **HTMX)
    assert answer.status_code == 204, answer.content
    return json.loads(answer["HX-Trigger"])


def in_queue() -> set[int]:
    chosen = Lead.objects.filter(selected_for_calling=True)
    return set(chosen.values_list("pk", flat=True))
