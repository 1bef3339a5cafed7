"""One lead's own turn: a call promised for a time, or wanted at once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from leads import selection
from leads.models import BulkChange, Lead, LeadEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Verb = BulkChange.Verb


@transaction.atomic
def promise(
    lead_id: int,
    *,
    at: datetime,
    now: datetime,
    by: User | None,
    outbound_id: str = "",
    note: str = "",
) -> bool:
    """Promise a call at `at`: the lead is in the queue, ahead of others, from then on.

    `outbound_id`: the campaign that keeps the promise, if the lead has none yet.
    False: it cannot be called at all. Raises ChangeRefused: `at` is not in the future.
    """
    values = {"disposition": "call_back", "callback_at": at, "outbound_id": outbound_id}
    before = _promised_at(lead_id)
    changed = selection.change_one(lead_id, Verb.DISPOSITION, values, now=now)
    if changed:
        LeadEvent.objects.create(
            lead_id=lead_id,
            kind=LeadEvent.Kind.CALLBACK,
            at=now,
            by=by,
            text=note,
            changes={"callback_at": [before and before.isoformat(), at.isoformat()]},
        )
    return changed


@transaction.atomic
def drop_promise(lead_id: int, *, now: datetime, by: User | None) -> bool:
    """The promised call is not wanted any more; the lead leaves the queue."""
    at = _promised_at(lead_id)
    if at is None:
        return False
    lead = Lead.objects.filter(pk=lead_id)
    lead.update(callback_at=None, updated_at=now)
    selection.deselect(lead, now=now)
    LeadEvent.objects.create(
        lead_id=lead_id,
        kind=LeadEvent.Kind.CALLBACK_DROPPED,
        at=now,
        by=by,
        changes={"callback_at": [at.isoformat(), None]},
    )
    return True


@transaction.atomic
def call_now(
    lead_id: int, *, now: datetime, by: User | None, outbound_id: str = ""
) -> bool:
    """Put the lead at the head of the queue of its campaign, or of the one given.

    False: it is in a call, cannot be called at all, or has no campaign.
    """
    values = {"outbound_id": outbound_id}
    if not selection.change_one(lead_id, Verb.CALL_NOW, values, now=now):
        return False
    LeadEvent.objects.create(
        lead_id=lead_id, kind=LeadEvent.Kind.CALL_NOW, at=now, by=by
    )
    return True


@transaction.atomic
def dispose(
    lead_id: int,
    disposition: str,
    *,
    now: datetime,
    by: User | None,
    reason: str = "",
) -> bool:
    """What the calls to this lead mean for the business; most take it off the queue.

    A call back is a promise and has its own function. Raises ChangeRefused.
    """
    values = {"disposition": disposition, "reason": reason}
    record = selection.apply(
        Lead.objects.filter(pk=lead_id), Verb.DISPOSITION, values, now=now, by=by
    )
    return bool(record.changed)


def _promised_at(lead_id: int) -> datetime | None:
    """Under the lead's lock: whoever promises or drops next sees what comes of this."""
    lead = Lead.objects.select_for_update().filter(pk=lead_id)
    return lead.values_list("callback_at", flat=True).first()
