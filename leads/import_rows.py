"""One pass over the rows of an import: told, counted, and written if it is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _

from leads import suppressions
from leads.columns import Columns, RowRejected, lead_row
from leads.csv_files import Row
from leads.import_report import Report, RowClass, named, sequence_warning
from leads.matching import Matcher, NumberedLead, Verdict
from leads.models import Consent, Lead, LeadEvent, LeadImport
from leads.writing import STATEMENT, insert_leads, write_columns

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BATCH = 1000
CHANGES_SHOWN = 3

T = TypeVar("T")
Tell = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Rejected:
    row: Row
    reason: str


@dataclass(kw_only=True)
class Pass:
    """`write` false: the preview, which changes nothing."""

    record: LeadImport
    matcher: Matcher
    now: datetime
    write: bool
    by: User | None = None
    report: Report = field(default_factory=Report)
    reject: Callable[[Rejected], None] = lambda _rejected: None

    def over(self, rows: Iterable[NumberedLead | Rejected], *, tell: Tell) -> Report:
        """`tell` hears how many rows are done."""
        for batch in batches(iter(rows)):
            leads = [one for one in batch if isinstance(one, NumberedLead)]
            for one in batch:
                if isinstance(one, Rejected):
                    self._count_rejected(one)
            self._take(leads)
            self.report.rows += len(batch)
            tell(self.report.rows)
        self.report.check_sum()
        if warning := sequence_warning(self.matcher.by_phone):
            self.report.warnings.append(warning)
        return self.report

    def _count_rejected(self, one: Rejected) -> None:
        self.report.rejected += 1
        self.report.add_problem(one.row.number, one.reason)
        text = " · ".join(cell for cell in one.row.cells if cell)[:80]
        self.report.add_sample(
            RowClass.REJECTED, one.row.number, text=text, why=one.reason
        )
        self.reject(one)

    def _take(self, rows: Sequence[NumberedLead]) -> None:
        told = list(zip(rows, self.matcher.tell(rows), strict=True))
        new = []
        for row, verdict in told:
            if verdict.row_class == RowClass.CREATED:
                self.report.note_created(row.lead.values)
                if self.write:
                    new.append(self._new_lead(row))
            else:
                self._count(verdict)
            self._remark(row, verdict)
        if self.write:
            insert_leads(new)
            suppressions.revive({row.phone for row in rows})
            self._update([verdict for _row, verdict in told if verdict.changes])

    def _new_lead(self, row: NumberedLead) -> dict[str, Any]:
        return {
            "source_file": self.record.name,
            "source_row": row.number,
            "created_at": self.now,
            "lead_import_id": self.record.pk,
            **row.lead.values,
            **row.more,
        }

    def _count(self, verdict: Verdict) -> None:
        report = self.report
        match verdict.row_class:
            case RowClass.UPDATED:
                report.updated += 1
            case RowClass.UNCHANGED:
                report.unchanged += 1
            case RowClass.SUPPRESSED:
                report.suppressed += 1
            case RowClass.DUPLICATE if verdict.in_file:
                report.repeated_in_file += 1
            case RowClass.DUPLICATE:
                report.already_known += 1

    def _remark(self, row: NumberedLead, verdict: Verdict) -> None:
        if verdict.row_class in (RowClass.CREATED, RowClass.UPDATED):
            for remark in row.lead.remarks:
                self.report.add_problem(row.number, remark)
        if self.report.wants_sample(verdict.row_class):
            why = _told(verdict.changes) if verdict.changes else verdict.why
            self.report.add_sample(
                verdict.row_class, row.number, text=named(row.lead.values), why=why
            )

    def _update(self, verdicts: Sequence[Verdict]) -> None:
        changes = {
            verdict.known["id"]: {
                name: new for name, (_old, new) in verdict.changes.items()
            }
            for verdict in verdicts
            if verdict.known is not None
        }
        told = write_columns(changes, known=self.matcher.columns)
        LeadEvent.objects.bulk_create(
            (
                LeadEvent(
                    lead_id=lead_id,
                    kind=LeadEvent.Kind.IMPORTED,
                    at=self.now,
                    by=self.by,
                    changes=change,
                    lead_import=self.record,
                )
                for lead_id, change in told.items()
            ),
            batch_size=STATEMENT,
        )


def numbered(
    rows: Iterable[Row], *, where: Columns, record: LeadImport, now: datetime
) -> Iterator[NumberedLead | Rejected]:
    today = timezone.localdate(now)
    for row in rows:
        try:
            lead = lead_row(
                where.cells(row), today=today, consent_source=record.consent_source
            )
        except RowRejected as exc:
            yield Rejected(row=row, reason=str(exc.reason))
            continue
        if (
            lead.values["consent"] == Consent.GIVEN
            and not lead.values["consent_source"]
        ):
            origin = _("Fichero %s") % record.name
            lead.values["consent_source"] = origin[:200]
        yield NumberedLead(number=row.number, lead=lead)


def batches(rows: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _told(changes: Mapping[str, tuple[Any, Any]]) -> str:
    """«Ciudad: Madrid → Sevilla», of the columns a person writes."""
    words = []
    for name, (old, new) in changes.items():
        if name.endswith("_e164") or name in ("community", "time_zone"):
            continue
        label = str(Lead._meta.get_field(name).verbose_name).capitalize()  # type: ignore[union-attr]
        words.append(f"{label}: {_shown(old)} → {_shown(new)}")
    return "; ".join(words[:CHANGES_SHOWN]) + ("…" if words[CHANGES_SHOWN:] else "")


def _shown(value: Any) -> str:
    if isinstance(value, datetime) or hasattr(value, "strftime"):
        return f"{value:%d/%m/%Y}"
    return str(value or "—")[:40]
