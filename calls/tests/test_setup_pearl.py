"""The command that says what to paste in Pearl, against the simulator's settings."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.urls import reverse

from calls.pearl.campaigns import read_outbound_settings
from calls.tests.factories import CampaignFactory
from leads.tests.factories import OUTBOUND_ID

TOKEN = "t" * 40
SITE = "https://llamadas.example"

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(settings):
    settings.PUBLIC_URL = SITE
    settings.PEARL_WEBHOOK_TOKEN = TOKEN
    return CampaignFactory()


def set_up(*options: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("setup_pearl", *options, stdout=out)
    except SystemExit as exc:
        return out.getvalue(), exc.code
    return out.getvalue(), 0


def url() -> str:
    return SITE + reverse("pearl_webhook", args=[TOKEN])


def test_it_says_what_to_paste_and_what_nobody_can_verify(simulator, campaign):
    said, code = set_up()

    assert f"Call webhook URL   {url()}" in said
    assert "ttAttemptId" in said
    # Made in Pearl's web: of such a one the API tells no variables.
    assert "? Que la variable ttAttemptId está declarada" in said
    assert "? La versión de los avisos" in said
    assert "? Los avisos de llamada" in said  # not set there yet
    assert code == 0


def test_it_sees_where_pearls_webhooks_go(simulator, campaign):
    hooks = {"callWebhookUrl": "http://127.0.0.1:1/otra"}
    simulator.set(campaigns={OUTBOUND_ID: hooks})

    said, _code = set_up()

    assert "! Los avisos de llamada (Call webhook) van a otra dirección" in said
    assert "127.0.0.1:1" not in said


def test_a_campaign_made_by_api_shows_that_it_has_our_variable(simulator, campaign):
    declared = [{"id": "firstName"}, {"id": "ttAttemptId"}]
    simulator.set(campaigns={OUTBOUND_ID: {"variables": declared}})

    said, code = set_up("--campaign", campaign.name)

    assert "✓ La variable ttAttemptId está declarada." in said
    assert code == 0


def test_a_campaign_without_our_variable_is_not_well(simulator, campaign):
    simulator.set(campaigns={OUTBOUND_ID: {"variables": [{"id": "firstName"}]}})

    said, code = set_up("--campaign", campaign.name)

    assert "✗ Falta la variable ttAttemptId" in said
    assert code == 1


def test_what_is_missing_here_is_said_with_a_fresh_token(simulator, campaign, settings):
    settings.PUBLIC_URL = settings.PEARL_WEBHOOK_TOKEN = ""

    said, _code = set_up()

    assert "Falta PUBLIC_URL" in said
    line = next(line for line in said.splitlines() if "PEARL_WEBHOOK_TOKEN=" in line)
    assert len(line.split("=")[1]) >= 32


def test_a_pearl_that_does_not_answer_is_said(campaign, settings):
    settings.PEARL_API_URL = "http://127.0.0.1:1"

    said, code = set_up()

    assert "✗" in said
    assert code == 1


@pytest.mark.parametrize("told", [None, [], {}, [{"name": "x"}], "ttAttemptId"])
def test_variables_that_are_not_told_are_not_known_to_be_missing(told):
    assert read_outbound_settings({"variables": told}).variables is None
