"""The writes that all the others are made of: guarded by state and token."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from calls.log_context import tell_once_committed
from calls.models import CallAttempt
from calls.states import HELD, TRANSITIONS, State
from leads.models import CallStatus, Lead, LeadEvent

logger = logging.getLogger(__name__)


def lock_lead(attempt: CallAttempt) -> Lead | None:
    """The lead before its attempt, always: so two writers wait and never deadlock."""
    return Lead.objects.select_for_update().filter(pk=attempt.lead_id).first()


def move(attempt: CallAttempt, to: State, *, now: datetime, **changes: Any) -> bool:
    """The guarded write: from a state that allows it, with our token, or not at all."""
    before = [state for state in State if to in TRANSITIONS[state]]
    return write(attempt, before, to, now=now, **changes)


def write(
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
        tell_once_committed(logger, attempt, to)
    return moved


@transaction.atomic
def give_back(
    attempt: CallAttempt,
    to: State,
    *,
    now: datetime,
    lead_at: datetime | None,
    **changes: Any,
) -> bool:
    """Close the attempt and put its lead back as it was before the claim."""
    lock_lead(attempt)
    if not move(attempt, to, now=now, **changes):
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


def show_calling(attempt: CallAttempt) -> None:
    """Evidence of a call whose lead had been given back already."""
    Lead.objects.filter(pk=attempt.lead_id).exclude(
        call_status=CallStatus.CALLING
    ).update(call_status=CallStatus.CALLING, next_call_at=None)


def count(attempt: CallAttempt) -> None:
    """One more call for the lead, once for each attempt; a test is none."""
    if attempt.is_test:
        return
    if CallAttempt.objects.filter(pk=attempt.pk, counted=False).update(counted=True):
        Lead.objects.filter(pk=attempt.lead_id).update(
            call_attempts_count=F("call_attempts_count") + 1
        )


def uncount(attempt: CallAttempt) -> None:
    if CallAttempt.objects.filter(pk=attempt.pk, counted=True).update(counted=False):
        Lead.objects.filter(pk=attempt.lead_id, call_attempts_count__gt=0).update(
            call_attempts_count=F("call_attempts_count") - 1
        )


def reread(
    pks: Sequence[int], *, before: str, outcome: str, version: int, now: datetime
) -> int:
    """Ended attempts whose codes another version of the table reads otherwise; the
    caller has locked them."""
    ended = CallAttempt.objects.filter(
        pk__in=pks, state=State.ENDED, outcome=before, corrected_at=None
    )
    return ended.update(outcome=outcome, outcome_version=version, updated_at=now)


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
