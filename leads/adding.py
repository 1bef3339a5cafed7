"""Leads that a program brings, row by row, by the rules of an import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from leads import suppressions
from leads.columns import LeadRow, RowRejected, lead_row
from leads.editing import UNTOLD
from leads.headers import tidied
from leads.import_report import RowClass
from leads.locks import one_adds_leads
from leads.matching import Matcher, NumberedLead, Verdict
from leads.models import Consent, Lead, LeadEvent
from leads.writing import STATEMENT, insert_leads, write_columns

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

MOST_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Added:
    """What became of one row. `lead`: its id, if it is one. `errors`: by field, why
    there is none; `remarks`: by field, what of the row was left out."""

    row_class: RowClass
    lead: int | None = None
    errors: Mapping[str, StrOrPromise] = field(default_factory=dict)
    remarks: Mapping[str, StrOrPromise] = field(default_factory=dict)


@transaction.atomic
def add_leads(
    rows: Sequence[Mapping[str, str]],
    *,
    source: str,
    by: User,
    now: datetime,
    consent_source: str = "",
    update_existing: bool = True,
) -> list[Added]:
    """In the order of the rows: each becomes a lead, changes one, or is refused whole.

    A row is texts by field of the lead. `source`: what leads and consents are from.
    """
    one_adds_leads()
    read = [
        _read(at, row, source=source, consent_source=consent_source, now=now)
        for at, row in enumerate(rows)
    ]
    good = [one for one in read if isinstance(one, NumberedLead)]
    mapped = {name for one in good for name in one.lead.said}
    matcher = Matcher(mapped=mapped, update_existing=update_existing, now=now)
    told = list(zip(good, matcher.tell(good), strict=True))
    ids = _create(
        [row for row, verdict in told if verdict.row_class == RowClass.CREATED],
        source=source,
        by=by,
        now=now,
    )
    suppressions.revive({row.phone for row in good})
    _update(
        [verdict for _row, verdict in told if verdict.changes],
        columns=matcher.columns,
        by=by,
        now=now,
    )
    by_row = {row.number: _added(row, verdict, ids) for row, verdict in told}
    return [
        one if isinstance(one, Added) else by_row[at] for at, one in enumerate(read)
    ]


def _read(
    at: int, row: Mapping[str, str], *, source: str, consent_source: str, now: datetime
) -> NumberedLead | Added:
    cells = {name: tidied(text) for name, text in row.items()}
    try:
        lead = lead_row(
            cells, today=timezone.localdate(now), consent_source=consent_source
        )
    except RowRejected as exc:
        return Added(row_class=RowClass.REJECTED, errors={exc.field: exc.reason})
    if lead.values["consent"] == Consent.GIVEN and not lead.values["consent_source"]:
        lead.values["consent_source"] = source
    return NumberedLead(number=at, lead=lead)


def _create(
    rows: Sequence[NumberedLead], *, source: str, by: User, now: datetime
) -> dict[str, int]:
    """The ids, by number: no other lead has it, or the row would not be new."""
    made = {"source_file": source, "created_at": now}
    insert_leads([{**made, **row.lead.values} for row in rows])
    found = Lead.objects.filter(phone_e164__in=[row.phone for row in rows], **made)
    ids = dict(found.order_by("pk").values_list("phone_e164", "pk"))
    kind = LeadEvent.Kind.CREATED
    LeadEvent.objects.bulk_create(
        (LeadEvent(lead_id=pk, kind=kind, by=by, at=now) for pk in ids.values()),
        batch_size=STATEMENT,
    )
    return ids


def _update(
    verdicts: Sequence[Verdict], *, columns: Iterable[str], by: User, now: datetime
) -> None:
    changes = {
        verdict.known["id"]: {
            name: new for name, (_old, new) in verdict.changes.items()
        }
        for verdict in verdicts
        if verdict.known is not None
    }
    told = write_columns(changes, known=columns)
    LeadEvent.objects.bulk_create(
        (
            LeadEvent(
                lead_id=pk,
                kind=LeadEvent.Kind.EDITED,
                at=now,
                by=by,
                changes={k: pair for k, pair in change.items() if k not in UNTOLD},
            )
            for pk, change in told.items()
        ),
        batch_size=STATEMENT,
    )
    # What was filled in may be what held them: they are asked about again.
    Lead.objects.filter(pk__in=told).held().give_turn(now=now)


def _added(row: NumberedLead, verdict: Verdict, ids: Mapping[str, int]) -> Added:
    if verdict.row_class in (RowClass.DUPLICATE, RowClass.SUPPRESSED):
        errors = {verdict.field: verdict.why}
        return Added(row_class=verdict.row_class, errors=errors)
    known: Mapping[str, Any] = verdict.known or {"id": ids.get(row.phone)}
    return Added(
        row_class=verdict.row_class, lead=known["id"], remarks=_remarks(row.lead)
    )


def _remarks(lead: LeadRow) -> dict[str, StrOrPromise]:
    return dict(zip(lead.left_out, lead.remarks, strict=True))
