"""The two steps over all rows: the preview, and the one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import headers, import_files
from leads.columns import Columns, lead_columns
from leads.csv_files import UnreadableFile
from leads.import_files import Progress
from leads.import_process import Spooled
from leads.import_report import WARNINGS, Report, RowClass
from leads.import_rows import Pass, Rejected, numbered
from leads.import_states import (
    GONE,
    NOT_NOW,
    OUR_FAULT,
    ImportChanged,
    fail,
    working,
)
from leads.locks import is_lock, one_adds_leads
from leads.matching import Matcher, NumberedLead
from leads.models import ImportSource, Lead, LeadEvent, LeadImport

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = LeadImport.State
Tell = Callable[[int, int], None]

# Another import may hold the lock for as long as it takes to write its rows.
LOCK_TRIES = 5
OTHERS = gettext_lazy(
    "Otra importación está escribiendo sus leads: espere a que termine y súbalo otra "
    "vez."
)
# Those people are not in the system: of them nothing is kept but the row's number.
NOT_KEPT = (RowClass.DUPLICATE, RowClass.SUPPRESSED, RowClass.REJECTED)


def read(
    record: LeadImport,
    *,
    mapping: Mapping[str, str],
    consent_source: str = "",
    update_existing: bool = True,
    now: datetime,
    progress: Tell | None = None,
    lock: int | None = None,
) -> Report:
    """The preview: what a commit would do. Raises UnreadableFile.

    `lock`: see import_files.at_work.
    """
    with working(record, lock=lock):
        _require(record, State.UPLOADED, State.READ)
        found = spooled(record)
        where = lead_columns(found.header, mapping)
        record.mapping = dict(mapping)
        record.consent_source = consent_source
        record.update_existing = update_existing
        kept = import_files.RejectedRows(record.stored_as, found.header)
        one = _pass(record, where, now=now, write=False)
        one.reject = lambda rejected: kept.add(rejected.row, rejected.reason)
        try:
            report = one.over(
                _candidates(record, where, now=now),
                tell=_teller(record, found.rows, phase="read", progress=progress),
            )
        finally:
            has_rejected = kept.close()
        warnings = [str(WARNINGS[code]) for code in found.warnings]
        report.warnings[:0] = [*_seen_before(record), *warnings]
        _keep(record, report, state=State.READ, has_rejected=has_rejected)
        return report


def commit(
    record: LeadImport,
    *,
    by: User | None,
    now: datetime,
    progress: Tell | None = None,
    lock: int | None = None,
) -> Report:
    """All of it in one transaction, told anew: others may have worked since.

    Raises ImportChanged. On any error the leads are as before and the state is FAILED.
    """
    with working(record, lock=lock):
        _require(record, State.READ)
        found = spooled(record)
        fresh = LeadImport.objects.filter(pk=record.pk, state=State.READ)
        if not fresh.update(state=State.RUNNING, error=""):
            raise ImportChanged(NOT_NOW)
        try:
            report = _write(record, found, by=by, now=now, progress=progress)
        except ImportChanged as exc:
            fail(record, exc.reason)
            raise
        except BaseException:
            fail(record, OUR_FAULT)
            raise
        import_files.forget(record.stored_as, import_files.PASSING)
        return report


def spooled(record: LeadImport) -> Spooled:
    try:
        return import_files.spooled(record.stored_as)
    except FileNotFoundError as exc:
        raise ImportChanged(GONE) from exc
    except UnreadableFile as exc:
        fail(record, exc.reason)
        raise


def _require(record: LeadImport, *states: str) -> None:
    """Taken anew: the object may be older than somebody's press of a button."""
    record.refresh_from_db(fields=["state"])
    if record.state not in states:
        raise ImportChanged(NOT_NOW)


def _candidates(
    record: LeadImport, where: Columns, *, now: datetime
) -> Iterator[NumberedLead | Rejected]:
    rows = import_files.rows(record.stored_as)
    return numbered(rows, where=where, record=record, now=now)


def _pass(
    record: LeadImport,
    where: Columns,
    *,
    now: datetime,
    write: bool,
    by: User | None = None,
) -> Pass:
    matcher = Matcher(
        mapped=where.positions, update_existing=record.update_existing, now=now
    )
    return Pass(
        record=record,
        matcher=matcher,
        now=now,
        write=write,
        by=by,
        report=Report(unknown_headers=where.unknown),
    )


def _write(
    record: LeadImport,
    found: Spooled,
    *,
    by: User | None,
    now: datetime,
    progress: Tell | None,
) -> Report:
    tell = _teller(record, found.rows, phase="commit", progress=progress)
    for left in reversed(range(LOCK_TRIES)):
        tell(0)
        try:
            return _write_once(record, found, by=by, now=now, tell=tell)
        except OperationalError as exc:
            if not is_lock(exc):
                raise
            if not left:
                raise ImportChanged(OTHERS) from exc
    raise AssertionError("the last try returned or raised")


@transaction.atomic
def _write_once(
    record: LeadImport,
    found: Spooled,
    *,
    by: User | None,
    now: datetime,
    tell: Callable[[int], None],
) -> Report:
    one_adds_leads()
    locked = LeadImport.objects.select_for_update().filter(pk=record.pk)
    if [one.state for one in locked] != [State.RUNNING]:
        raise ImportChanged(NOT_NOW)
    where = lead_columns(found.header, record.mapping)
    one = _pass(record, where, now=now, write=True, by=by)
    report = one.over(_candidates(record, where, now=now), tell=tell)
    report.warnings = record.details.get("warnings", [])
    # What was filled in may be what held them: they are asked about again.
    updated = LeadEvent.objects.filter(lead_import=record).values("lead_id")
    Lead.objects.filter(pk__in=updated).held().give_turn(now=now)
    record.done_at = now
    has_rejected = bool(record.details.get("rejected_file"))
    _keep(record, report, state=State.DONE, has_rejected=has_rejected)
    _remember(record)
    return report


def _keep(
    record: LeadImport, report: Report, *, state: str, has_rejected: bool
) -> None:
    rejected_file = f"{record.stored_as}.{import_files.REJECTED}"
    details = report.details | {"rejected_file": rejected_file if has_rejected else ""}
    if state == State.DONE:
        for row_class in NOT_KEPT:
            for sample in details["samples"].get(row_class, ()):
                sample["text"] = ""
    changes: dict[str, Any] = {
        **report.counts,
        "rows": report.rows,
        "problems": report.problems,
        "details": details,
        "state": state,
        "error": "",
        "mapping": record.mapping,
        "consent_source": record.consent_source,
        "update_existing": record.update_existing,
        "done_at": record.done_at,
    }
    LeadImport.objects.filter(pk=record.pk).update(**changes)
    for name, value in changes.items():
        setattr(record, name, value)


def _remember(record: LeadImport) -> None:
    """How this source's columns were understood; "" too: not kept is an answer."""
    if record.source_id is None:
        return
    source = ImportSource.objects.select_for_update().get(pk=record.source_id)
    said = {headers.key(name): field for name, field in record.mapping.items()}
    source.mapping = {**source.mapping, **said}
    if record.consent_source:
        source.consent_source = record.consent_source
    source.save(update_fields=["mapping", "consent_source", "updated_at"])


def _seen_before(record: LeadImport) -> list[str]:
    same = LeadImport.objects.filter(sha256=record.sha256, state=State.DONE)
    before = same.exclude(pk=record.pk).order_by("-created_at").first()
    if before is None:
        return []
    words = _("Este mismo fichero ya se importó el {date}.")
    at = timezone.localtime(before.done_at or before.created_at)
    return [words.format(date=formats.date_format(at, "SHORT_DATE_FORMAT"))]


def _teller(
    record: LeadImport, total: int, *, phase: str, progress: Tell | None
) -> Callable[[int], None]:
    def tell(done: int) -> None:
        import_files.write_progress(
            record.stored_as, Progress(done=done, total=total, phase=phase)
        )
        if progress is not None:
            progress(done, total)

    return tell
