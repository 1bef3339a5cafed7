"""The next leads of the queue, each for one attempt."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from calls import budget
from calls.eligibility import rules_of
from calls.log_context import tell_once_committed
from calls.models import CallAttempt, Campaign, Run, RunState
from calls.queue import SCAN, Wait, free_lines, judge, next_leads, put_off
from calls.states import State
from leads.models import CallStatus, Lead
from leads.verdict import Rule

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one claim brought: attempts to dial, or the reason there are none."""

    attempts: list[CallAttempt]
    wait: Wait = Wait.NOTHING
    postponed: int = 0


@transaction.atomic
def claim(
    campaign_id: int,
    *,
    worker: str,
    at_most: int,
    now: datetime,
    limit: int | None = None,
) -> Claim:
    """Take the next leads of the queue, at most `at_most`, each for one attempt.

    `limit` narrows the campaign's own limit of simultaneous calls.

    The returned attempts are CLAIMED and committed once the transaction ends; nothing
    has been sent. Leads that a rule forbids are put off to when it allows them.
    """
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    run = Run.objects.filter(campaign=gate, generation=gate.generation).last()
    if gate.state != RunState.RUNNING or run is None:
        is_paused = gate.state == RunState.PAUSED
        return Claim(attempts=[], wait=Wait.PAUSED if is_paused else Wait.STOPPED)
    rules = rules_of(gate)
    lines = gate.limit if limit is None else min(gate.limit, limit)
    wait, free = free_lines(gate, run=run, lines=lines, window=rules.window, now=now)
    if wait:
        return Claim(attempts=[], wait=wait)
    leads = next_leads(gate, at_most=max(SCAN, free), now=now, lock=True)
    if not leads:
        return Claim(attempts=[], wait=_why_nobody(gate, now=now))
    allowed, forbidden = judge(leads, campaign=gate, rules=rules, now=now)
    postponed = put_off(forbidden, now=now)
    turns = budget.take_turns(min(at_most, free, len(allowed)), now=now)
    attempts = _claim_leads(allowed[:turns], run=run, gate=gate, worker=worker, now=now)
    wait = Wait.PACE if allowed and not turns else Wait.NOTHING
    return Claim(attempts=attempts, wait=wait, postponed=postponed)


def _claim_leads(
    leads: Sequence[Lead], *, run: Run, gate: Campaign, worker: str, now: datetime
) -> list[CallAttempt]:
    attempts = [
        attempt
        for lead in leads
        if (attempt := _claim_lead(lead, run=run, gate=gate, worker=worker, now=now))
    ]
    if attempts:
        made = F("claims_made") + len(attempts)
        Campaign.objects.filter(pk=gate.pk).update(claims_made=made)
    return attempts


def _why_nobody(gate: Campaign, *, now: datetime) -> Wait:
    if not connection.features.has_select_for_update_skip_locked:
        return Wait.QUEUE_EMPTY  # then none was skipped
    locked = next_leads(gate, at_most=1, now=now, lock=False)
    return Wait.LEADS_BUSY if locked else Wait.QUEUE_EMPTY


def _claim_lead(
    lead: Lead, *, run: Run, gate: Campaign, worker: str, now: datetime
) -> CallAttempt | None:
    """One attempt for the lead. None: it changed since it was read."""
    still_queued = Lead.objects.filter(
        pk=lead.pk,
        selected_for_calling=True,
        manual_management=False,
        next_call_at__lte=now,
        phone_e164=lead.phone_e164,
    ).exclude(call_status=CallStatus.CALLING)
    if not still_queued.update(call_status=CallStatus.CALLING, next_call_at=None):
        return None
    number = gate.number_for(lead)
    attempt = CallAttempt.objects.create(
        lead=lead,
        campaign=gate,
        run=run,
        generation=gate.generation,
        phone=number,
        is_test=bool(gate.test_phone),
        verdict=Rule.ALLOWED,
        owner=worker,
        lease_expires_at=now + lease_of(gate),
        lead_status_before=lead.call_status,
        lead_due_at=lead.next_call_at,
        open_lead_id=lead.pk,
        open_phone=number,
        claimed_at=now,
    )
    tell_once_committed(logger, attempt, State.CLAIMED)
    return attempt


def lease_of(campaign: Campaign) -> timedelta:
    """It outlasts the send budget and the deadline of the request, with a margin."""
    seconds = campaign.timeout_seconds + settings.LEASE_MARGIN_SECONDS
    return timedelta(seconds=seconds)
