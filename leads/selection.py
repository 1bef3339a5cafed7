"""What staff do to many leads at once: each verb is one UPDATE and says how many rows
it changed. A lead in a call keeps its status; only its wish changes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When

from leads.models import CallStatus, Lead, Priority


def select(leads: QuerySet[Lead], *, outbound_id: str, now: datetime) -> int:
    """Put leads in the queue of a campaign, behind those already due.

    Leads without a valid number, or handled by a person, cannot be selected.
    """
    callable_ = leads.filter(manual_management=False).exclude(phone_e164="")
    return callable_.exclude(
        selected_for_calling=True, pearl_outbound_id=outbound_id
    ).update(
        selected_for_calling=True,
        pearl_outbound_id=Case(
            When(call_status=CallStatus.CALLING, then=F("pearl_outbound_id")),
            default=Value(outbound_id),
        ),
        next_call_at=Case(
            When(call_status=CallStatus.CALLING, then=None), default=Value(now)
        ),
        call_status=Case(
            When(call_status=CallStatus.CALLING, then=F("call_status")),
            default=Value(CallStatus.SELECTED),
        ),
        call_error_message=None,
        updated_at=now,
    )


def deselect(leads: QuerySet[Lead], *, now: datetime) -> int:
    """Take leads out of the queue. A call in course goes on, without a retry."""
    return leads.filter(selected_for_calling=True).update(
        selected_for_calling=False,
        next_call_at=None,
        call_status=Case(
            When(call_status=CallStatus.SELECTED, then=Value(CallStatus.NO_SELECTED)),
            default=F("call_status"),
        ),
        updated_at=now,
    )


def reset(leads: QuerySet[Lead], *, now: datetime) -> int:
    """Forget attempts and errors, as if never called. The selection is kept."""
    idle = leads.exclude(call_status=CallStatus.CALLING)
    return idle.update(
        call_attempts_count=0,
        call_error_message=None,
        call_status=Case(
            When(selected_for_calling=True, then=Value(CallStatus.SELECTED)),
            default=Value(CallStatus.NO_SELECTED),
        ),
        next_call_at=Case(When(selected_for_calling=True, then=Value(now))),
        updated_at=now,
    )


def set_priority(leads: QuerySet[Lead], priority: Priority, *, now: datetime) -> int:
    return leads.exclude(call_priority=priority).update(
        call_priority=priority, updated_at=now
    )


def set_manual(leads: QuerySet[Lead], manual: bool, *, now: datetime) -> int:
    """Give leads to a person (they leave the queue), or back to the system."""
    with transaction.atomic():
        if manual:
            deselect(leads, now=now)
        return leads.exclude(manual_management=manual).update(
            manual_management=manual, updated_at=now
        )
