"""What staff do to many leads at once: planned, then done in one UPDATE, then undone.

A lead in a call keeps its status; only its wish changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import (
    Count,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, NullIf

from leads import suppressions
from leads.locks import is_lock
from leads.models import (
    BulkChange,
    CallStatus,
    Disposition,
    Lead,
    LeadEvent,
    Suppression,
)
from leads.verbs import Change, ChangeRefused, Verb, change_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

__all__ = ["ChangeRefused", "Plan", "Verb"]

UNDOABLE = (Verb.SELECT, Verb.DESELECT)
UNDOABLE_FOR = timedelta(days=1)
TRIES = 3
# These say that nobody should call any more, so the number is excluded too.
EXCLUDING = {
    Disposition.DO_NOT_CALL: Suppression.List.REQUEST,
    Disposition.WRONG_NUMBER: Suppression.List.WRONG_NUMBER,
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a change would do now: how many leads change, how many do not, and why."""

    total: int
    changed: int
    reasons: Sequence[tuple[StrOrPromise, int]]


# --- Plan, apply, undo --------------------------------------------------------------


def plan(
    leads: QuerySet[Lead], verb: str, values: Mapping[str, Any], *, now: datetime
) -> Plan:
    """One query. Raises ChangeRefused."""
    change = change_of(verb, values, now=now)
    counts = {"total": Count("pk"), "changed": Count("pk", filter=change.who)}
    before = Q()
    for at, (_label, condition) in enumerate(change.blockers):
        counts[f"blocked_{at}"] = Count("pk", filter=condition & ~before)
        before |= condition
    found = leads.order_by().aggregate(**counts)
    reasons = [
        (label, found[f"blocked_{at}"])
        for at, (label, _condition) in enumerate(change.blockers)
        if found[f"blocked_{at}"]
    ]
    return Plan(total=found["total"], changed=found["changed"], reasons=reasons)


def apply(
    leads: QuerySet[Lead],
    verb: str,
    values: Mapping[str, Any],
    *,
    now: datetime,
    by: User | None,
    filter_query: str = "",
) -> BulkChange:
    """Change them, with a line on the timeline of each. Raises ChangeRefused."""
    for left in reversed(range(TRIES)):
        try:
            return _apply(
                leads, verb, values, now=now, by=by, filter_query=filter_query
            )
        except OperationalError as exc:
            # Calls that end meanwhile lock leads in another order.
            if not left or connection.in_atomic_block or not is_lock(exc):
                raise
    raise AssertionError("the last try returned or raised")


@transaction.atomic
def _apply(
    leads: QuerySet[Lead],
    verb: str,
    values: Mapping[str, Any],
    *,
    now: datetime,
    by: User | None,
    filter_query: str,
) -> BulkChange:
    change = change_of(verb, values, now=now)
    record = BulkChange.objects.create(
        verb=verb, values=dict(values), filter_query=filter_query, by=by, at=now
    )
    rows = leads.order_by().filter(change.who)
    logged = _log(rows, record)
    while logged < rows.count() and (missed := _missed(rows, record)):
        logged += _log(rows.filter(pk__in=missed), record)
    changed = rows.update(**change.columns, updated_at=now)
    _exclude_numbers(record, values)
    BulkChange.objects.filter(pk=record.pk).update(changed=changed)
    record.changed = changed
    return record


def _missed(rows: QuerySet[Lead], record: BulkChange) -> list[int]:
    """Leads that a call moved, as it began, in the index by which they were looked for:
    from where it was waited for them to where they had been looked for already."""
    done = LeadEvent.objects.filter(bulk_change=record).values("lead_id")
    return [*rows.exclude(pk__in=done).values_list("pk", flat=True)]


def last_undoable(by: User, *, now: datetime) -> BulkChange | None:
    """The last time that this person selected or deselected leads, if not undone."""
    last = (
        BulkChange.objects.filter(by=by, verb__in=UNDOABLE, changed__gt=0)
        .filter(at__gt=now - UNDOABLE_FOR)
        .order_by("id")
        .last()
    )
    return None if last is None or last.undone_at else last


@transaction.atomic
def undo(record: BulkChange, *, by: User | None, now: datetime) -> int:
    """Put the leads back as they were, except those that have moved on since: called,
    in a call, or changed again. Twice changes nothing the second time."""
    mine = BulkChange.objects.filter(pk=record.pk, undone_at=None, verb__in=UNDOABLE)
    mine = mine.filter(at__gt=now - UNDOABLE_FOR)
    if not mine.update(undone_at=now, undone_by=by):
        return 0
    before = LeadEvent.objects.filter(bulk_change=record, lead_id=OuterRef("pk"))
    since = Q(bulk_change_id__gt=record.pk) | Q(bulk_change=None, at__gt=record.at)
    later = LeadEvent.objects.filter(since, lead_id=OuterRef("pk")).exclude(
        kind=LeadEvent.Kind.NOTE
    )
    # A call was on: what its end made of the lead stands.
    idle = LeadEvent.objects.filter(bulk_change=record).exclude(
        status_before=CallStatus.CALLING
    )
    as_left = Lead.objects.filter(
        Q(last_call_attempt=None) | Q(last_call_attempt__lt=record.at),
        pk__in=idle.values("lead_id"),
        selected_for_calling=record.verb == Verb.SELECT,
    )
    return (
        as_left.exclude(call_status=CallStatus.CALLING)
        .exclude(Exists(later))
        .update(
            call_status=Subquery(before.values("status_before")[:1]),
            selected_for_calling=Subquery(before.values("was_selected")[:1]),
            pearl_outbound_id=NullIf(
                Subquery(before.values("outbound_before")[:1]), Value("")
            ),
            next_call_at=Subquery(before.values("next_call_before")[:1]),
            updated_at=now,
        )
    )


def _log(rows: QuerySet[Lead], record: BulkChange) -> int:
    """One INSERT … SELECT; returns of how many. The rows are locked, so the UPDATE
    finds the same ones."""
    null = Value(None, output_field=IntegerField())
    values = {
        "kind": Value(LeadEvent.Kind.CHANGED),
        "at": Value(record.at, output_field=DateTimeField()),
        "by_id": Value(record.by_id, output_field=IntegerField()),
        "text": Value(""),
        "changes": Value("{}"),
        "lead_import_id": null,
        "bulk_change_id": Value(record.pk),
        "status_before": F("call_status"),
        "was_selected": F("selected_for_calling"),
        "outbound_before": Coalesce("pearl_outbound_id", Value("")),
        "next_call_before": F("next_call_at"),
    }
    chosen = rows.select_for_update().annotate(
        **{f"event_{name}": value for name, value in values.items()}
    )
    chosen = chosen.values_list("pk", *(f"event_{name}" for name in values))
    try:
        select_sql, params = chosen.query.sql_with_params()
    except EmptyResultSet:
        return 0  # nobody was chosen
    table, quote = LeadEvent._meta.db_table, connection.ops.quote_name
    columns = ", ".join(quote(name) for name in ("lead_id", *values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(table)} ({columns}) {select_sql}", params)
        return int(cursor.rowcount)


def _exclude_numbers(record: BulkChange, values: Mapping[str, Any]) -> None:
    if record.verb == Verb.EXCLUDE:
        on_list = values["list"]
    elif record.verb == Verb.DISPOSITION and values["disposition"] in EXCLUDING:
        on_list = EXCLUDING[values["disposition"]]
    else:
        return
    suppressions.exclude(
        Lead.objects.filter(events__bulk_change=record),
        list=Suppression.List(on_list),
        reason=str(values.get("reason", ""))[:200],
        by=record.by,
        now=record.at,
    )


# --- Without a record, for the system itself ----------------------------------------


def select(leads: QuerySet[Lead], *, outbound_id: str, now: datetime) -> int:
    """Put leads in the queue of a campaign, behind those already due."""
    return _do(
        leads, change_of(Verb.SELECT, {"outbound_id": outbound_id}, now=now), now=now
    )


def deselect(leads: QuerySet[Lead], *, now: datetime) -> int:
    return _do(leads, change_of(Verb.DESELECT, {}, now=now), now=now)


def reset(leads: QuerySet[Lead], *, now: datetime) -> int:
    return _do(leads, change_of(Verb.RESET, {}, now=now), now=now)


def change_one(
    lead_id: int, verb: str, values: Mapping[str, Any], *, now: datetime
) -> bool:
    """Raises ChangeRefused."""
    lead = Lead.objects.filter(pk=lead_id)
    return _do(lead, change_of(verb, values, now=now), now=now) == 1


def _do(leads: QuerySet[Lead], change: Change, *, now: datetime) -> int:
    rows = leads.order_by().filter(change.who)
    return rows.update(**change.columns, updated_at=now)
