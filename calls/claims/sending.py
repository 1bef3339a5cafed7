"""The one request of an attempt, and what Pearl answered to it."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Value, When
from django.utils.translation import gettext_lazy as _

from calls import budget
from calls.claims.claiming import lease_of
from calls.claims.writes import (
    count,
    end_test,
    give_back,
    lock_lead,
    move,
    show_calling,
    write,
)
from calls.eligibility import facts_of, rules_of
from calls.log_context import tell_once_committed
from calls.models import CallAttempt, Campaign, RunState
from calls.pearl import RequestId
from calls.states import SENT, TRANSITIONS, State
from leads.models import CallStatus, Lead
from leads.verdict import Verdict, verdict

logger = logging.getLogger(__name__)


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
    rows = CallAttempt.objects.filter(pk=attempt.pk, token=attempt.token)
    ours = rows.filter(state=State.CLAIMED, lease_expires_at__gt=now)
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
    tell_once_committed(logger, attempt, State.DIALING)
    if not attempt.is_test:
        Lead.objects.filter(pk=lead.pk).update(last_call_attempt=now)
    return answer


def release(
    attempt: CallAttempt, *, now: datetime, verdict: Verdict | None = None
) -> bool:
    """Nothing was sent: the lead goes back to its place. False: not ours any more."""
    if verdict is None:
        return give_back(attempt, State.RELEASED, now=now, lead_at=attempt.lead_due_at)
    return give_back(
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
    return give_back(attempt, State.NOT_SENT, now=now, lead_at=at, error=reason)


def mark_refused_account(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """401, 402 or 403: the account is at fault, so no lead pays for it."""
    at = attempt.lead_due_at
    return give_back(attempt, State.REJECTED, now=now, lead_at=at, error=reason)


@transaction.atomic
def mark_refused(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """Pearl will not call this lead: it shows `error` and leaves the queue."""
    lock_lead(attempt)
    if not move(attempt, State.REJECTED, now=now, error=reason):
        return False
    count(attempt)
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
def mark_unknown(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """A phone may have rung. The line stays taken until evidence says what happened."""
    lock_lead(attempt)
    if not move(attempt, State.UNKNOWN, now=now, error=reason, next_lookup_at=now):
        return False
    count(attempt)
    return True


_REPEATED = _("Pearl dio a la petición el identificador de otra.")


def mark_accepted(
    attempt: CallAttempt,
    *,
    request_id: RequestId,
    queue_position: int | None,
    now: datetime,
    look_at: datetime,
) -> bool:
    """Pearl has it, under this *request* id (pearl-api.md 4.2)."""
    answer = {"pearl_request_id": request_id, "queue_position": queue_position}
    try:
        if _accept(attempt, now=now, look_at=look_at, **answer):
            return True
    except IntegrityError:
        # So late that the lead was given up and is in another call: for a person.
        logger.exception("attempt %s accepted after a later one began", attempt.token)
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


@transaction.atomic
def _accept(
    attempt: CallAttempt,
    *,
    now: datetime,
    look_at: datetime,
    **answer: str | int | None,
) -> bool:
    lock_lead(attempt)
    moved = move(
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
        count(attempt)
        show_calling(attempt)
    return moved


def settle(attempt: CallAttempt, to: State, *, now: datetime, **changes: Any) -> bool:
    """What evidence makes of an attempt that the caller has locked: the same state with
    more known of it, or one that may follow. Raises IntegrityError if its slots or its
    call id are another's."""
    state = State(attempt.state)
    if to != state and to not in TRANSITIONS[state]:
        return False
    if to == State.NOT_PLACED or not write(attempt, [state], to, now=now, **changes):
        return False
    if to in (State.ACCEPTED, State.ENDED):
        count(attempt)
    if to == State.ACCEPTED:
        show_calling(attempt)
    return True
