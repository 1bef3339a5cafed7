"""Files of leads into the database: looked at, previewed, and then whole or not at all.

store -> look -> read (the preview: it writes only its own record) -> commit -> undo.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from leads import headers, import_files
from leads.columns import BadMapping, lead_columns
from leads.csv_files import UnreadableFile
from leads.import_background import start_in_background
from leads.import_files import Progress
from leads.import_report import WARNINGS, Report
from leads.import_states import (
    BUSY,
    GONE,
    NOT_NOW,
    OUR_FAULT,
    ImportChanged,
    fail,
    note_lost,
)
from leads.import_steps import Tell, commit, read, spooled
from leads.import_undo import undo, why_not_undo
from leads.models import ImportSource, Lead, LeadImport
from leads.suppression_files import import_suppressions

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

__all__ = [
    "BadMapping",
    "ImportChanged",
    "Progress",
    "Report",
    "Sheet",
    "UnreadableFile",
    "commit",
    "continue_in_background",
    "discard",
    "forget_files_older_than",
    "import_file",
    "import_suppressions",
    "look",
    "progress_of",
    "read",
    "rejected_rows_csv",
    "start_in_background",
    "store",
    "undo",
    "why_not_undo",
]

logger = logging.getLogger(__name__)

State = LeadImport.State

DAYS_KEPT = 30


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What an upload looks like, for choosing what its columns mean."""

    header: Sequence[str]  # each one once: a repeated one is "TELEFONO (2)"
    sample: Sequence[Sequence[str]]  # the first five rows
    suggested: dict[str, str]  # header -> field of the lead; "" = not kept
    fields: Sequence[tuple[str, StrOrPromise]]  # what can be chosen; phone is needed
    rows: int
    sheet_names: Sequence[str] = ()  # the first is the one that is read
    warnings: Sequence[str] = ()
    remembered: bool = False


def store(
    file: Any,
    *,
    name: str,
    by: User | None,
    now: datetime,
    source: ImportSource | None = None,
) -> LeadImport:
    """Keep an upload. Raises UnreadableFile."""
    forget_files_older_than(DAYS_KEPT, now=now)
    stored_as, digest = import_files.keep(file)
    return LeadImport.objects.create(
        name=name[:255],
        sha256=digest,
        state=State.UPLOADED,
        source=source,
        consent_source=source.consent_source if source else "",
        stored_as=stored_as,
        created_by=by,
        created_at=now,
    )


def look(record: LeadImport) -> Sheet:
    """Raises UnreadableFile; then the import has failed and its file is gone."""
    found = spooled(record)
    remembered = record.source.mapping if record.source else {}
    suggested = headers.suggested(found.header, remembered=remembered)
    if record.mapping:
        suggested = {name: record.mapping.get(name, "") for name in found.header}
    return Sheet(
        header=found.header,
        sample=found.sample,
        suggested=suggested,
        fields=[
            (field, Lead._meta.get_field(field).verbose_name)  # type: ignore[union-attr]
            for field in headers.LEAD_HEADERS
        ],
        rows=found.rows,
        sheet_names=found.sheet_names,
        warnings=[str(WARNINGS[code]) for code in found.warnings],
        remembered=any(headers.key(name) in remembered for name in found.header),
    )


def import_file(
    file: Any,
    *,
    name: str,
    now: datetime,
    by: User | None = None,
    source: ImportSource | None = None,
    mapping: Mapping[str, str] | None = None,
    consent_source: str = "",
    update_existing: bool = True,
    dry_run: bool = False,
    progress: Tell | None = None,
) -> tuple[LeadImport, Report]:
    """From the file to the leads without a person in between. Raises UnreadableFile;
    then, and after a dry run, no record is left."""
    record = store(file, name=name, by=by, now=now, source=source)
    try:
        sheet = look(record)
        mapping = sheet.suggested if mapping is None else mapping
        if "phone" not in mapping.values():
            lead_columns(sheet.header)  # raises, and names the headers
        report = read(
            record,
            mapping=mapping,
            consent_source=consent_source or record.consent_source,
            update_existing=update_existing,
            now=now,
            progress=None if not dry_run else progress,
        )
        if not dry_run:
            commit(record, by=by, now=now, progress=progress)
    except UnreadableFile:
        discard(record)
        raise
    if dry_run:
        discard(record)
    return record, report


def rejected_rows_csv(record: LeadImport) -> Iterator[str]:
    """Nothing, once they were forgotten."""
    return import_files.rejected_csv(record.stored_as) if record.stored_as else iter(())


def progress_of(record: LeadImport) -> Progress | None:
    """None: nobody is at work on it. A RUNNING one that was killed turns FAILED."""
    found = import_files.progress(record.stored_as)
    if found is None:
        note_lost(record)
    return found


def discard(record: LeadImport) -> None:
    """Give up an import that changed nothing. Raises ImportChanged."""
    if import_files.is_anyone_at_work(record.stored_as):
        raise ImportChanged(BUSY)
    changed = [State.DONE, State.RUNNING, State.UNDONE]
    if (
        not LeadImport.objects.filter(pk=record.pk)
        .exclude(state__in=changed)
        .delete()[0]
    ):
        raise ImportChanged(NOT_NOW)
    import_files.forget(record.stored_as)


def forget_files_older_than(days: int, *, now: datetime | None = None) -> int:
    """Uploads that nobody went on with, and rejected rows that nobody corrected."""
    before = (now or timezone.now()) - timedelta(days=days)
    old = LeadImport.objects.filter(created_at__lt=before).exclude(stored_as="")
    for record in old:
        if record.state in (State.UPLOADED, State.READ):
            fail(record, GONE)
        import_files.forget(record.stored_as)
    old.update(stored_as="")
    return import_files.forget_older_than(days * 24 * 3600)


def continue_in_background(
    record: LeadImport, *, step: str, by: User | None, lock: int | None = None
) -> None:
    """What start_in_background started. What went wrong is on the record."""
    now = timezone.now()
    try:
        if step == "commit":
            commit(record, by=by, now=now, lock=lock)
        else:
            read(
                record,
                mapping=record.mapping,
                consent_source=record.consent_source,
                update_existing=record.update_existing,
                now=now,
                lock=lock,
            )
    except BadMapping as exc:
        LeadImport.objects.filter(pk=record.pk).update(error=str(exc.reason))
    except UnreadableFile:
        pass  # on the record already
    except Exception:
        logger.exception("import %s failed", record.pk)
        fail(record, OUR_FAULT)
