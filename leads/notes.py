"""What staff write about a lead: every note is kept, the newest last."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, F, Q, TextField, Value, When
from django.db.models.functions import Concat

from leads.models import Lead, LeadEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_NOTE = 4000


@transaction.atomic
def add_note(lead_id: int, *, text: str, by: User | None, now: datetime) -> bool:
    """False: the lead is no more (deleted, or joined to another).

    The database appends to `call_notes`: of two written at once, both stay.
    """
    is_empty = Q(call_notes=None) | Q(call_notes="")
    appended = Concat(F("call_notes"), Value("\n"), Value(text))
    found = Lead.objects.filter(pk=lead_id).update(
        call_notes=Case(
            When(is_empty, then=Value(text)),
            default=appended,
            output_field=TextField(),
        ),
        updated_at=now,
    )
    if not found:
        return False
    LeadEvent.objects.create(
        lead_id=lead_id, kind=LeadEvent.Kind.NOTE, text=text, by=by, at=now
    )
    return True
