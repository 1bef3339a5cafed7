"""Every guarded write of the protocol (design, section 5). Nothing else moves one.

Locks are always taken in the order campaign (the gate), account, lead, attempt. Every
write names the state and the token it expects, and a write that finds neither returns
False: the attempt is no longer ours.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, OuterRef, Value, When
from django.utils.translation import gettext_lazy as _

from calls import budget
from calls.eligibility import facts_of, rules_of
from calls.models import CallAttempt, Campaign, Run, RunState
from calls.queue import SCAN, Wait, free_lines, judge, next_leads, put_off
from calls.states import HELD, SENT, TRANSITIONS, State
from leads.models import CallStatus, Lead, LeadEvent
from leads.verdict import Rule, Verdict, verdict

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one claim brought: attempts to dial, or the reason there are none."""

    attempts: list[CallAttempt]
    wait: Wait = Wait.NOTHING
    postponed: int = 0


# --- Claim --------------------------------------------------------------------------


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
        return Claim(attempts=[], wait=Wait.STOPPED)
    rules = rules_of(gate)
    lines = gate.limit if limit is None else min(gate.limit, limit)
    wait, free = free_lines(gate, run=run, lines=lines, window=rules.window, now=now)
    if wait:
        return Claim(attempts=[], wait=wait)
    leads = next_leads(gate, at_most=max(SCAN, free), now=now, lock=True)
    if not leads:
        locked = next_leads(gate, at_most=1, now=now, lock=False)
        wait = Wait.LEADS_BUSY if locked else Wait.QUEUE_EMPTY
        return Claim(attempts=[], wait=wait)
    allowed, forbidden = judge(leads, campaign=gate, rules=rules, now=now)
    postponed = put_off(forbidden, now=now)
    turns = budget.take_turns(min(at_most, free, len(allowed)), now=now)
    attempts = [
        attempt
        for lead in allowed[:turns]
        if (attempt := _claim_lead(lead, run=run, gate=gate, worker=worker, now=now))
    ]
    if attempts:
        made = F("claims_made") + len(attempts)
        Campaign.objects.filter(pk=gate.pk).update(claims_made=made)
    wait = Wait.PACE if allowed and not turns else Wait.NOTHING
    return Claim(attempts=attempts, wait=wait, postponed=postponed)


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
    return CallAttempt.objects.create(
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


def lease_of(campaign: Campaign) -> timedelta:
    """It outlasts the send budget and the deadline of the request, with a margin."""
    seconds = campaign.timeout_seconds + settings.LEASE_MARGIN_SECONDS
    return timedelta(seconds=seconds)


# --- Send ---------------------------------------------------------------------------


@transaction.atomic
def pre_send(attempt: CallAttempt, *, now: datetime) -> Verdict | None:
    """Commit to dialing, with every rule asked once more.

    An allowing verdict: the attempt is DIALING and the one request may be sent. A
    forbidding one, or None (STOP came, or the claim is no longer ours): nothing may be
    sent; `release` gives the lead back.
    """
    gate = Campaign.objects.select_for_update().get(pk=attempt.campaign_id)
    if gate.state != RunState.RUNNING or gate.generation != attempt.generation:
        return None
    account = budget.account()
    if budget.breaker_is_open(account) or budget.is_blocked(account, now=now):
        return None
    lead = Lead.objects.select_for_update().get(pk=attempt.lead_id)
    if not lead.selected_for_calling or gate.number_for(lead) != attempt.phone:
        return None
    if attempt.is_test != bool(gate.test_phone):
        return None
    ours = CallAttempt.objects.filter(
        pk=attempt.pk,
        token=attempt.token,
        state=State.CLAIMED,
        lease_expires_at__gt=now,
    )
    if not ours.exists():
        return None
    facts = facts_of([lead], campaign=gate, now=now, ignore=attempt)[lead.pk]
    answer = verdict(facts, rules=rules_of(gate), now=now)
    if not answer.allowed:
        return answer
    if not ours.update(
        state=State.DIALING,
        send_started_at=now,
        lease_expires_at=now + lease_of(gate),
        verdict=answer.rule,
    ):
        return None
    if not attempt.is_test:
        Lead.objects.filter(pk=lead.pk).update(last_call_attempt=now)
    return answer


def release(
    attempt: CallAttempt, *, now: datetime, verdict: Verdict | None = None
) -> bool:
    """Nothing was sent: the lead goes back to its place. False: not ours any more."""
    if verdict is None:
        return _give_back(attempt, State.RELEASED, now=now, lead_at=attempt.lead_due_at)
    return _give_back(
        attempt,
        State.RELEASED,
        now=now,
        lead_at=verdict.until,
        error=str(verdict.rule.label),
        verdict=verdict.rule,
    )


def mark_not_sent(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """Proof that no phone rang: the lead returns to its place, and nothing counts."""
    at = attempt.lead_due_at
    return _give_back(attempt, State.NOT_SENT, now=now, lead_at=at, error=reason)


def mark_refused_account(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """401, 402 or 403: the account is at fault, so no lead pays for it."""
    at = attempt.lead_due_at
    return _give_back(attempt, State.REJECTED, now=now, lead_at=at, error=reason)


@transaction.atomic
def mark_refused(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """Pearl will not call this lead: it shows `error` and leaves the queue."""
    _lock_lead(attempt)
    if not _move(attempt, State.REJECTED, now=now, error=reason):
        return False
    _count(attempt)
    if attempt.is_test:
        return end_test(attempt, now=now, text=reason)
    Lead.objects.filter(pk=attempt.lead_id, call_status=CallStatus.CALLING).update(
        call_status=CallStatus.ERROR,
        selected_for_calling=False,
        call_now=False,
        next_call_at=None,
        call_error_message=reason,
    )
    return True


def end_test(attempt: CallAttempt, *, now: datetime, text: str) -> bool:
    """A test leaves its lead as it was, but out of the queue: it would come up again,
    and once the test mode is off it would be called in earnest."""
    before = attempt.lead_status_before
    unwanted = CallStatus.NO_SELECTED if before == CallStatus.SELECTED else before
    # Word of a test may come so late that its lead is in a call of its own.
    another = CallAttempt.objects.filter(open_lead_id=OuterRef("pk"))
    tested = Lead.objects.filter(pk=attempt.lead_id, call_status=CallStatus.CALLING)
    tested.exclude(Exists(another.exclude(pk=attempt.pk))).update(
        call_status=unwanted,
        selected_for_calling=False,
        call_now=False,
        next_call_at=None,
    )
    LeadEvent.objects.create(
        lead_id=attempt.lead_id, kind=LeadEvent.Kind.TEST_CALL, at=now, text=text
    )
    return True


@transaction.atomic
def mark_unknown(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """A phone may have rung. The line stays taken until evidence says what happened."""
    _lock_lead(attempt)
    if not _move(attempt, State.UNKNOWN, now=now, error=reason, next_lookup_at=now):
        return False
    _count(attempt)
    return True


_REPEATED = _("Pearl dio a la petición el identificador de otra.")


def mark_accepted(
    attempt: CallAttempt,
    *,
    request_id: str,
    queue_position: int | None,
    now: datetime,
    look_at: datetime,
) -> bool:
    """Pearl has it, under this *request* id (pearl-api.md 4.2)."""
    answer = {"pearl_request_id": request_id, "queue_position": queue_position}
    try:
        with transaction.atomic():
            _lock_lead(attempt)
            moved = _move(
                attempt,
                State.ACCEPTED,
                now=now,
                accepted_at=now,
                next_lookup_at=Case(
                    When(next_lookup_at__gt=look_at, then=F("next_lookup_at")),
                    default=Value(look_at),
                ),
                error="",
                **answer,
            )
            if moved:
                _count(attempt)
                _show_calling(attempt)
    except IntegrityError:
        # So late that the lead was given up and is in another call: for a person.
        logger.exception("attempt %s accepted after a later one began", attempt.token)
        moved = False
    if moved:
        return True
    # A report overtook Pearl's answer: the state stands, only the id is added.
    rows = CallAttempt.objects.filter(
        pk=attempt.pk, token=attempt.token, pearl_request_id=None, state__in=SENT
    )
    try:
        with transaction.atomic():
            return bool(rows.update(**answer))
    except IntegrityError:
        logger.exception("attempt %s: its request id is another's", attempt.token)
        return mark_unknown(attempt, reason=str(_REPEATED), now=now)


def settle(attempt: CallAttempt, to: State, *, now: datetime, **changes: Any) -> bool:
    """What evidence makes of an attempt that the caller has locked: the same state with
    more known of it, or one that may follow. Raises IntegrityError if its slots or its
    call id are another's."""
    state = State(attempt.state)
    if to != state and to not in TRANSITIONS[state]:
        return False
    if to == State.NOT_PLACED or not _write(attempt, [state], to, now=now, **changes):
        return False
    if to in (State.ACCEPTED, State.ENDED):
        _count(attempt)
    if to == State.ACCEPTED:
        _show_calling(attempt)
    return True


# --- Doubt cleared up ---------------------------------------------------------------


def mark_not_placed(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """Proof of absence: no phone rang and none will. The lead may be called again."""
    with transaction.atomic():
        if not _give_back(
            attempt, State.NOT_PLACED, now=now, lead_at=now, error=reason
        ):
            return False
        _uncount(attempt)
    return True


@transaction.atomic
def mark_manual(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """No proof either way: a person decides, and until then nobody calls the lead."""
    lead = _lock_lead(attempt)
    if not _move(
        attempt,
        State.MANUAL,
        now=now,
        error=reason,
        next_lookup_at=None,
        lead_was_wanted=lead is not None and lead.selected_for_calling,
    ):
        return False
    if attempt.is_test:
        return end_test(attempt, now=now, text=reason)
    Lead.objects.filter(pk=attempt.lead_id, call_status=CallStatus.CALLING).update(
        call_status=CallStatus.ERROR,
        selected_for_calling=False,
        call_now=False,
        next_call_at=None,
        call_error_message=reason,
    )
    return True


@transaction.atomic
def unbind(attempt: CallAttempt, *, reason: str, now: datetime) -> None:
    """The call this attempt was bound to is another's: what became of its own is not
    known, so a person decides."""
    bound = CallAttempt.objects.filter(
        pk=attempt.pk,
        token=attempt.token,
        state=attempt.state,
        pearl_call_id=attempt.pearl_call_id,
    )
    if bound.update(pearl_call_id=None, error=reason):
        mark_manual(attempt, reason=reason, now=now)


def look_again(
    attempt: CallAttempt, *, at: datetime, now: datetime, absences: int | None = None
) -> bool:
    """Nothing new was learnt; ask Pearl again at `at`."""
    changes: dict[str, Any] = {"next_lookup_at": at}
    if absences is not None:
        changes["absences"] = absences
    rows = CallAttempt.objects.filter(
        pk=attempt.pk,
        token=attempt.token,
        state__in=[State.ACCEPTED, State.UNKNOWN],
    )
    return rows.update(updated_at=now, **changes) == 1


def expect_report(phones: Sequence[str], *, at: datetime, now: datetime) -> int:
    """A call to these numbers shows, unnamed, that Pearl is at it: ask about the
    attempts at `at`. It binds nothing, for relatives share numbers."""
    rows = CallAttempt.objects.filter(
        open_phone__in=phones, state__in=[State.DIALING, State.ACCEPTED]
    )
    return rows.update(next_lookup_at=at, updated_at=now)


@transaction.atomic
def restore_unknown(
    lead: Lead, *, campaign: Campaign, token: UUID, sent_at: datetime, phone: str
) -> CallAttempt:
    """An attempt that the database lost and the journal remembers. Raises
    IntegrityError if the lead or its number is in another call."""
    gate = Campaign.objects.select_for_update().get(pk=campaign.pk)
    run, _made = Run.objects.get_or_create(
        campaign=gate,
        generation=gate.generation,
        defaults={"started_at": sent_at, "ended_at": sent_at},
    )
    attempt = CallAttempt.objects.create(
        token=token,
        lead=lead,
        campaign=gate,
        run=run,
        generation=gate.generation,
        phone=phone,
        is_test=phone != lead.phone_e164,
        state=State.UNKNOWN,
        verdict=Rule.ALLOWED,
        owner="journal",
        lease_expires_at=sent_at,
        lead_status_before=lead.call_status,
        open_lead_id=lead.pk,
        open_phone=phone,
        claimed_at=sent_at,
        send_started_at=sent_at,
        next_lookup_at=sent_at,
    )
    _count(attempt)
    _show_calling(attempt)
    return attempt


# --- Leases -------------------------------------------------------------------------


def reap_leases(*, now: datetime, at_most: int = 100) -> int:
    """Attempts whose owner fell silent: claims are released, dials become UNKNOWN.

    It starts from the attempts, not from the workers: a missing worker is a dead one.
    """
    over = CallAttempt.objects.filter(
        state__in=[State.CLAIMED, State.DIALING], lease_expires_at__lte=now
    ).order_by("lease_expires_at", "id")[:at_most]
    silent = str(_("El proceso que llamaba dejó de responder."))
    changed = 0
    for attempt in over:
        if attempt.state == State.CLAIMED:
            # To the end of its line: if it is the lead that breaks workers, others go
            # first.
            changed += _give_back(
                attempt, State.RELEASED, now=now, lead_at=now, error=silent
            )
        else:
            changed += mark_unknown(attempt, reason=silent, now=now)
    return changed


# --- The three writes that all of the above are made of -----------------------------


def _lock_lead(attempt: CallAttempt) -> Lead | None:
    """The lead before its attempt, always: so two writers wait and never deadlock."""
    return Lead.objects.select_for_update().filter(pk=attempt.lead_id).first()


def _move(attempt: CallAttempt, to: State, *, now: datetime, **changes: Any) -> bool:
    """The guarded write: from a state that allows it, with our token, or not at all."""
    before = [state for state in State if to in TRANSITIONS[state]]
    return _write(attempt, before, to, now=now, **changes)


def _write(
    attempt: CallAttempt,
    before: Sequence[State],
    to: State,
    *,
    now: datetime,
    **changes: Any,
) -> bool:
    if to in HELD:
        slots = {"open_lead_id": attempt.lead_id, "open_phone": attempt.phone}
        changes |= {**slots, "closed_at": None}
    else:
        changes |= {"open_lead_id": None, "open_phone": None}
        changes.setdefault("closed_at", now)
    rows = CallAttempt.objects.filter(
        pk=attempt.pk, token=attempt.token, state__in=before
    )
    moved = rows.update(state=to, **changes) == 1
    if moved and to != attempt.state:
        logger.info("attempt %s is %s", attempt.token, to)
    return moved


@transaction.atomic
def _give_back(
    attempt: CallAttempt,
    to: State,
    *,
    now: datetime,
    lead_at: datetime | None,
    **changes: Any,
) -> bool:
    """Close the attempt and put its lead back as it was before the claim."""
    _lock_lead(attempt)
    if not _move(attempt, to, now=now, **changes):
        return False
    before = attempt.lead_status_before
    mine = Lead.objects.filter(pk=attempt.lead_id, call_status=CallStatus.CALLING)
    queued = CallStatus.SELECTED if before == CallStatus.NO_SELECTED else before
    if not mine.filter(selected_for_calling=True).update(
        call_status=queued, next_call_at=lead_at
    ):
        unwanted = CallStatus.NO_SELECTED if before == CallStatus.SELECTED else before
        mine.update(call_status=unwanted, next_call_at=None)
    return True


def _show_calling(attempt: CallAttempt) -> None:
    """Evidence of a call whose lead had been given back already."""
    Lead.objects.filter(pk=attempt.lead_id).exclude(
        call_status=CallStatus.CALLING
    ).update(call_status=CallStatus.CALLING, next_call_at=None)


def _count(attempt: CallAttempt) -> None:
    """One more call for the lead, once for each attempt; a test is none."""
    if attempt.is_test:
        return
    if CallAttempt.objects.filter(pk=attempt.pk, counted=False).update(counted=True):
        Lead.objects.filter(pk=attempt.lead_id).update(
            call_attempts_count=F("call_attempts_count") + 1
        )


def _uncount(attempt: CallAttempt) -> None:
    if CallAttempt.objects.filter(pk=attempt.pk, counted=True).update(counted=False):
        Lead.objects.filter(pk=attempt.lead_id, call_attempts_count__gt=0).update(
            call_attempts_count=F("call_attempts_count") - 1
        )
