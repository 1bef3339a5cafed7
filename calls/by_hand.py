"""What a person says became of a call of which Pearl tells nothing."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F

from calls import claims, outcome_table
from calls.lead_ending import Ending, decided_since
from calls.models import CallAttempt
from calls.states import Outcome, State
from leads.models import CallStatus, Lead


def close_by_hand(
    attempt: CallAttempt, *, rang: bool, reason: str, now: datetime
) -> bool:
    """A person settles a MANUAL attempt: the phone rang (it ends, unanswered), or it
    did not (the lead may be called again). False: it is no longer MANUAL."""
    if attempt.state != State.MANUAL:
        return False
    if not rang:
        return _put_back(attempt, reason=reason, now=now)
    unanswered = Ending(outcome=Outcome.NO_ANSWER, table=outcome_table.current())
    with transaction.atomic():
        claims.lock_lead(attempt)
        done = claims.settle(
            attempt,
            State.ENDED,
            now=now,
            outcome=unanswered.outcome,
            outcome_version=unanswered.table.version,
            error=reason,
            lead_was_wanted=False,
        )
        if done and not attempt.is_test:
            _show_unanswered(attempt, unanswered.status, now=now)
    return done


@transaction.atomic
def _put_back(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """The lead returns to the queue if it was wanted and nobody else took charge."""
    why_manual = attempt.error
    if not claims.mark_not_placed(attempt, reason=reason, now=now):
        return False
    shown = Lead.objects.filter(
        pk=attempt.lead_id,
        call_status=CallStatus.ERROR,
        call_error_message=why_manual,
        manual_management=False,
    ).exclude(Exists(decided_since(attempt)))
    if attempt.lead_was_wanted and not attempt.is_test:
        shown.update(
            call_status=CallStatus.SELECTED,
            selected_for_calling=True,
            next_call_at=now,
            call_error_message=None,
        )
    return True


def _show_unanswered(
    attempt: CallAttempt, status: CallStatus, *, now: datetime
) -> None:
    """Unless staff changed the lead meanwhile. A call promised for later stands."""
    lead = Lead.objects.filter(pk=attempt.lead_id)
    shown = lead.filter(call_status=CallStatus.ERROR)
    if not shown.update(call_status=status, call_error_message=None):
        return
    promised = lead.filter(
        selected_for_calling=False, manual_management=False, callback_at__gt=now
    )
    promised.exclude(Exists(decided_since(attempt))).update(
        selected_for_calling=True, next_call_at=F("callback_at")
    )
