"""What a person says became of a call of which Pearl tells nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from calls import claims
from calls.models import CallAttempt
from calls.states import Outcome, State
from leads.models import BulkChange, CallStatus, Lead, LeadEvent


def close_by_hand(
    attempt: CallAttempt, *, rang: bool, reason: str, now: datetime
) -> bool:
    """A person settles a MANUAL attempt: the phone rang (it ends, unanswered), or it
    did not (the lead may be called again). False: it is no longer MANUAL."""
    if attempt.state != State.MANUAL:
        return False
    if not rang:
        return _put_back(attempt, reason=reason, now=now)
    with transaction.atomic():
        done = claims.settle(
            attempt,
            State.ENDED,
            now=now,
            outcome=Outcome.NO_ANSWER,
            error=reason,
            lead_was_wanted=False,
        )
        if done and not attempt.is_test:
            _show_unanswered(attempt, now=now)
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
    ).exclude(Exists(_decided_since(attempt)))
    if attempt.lead_was_wanted and not attempt.is_test:
        shown.update(
            call_status=CallStatus.SELECTED,
            selected_for_calling=True,
            next_call_at=now,
            call_error_message=None,
        )
    return True


def _decided_since(attempt: CallAttempt) -> Any:
    """Staff took the lead off the queue while it waited for a person's answer."""
    ended = Q(kind=LeadEvent.Kind.CALLBACK_DROPPED) | Q(
        bulk_change__verb__in=[BulkChange.Verb.DISPOSITION, BulkChange.Verb.EXCLUDE]
    )
    return LeadEvent.objects.filter(
        ended, lead_id=OuterRef("pk"), at__gte=attempt.claimed_at
    )


def _show_unanswered(attempt: CallAttempt, *, now: datetime) -> None:
    """Unless staff changed the lead meanwhile. A call promised for later stands."""
    lead = Lead.objects.filter(pk=attempt.lead_id)
    shown = lead.filter(call_status=CallStatus.ERROR)
    if not shown.update(call_status=CallStatus.NO_ANSWER, call_error_message=None):
        return
    promised = lead.filter(
        selected_for_calling=False, manual_management=False, callback_at__gt=now
    )
    promised.exclude(Exists(_decided_since(attempt))).update(
        selected_for_calling=True, next_call_at=F("callback_at")
    )
