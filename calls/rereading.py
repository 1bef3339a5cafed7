"""History read again by the newest version of the table: counted first, then done.

Range after range of ids, each in a transaction of its own, so it may stop anywhere and
go on later. No raw code changes, no attempt is un-ended, and no lead enters the queue.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Max

from calls import claims, outcome_table
from calls.evidence import Evidence
from calls.lead_ending import NO_CALL, Ending
from calls.models import CallAttempt, OutcomeChange, Rereading
from calls.outcome_table import Table
from calls.states import Outcome, State
from leads.models import CallStatus, Lead

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Step = Rereading.State
UNFINISHED = (Step.COUNTING, Step.COUNTED, Step.DOING)
COUNTED_AT_ONCE = 50_000
LOOKED_AT_AT_ONCE = 5_000
CHANGED_AT_ONCE = 200
CODES = ("call_code", "conversation_code", "request_code", "duration_seconds")
READ = (*CODES, "outcome", "outcome_version")


def unfinished() -> Rereading | None:
    return Rereading.objects.filter(state__in=UNFINISHED).order_by("pk").last()


@transaction.atomic
def begin(*, by: User | None, now: datetime) -> Rereading:
    """Count what would change; the one that is not finished, if there is one."""
    known = unfinished()
    if known is not None:
        return known
    return Rereading.objects.create(
        version=outcome_table.current().version,
        up_to_id=CallAttempt.objects.aggregate(last=Max("pk"))["last"] or 0,
        made_by=by,
        made_at=now,
    )


def do_it(rereading_id: int) -> bool:
    """What was counted is to be done. False: it was not waiting for that."""
    counted = Rereading.objects.filter(pk=rereading_id, state=Step.COUNTED)
    return counted.update(state=Step.DOING, last_id=0, seen=0) == 1


def drop(rereading_id: int, *, now: datetime) -> bool:
    """Not to be done, or no further. What is changed stays."""
    mine = Rereading.objects.filter(pk=rereading_id, state__in=UNFINISHED)
    return mine.update(state=Step.DROPPED, finished_at=now) == 1


@transaction.atomic
def go_on(rereading_id: int, *, now: datetime) -> Rereading:
    """One range more. Two who press at once do one range each."""
    record = Rereading.objects.select_for_update().get(pk=rereading_id)
    if record.state not in (Step.COUNTING, Step.DOING):
        return record
    table = outcome_table.current()
    if table.version != record.version:
        # What was counted is not what would be done.
        record.state, record.finished_at = Step.DROPPED, now
    elif record.state == Step.COUNTING:
        _count(record, table)
        if record.last_id >= record.up_to_id:
            record.state = Step.COUNTED
    else:
        _do(record, table, now=now)
        if record.last_id >= record.up_to_id:
            record.state, record.finished_at = Step.DONE, now
    record.save()
    return record


# --- One range ----------------------------------------------------------------------


def _ended(record: Rereading, *, at_once: int) -> tuple[Any, int]:
    until = min(record.last_id + at_once, record.up_to_id)
    rows = CallAttempt.objects.filter(
        pk__gt=record.last_id, pk__lte=until, state=State.ENDED, corrected_at=None
    )
    return rows, until


def _count(record: Rereading, table: Table) -> None:
    rows, until = _ended(record, at_once=COUNTED_AT_ONCE)
    told = Counter(record.counted)
    for *read, count in rows.values_list(*READ).annotate(Count("id")).order_by():
        row = dict(zip(READ, read, strict=True))
        record.seen += count
        ending = _becomes(row, table)
        if ending is not None:
            told[_name(row["outcome"], ending)] += count
    record.counted, record.last_id = dict(told), until


def _do(record: Rereading, table: Table, *, now: datetime) -> None:
    rows, until = _ended(record, at_once=LOOKED_AT_AT_ONCE)
    found: list[tuple[int, int]] = []
    for pk, lead_id, *read in rows.order_by("pk").values_list("pk", "lead_id", *READ):
        if _becomes(dict(zip(READ, read, strict=True)), table) is not None:
            found.append((pk, lead_id))
        if len(found) == CHANGED_AT_ONCE:
            until = pk
            break
    if found:
        _change(record, found, table, now=now)
    record.last_id = until


def _becomes(row: Mapping[str, Any], table: Table) -> Ending | None:
    """How the call ended by this table; None: as it stands, or not understood."""
    read = Evidence(**{name: row[name] for name in CODES}).outcome_by(table)
    if not read:
        return None
    before = outcome_table.of_version(row["outcome_version"])
    was = Ending(outcome=Outcome(row["outcome"]), table=before)
    ending = Ending(outcome=read, table=table)
    is_as_it_was = (read, ending.status) == (was.outcome, was.status)
    # One that is retried from now on puts nobody in the queue: nothing changes.
    stays = ending.meaning.retry or not was.meaning.retry
    return None if is_as_it_was and stays else ending


def _name(before: str, ending: Ending) -> str:
    return f"{before}>{ending.outcome.value}"


# --- The changes of one range -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Change:
    attempt: CallAttempt
    was: Ending
    ending: Ending


def _change(
    record: Rereading,
    found: Sequence[tuple[int, int]],
    table: Table,
    *,
    now: datetime,
) -> None:
    leads = _locked_leads({lead_id for _pk, lead_id in found})
    changes = [*_locked_changes([pk for pk, _lead_id in found], table)]
    done: Counter[str] = Counter(record.done)
    by_ending: dict[tuple[str, str], list[_Change]] = defaultdict(list)
    for change in changes:
        before = change.attempt.outcome
        done[_name(before, change.ending)] += 1
        by_ending[before, change.ending.outcome.value].append(change)
    for (before, after), alike in by_ending.items():
        pks = [change.attempt.pk for change in alike]
        claims.reread(pks, before=before, outcome=after, version=table.version, now=now)
    _tell(record, changes, now=now)
    record.done = dict(done)
    record.leads_changed += _show(changes, leads, now=now)


def _locked_leads(pks: set[int]) -> dict[int, Lead]:
    """The leads before their attempts, always, and in one order."""
    rows = Lead.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    columns = ("call_status", "selected_for_calling", "callback_at")
    return {lead.pk: lead for lead in rows.only(*columns)}


def _locked_changes(pks: Sequence[int], table: Table) -> Iterable[_Change]:
    """As they are now that nobody else writes them."""
    rows = CallAttempt.objects.select_for_update().filter(
        pk__in=pks, state=State.ENDED, corrected_at=None
    )
    for attempt in rows.order_by("pk").only("lead_id", "is_test", *READ):
        row = {name: getattr(attempt, name) for name in READ}
        ending = _becomes(row, table)
        if ending is not None:
            was = Ending.of_attempt(attempt)
            yield _Change(attempt=attempt, was=was, ending=ending)


def _tell(record: Rereading, changes: Sequence[_Change], *, now: datetime) -> None:
    OutcomeChange.objects.bulk_create(
        OutcomeChange(
            attempt=change.attempt,
            before=change.was.outcome,
            after=change.ending.outcome,
            version=change.ending.table.version,
            at=now,
            by_id=record.made_by_id,
            rereading=record,
        )
        for change in changes
    )


def _show(
    changes: Sequence[_Change], leads: Mapping[int, Lead], *, now: datetime
) -> int:
    """Leads that show one of these calls follow; returns how many. Whom the call is no
    longer a reason to call again leaves the queue; a promise stands."""
    last = _last_calls(leads)
    shown: dict[Outcome, list[int]] = defaultdict(list)
    leaving: list[int] = []
    ending_of: dict[Outcome, Ending] = {}
    for change in changes:
        lead = leads.get(change.attempt.lead_id)
        if lead is None or not _still_shows(change, lead, last):
            continue
        ending_of[change.ending.outcome] = change.ending
        shown[change.ending.outcome].append(lead.pk)
        if not change.ending.meaning.retry and lead.callback_at is None:
            leaving.append(lead.pk)
    for outcome, pks in shown.items():
        status = ending_of[outcome].status
        error = str(outcome.label) if status == CallStatus.ERROR else None
        Lead.objects.filter(pk__in=pks).update(
            call_status=status, call_error_message=error, updated_at=now
        )
    Lead.objects.filter(pk__in=leaving, selected_for_calling=True).update(
        selected_for_calling=False, next_call_at=None, updated_at=now
    )
    return sum(map(len, shown.values()))


def _still_shows(change: _Change, lead: Lead, last: Mapping[int, int]) -> bool:
    if change.attempt.is_test or last.get(lead.pk) != change.attempt.pk:
        return False
    return lead.call_status == change.was.status


def _last_calls(leads: Mapping[int, Lead]) -> dict[int, int]:
    calls = CallAttempt.objects.filter(lead_id__in=leads).exclude(state__in=NO_CALL)
    return dict(calls.values_list("lead_id").annotate(Max("pk")).order_by())
