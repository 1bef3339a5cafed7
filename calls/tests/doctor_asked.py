"""What the doctor says, in a test's own transaction or as the command, and a campaign
that is well."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from calls.doctor import Examination
from calls.journal import DialJournal
from calls.management.commands import doctor
from calls.models import (
    Campaign,
    PearlAccount,
    PearlEvent,
    Worker,
)
from calls.tests.factories import RunFactory
from calls.tests.names import ACCOUNT_ID
from leads.models import Lead
from leads.tests.factories import LeadFactory


def examine() -> tuple[str, int, str]:
    """The first line, the exit code, and all that is said; of nobody in particular."""
    with doctor.pearl_client() as pearl:
        examination = Examination(pearl=pearl, journal=DialJournal.from_settings())
        examination.run(now=timezone.now())
    report = examination.report()
    lines = doctor.as_lines(report)
    assert_names_nobody("\n".join(lines))
    return lines[0], report.level.exit_code, "\n".join(lines)


def run_command(*options: str) -> tuple[str, int, str]:
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit as exc:
        code = int(exc.code or 0)
    text = out.getvalue()
    assert_names_nobody(text)
    return text.splitlines()[0], code, text


def assert_names_nobody(text: str) -> None:
    for lead in Lead.objects.all():
        assert lead.phone_e164 not in text
        assert lead.first_name not in text


@pytest.fixture
def worker():
    now = timezone.now()
    return Worker.objects.create(
        identity="host/1/a", started_at=now, heartbeat_at=now, serving=True
    )


@pytest.fixture
def well(worker) -> Campaign:
    """A campaign that runs and has somebody to call; Pearl was asked just now."""
    now = timezone.now()
    PearlAccount.objects.create(
        account_id=ACCOUNT_ID, credit_balance=500, total_agents=9, checked_at=now
    )
    campaign = RunFactory().campaign
    Campaign.objects.update(pearl_agents=9, pearl_status=1, checked_at=now)
    campaign.refresh_from_db()
    LeadFactory()
    return campaign


def ago(**span: float):
    return timezone.now() - timedelta(**span)


def event(**changes) -> None:
    facts = {"sha256": "a" * 64, "body": "{}", "received_at": ago(minutes=7)}
    PearlEvent.objects.create(**{**facts, **changes})
