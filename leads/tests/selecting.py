"""Leads in and out of the queue, and what staff do to them at a fixed time."""

from __future__ import annotations

from datetime import UTC, datetime

from leads import selection
from leads.models import CallStatus, Lead
from leads.tests.factories import OUTBOUND_ID

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
SELECT = {"outbound_id": OUTBOUND_ID}
OTHER = "66f0a1b2c3d4e5f601020399"
OUT_OF_QUEUE = {
    "call_status": CallStatus.NO_SELECTED,
    "selected_for_calling": False,
    "pearl_outbound_id": None,
    "next_call_at": None,
}
IN_CALL = {"call_status": CallStatus.CALLING, "next_call_at": None}


def state(lead: Lead) -> tuple:
    lead.refresh_from_db()
    return (
        lead.call_status,
        lead.selected_for_calling,
        lead.pearl_outbound_id,
        lead.next_call_at,
    )


def select(outbound_id: str = OUTBOUND_ID) -> int:
    return selection.select(Lead.objects.all(), outbound_id=outbound_id, now=NOW)


def apply(verb, *, rows=None, by=None, **values):
    rows = Lead.objects.all() if rows is None else rows
    return selection.apply(rows, verb, values, now=NOW, by=by)
