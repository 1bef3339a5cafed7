"""Files of leads, and of numbers never to be called, into the database whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedIOBase
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from leads import columns
from leads.columns import Columns, LeadRow, RowRejected
from leads.csv_files import Row, UnreadableFile, read_table
from leads.models import Consent, Lead, LeadImport, Suppression

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

BATCH = 1000
PROBLEMS_KEPT = 1000

T = TypeVar("T")


@dataclass(kw_only=True)
class Report:
    """What became of each row of a file. Every row is in exactly one class."""

    created: int = 0
    repeated_in_file: int = 0
    already_known: int = 0
    suppressed: int = 0
    rejected: int = 0
    rows: int = 0
    without_clock: int = 0
    without_consent: int = 0
    unknown_headers: Sequence[str] = ()
    problems: list[dict[str, Any]] = field(default_factory=list)

    @property
    def duplicates(self) -> int:
        return self.repeated_in_file + self.already_known

    def add_problem(self, row: int, reason: StrOrPromise) -> None:
        """Only words of ours: numbers and names stay in the file."""
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append({"row": row, "reason": str(reason)})

    def check_sum(self) -> None:
        classes = self.created + self.duplicates + self.suppressed + self.rejected
        if classes != self.rows:
            raise RuntimeError(f"{self.rows} rows read, {classes} accounted for")


@dataclass(frozen=True, kw_only=True)
class NumberedLead:
    """A row that makes a lead, unless its number is known or never to be called."""

    number: int
    lead: LeadRow

    @property
    def phone(self) -> str:
        return str(self.lead.values["phone_e164"])


@transaction.atomic
def import_leads(
    file: BufferedIOBase,
    *,
    name: str,
    now: datetime,
    consent_source: str = "",
    by: User | None = None,
) -> tuple[LeadImport, Report]:
    """Add the leads of a CSV that are not there yet. Raises UnreadableFile.

    `consent_source`: where it is kept that these people agreed to automatic calls.
    """
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    table = read_table(file, recognised=columns.recognised)
    where = columns.lead_columns(table.header)
    report = Report(unknown_headers=where.unknown)
    record = LeadImport.objects.create(
        name=name[:255], sha256=digest, created_by=by, created_at=now
    )
    reader = _LeadReader(
        where=where, report=report, consent_source=consent_source, now=now
    )
    for batch in _batches(table.rows):
        _add_leads(reader.read(batch), record=record, report=report, now=now)
    _finish(record, report)
    return record, report


@dataclass(kw_only=True)
class _LeadReader:
    """Rows to leads; it remembers the numbers of the whole file, and only those."""

    where: Columns
    report: Report
    consent_source: str
    now: datetime
    seen: set[str] = field(default_factory=set)

    def read(self, batch: Iterable[Row]) -> list[NumberedLead]:
        """The leads of these rows whose number did not come before in the file."""
        found = []
        today = timezone.localdate(self.now)
        for row in batch:
            self.report.rows += 1
            try:
                lead = columns.lead_row(
                    self.where.cells(row),
                    today=today,
                    consent_source=self.consent_source,
                )
            except RowRejected as exc:
                self.report.rejected += 1
                self.report.add_problem(row.number, exc.reason)
                continue
            numbered = NumberedLead(number=row.number, lead=lead)
            if numbered.phone in self.seen:
                self.report.repeated_in_file += 1
                continue
            self.seen.add(numbered.phone)
            found.append(numbered)
        return found


def _add_leads(
    found: Sequence[NumberedLead],
    *,
    record: LeadImport,
    report: Report,
    now: datetime,
) -> None:
    """Three statements for a batch: never one for a row."""
    phones = [one.phone for one in found]
    suppressed = _phones_in(Suppression, phones)
    known = _phones_in(Lead, phones)
    new = []
    for one in found:
        if one.phone in suppressed:
            report.suppressed += 1
        elif one.phone in known:
            report.already_known += 1
        else:
            new.append(_lead(one, record=record, now=now))
            _note_created(one, new[-1], report=report)
    Lead.objects.bulk_create(new, batch_size=BATCH)


def _lead(one: NumberedLead, *, record: LeadImport, now: datetime) -> Lead:
    lead = Lead(
        **one.lead.values,
        source_file=record.name,
        source_row=one.number,
        lead_import=record,
        created_at=now,
    )
    if lead.consent == Consent.GIVEN and not lead.consent_source:
        lead.consent_source = (_("Fichero %s") % record.name)[:200]
    return lead


def _note_created(one: NumberedLead, lead: Lead, *, report: Report) -> None:
    report.created += 1
    report.without_clock += not lead.time_zone
    report.without_consent += lead.consent != Consent.GIVEN
    for remark in one.lead.remarks:
        report.add_problem(one.number, remark)


def _finish(record: LeadImport, report: Report) -> None:
    if not report.rows:
        raise UnreadableFile.because("only_header")
    report.check_sum()
    record.rows = report.rows
    record.created = report.created
    record.duplicates = report.duplicates
    record.suppressed = report.suppressed
    record.rejected = report.rejected
    record.problems = report.problems
    record.save()


@transaction.atomic
def import_suppressions(file: BufferedIOBase, *, now: datetime) -> Report:
    """Numbers never to be called. One that the system had proposed becomes firm.

    Raises UnreadableFile.
    """
    table = read_table(file, recognised=columns.recognised)
    where = columns.suppression_columns(table.header)
    report = Report(unknown_headers=where.unknown)
    for batch in _batches(table.rows):
        _add_suppressions(batch, where=where, report=report, now=now)
    if not report.rows:
        raise UnreadableFile.because("only_header")
    report.check_sum()
    return report


def _add_suppressions(
    batch: Iterable[Row], *, where: Columns, report: Report, now: datetime
) -> None:
    found: dict[str, Suppression] = {}
    for row in batch:
        report.rows += 1
        try:
            values = columns.suppression_row(where.cells(row))
        except RowRejected as exc:
            report.rejected += 1
            report.add_problem(row.number, exc.reason)
            continue
        if values["phone_e164"] in found:
            report.repeated_in_file += 1
        else:
            found[values["phone_e164"]] = Suppression(**values, created_at=now)
    known = _phones_in(Suppression, found)
    report.already_known += len(known)
    report.created += len(found) - len(known)
    Suppression.objects.filter(phone_e164__in=known, proposed=True).update(
        proposed=False
    )
    Suppression.objects.bulk_create(
        [one for phone, one in found.items() if phone not in known],
        batch_size=BATCH,
    )


def _phones_in(model: type[Lead | Suppression], phones: Iterable[str]) -> set[str]:
    rows = model._default_manager.filter(phone_e164__in=list(phones))
    return set(rows.values_list("phone_e164", flat=True))


def _batches(rows: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
