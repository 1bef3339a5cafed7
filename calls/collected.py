"""What calls collected, in typed values: taken in, read again, settled by people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as column
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.timezone import localdate

from calls import collected_fields, opt_outs
from calls.collected_fields import as_said
from calls.evidence import as_text
from calls.models import (
    CallAttempt,
    CollectedField,
    CollectedValue,
    CollectedValueChange,
    PearlEvent,
    typed_columns,
)
from calls.pearl import CallReport, UnreadableEvent, parse_webhook
from calls.states import State
from calls.typed_values import Problem, Typed, is_nothing, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BATCH = 500
LONGEST_NAME = 200
READ_COLUMNS = (
    "name",
    "raw",
    "state",
    "problem",
    "kind",
    *typed_columns(None, kind=""),
    "source",
    "field_version",
    "read_at",
)

Meaning = CollectedField.Meaning
ValueState = CollectedValue.State


# --- Asking -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Values:
    """What a call says for certain. None: nothing, or what a person must review first.

    `prefers`: the code of one of the field's choices, such as `morning`.
    `interest_is_unclear`: what was said of it waits for a person.
    """

    wished_date: date | None = None
    wished_time: time | None = None
    is_interested: bool | None = None
    interest_is_unclear: bool = False
    prefers: str | None = None


def values_of(attempt: CallAttempt) -> Values:
    """Of a test, none: nobody was called."""
    rows = CollectedValue.objects.filter(
        attempt=attempt,
        state__in=[*CollectedValue.USABLE, ValueState.REVIEW],
        field__meaning__isnull=False,
    ).select_related("field")
    found = {row.field.meaning: row.value for row in rows}
    unclear = {row.field.meaning for row in rows if row.state == ValueState.REVIEW}

    def of(meaning: Meaning, kind: type) -> Any:
        value = found.get(meaning)
        # Exactly: a moment is a date to isinstance.
        return value if type(value) is kind else None

    return Values(
        wished_date=of(Meaning.WISHED_DATE, date),
        wished_time=of(Meaning.WISHED_TIME, time),
        is_interested=of(Meaning.IS_INTERESTED, bool),
        interest_is_unclear=Meaning.IS_INTERESTED in unclear,
        prefers=of(Meaning.PREFERS, str),
    )


# --- Taking in ----------------------------------------------------------------------


@transaction.atomic
def take_in(attempt: CallAttempt, *, now: datetime) -> None:
    """Read what the call collected and what was said in it, as far as it is known by
    now. Doing it again changes nothing, and what a person settled stays. Of a test
    nothing is read."""
    # Reports are joined under the same lock: no older one is read over a newer one.
    known = CallAttempt.objects.select_for_update().get(pk=attempt.pk)
    _read_calls([known], fields=collected_fields.in_use(), now=now)
    opt_outs.propose_from(known, now=now)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Of a reading of all calls anew. `after`: the last call read."""

    after: int
    until: int
    changed: int

    @property
    def is_over(self) -> bool:
        return self.after >= self.until

    @property
    def percent(self) -> int:
        return 100 * self.after // self.until if self.until else 100


def read_again(*, after: int, until: int, now: datetime, at_most: int) -> Progress:
    """The next calls with an id above `after`, by today's fields."""
    ids = list(
        CallAttempt.objects.filter(pk__gt=after, pk__lte=until)
        .order_by("pk")
        .values_list("pk", flat=True)[:at_most]
    )
    if not ids:
        return Progress(after=until, until=until, changed=0)
    with transaction.atomic():
        ended = CallAttempt.objects.filter(pk__in=ids, state=State.ENDED)
        calls = ended.select_for_update().defer("transcript", "summary")
        fields = collected_fields.in_use()
        changed = _read_calls(list(calls), fields=fields, now=now)
    return Progress(after=ids[-1], until=until, changed=changed)


def newest_call() -> int:
    """Where reading all of them ends."""
    last = CallAttempt.objects.order_by("-pk").values_list("pk", flat=True).first()
    return last or 0


def _read_calls(
    calls: Sequence[CallAttempt], *, fields: Sequence[CollectedField], now: datetime
) -> int:
    """How many values are other than what was known. The calls are locked."""
    calls = [call for call in calls if not call.is_test]
    known = {
        (row.attempt_id, row.field_id): row
        for row in CollectedValue.objects.select_for_update().filter(
            attempt__in=calls, field__in=fields
        )
    }
    found = _Found()
    for call in calls:
        said = _said(call)
        for field in fields:
            row = known.get((call.pk, field.pk))
            if row is None or row.state not in CollectedValue.SETTLED:
                columns = _columns(call, field, said=said)
                found.compare(row, columns, call=call, field=field, now=now)
    found.write()
    return found.count


@dataclass(kw_only=True)
class _Found:
    """What a reading found that differs from what was known."""

    new: list[CollectedValue] = column(default_factory=list)
    changed: list[CollectedValue] = column(default_factory=list)
    gone: list[int] = column(default_factory=list)
    # Those of which it is not known yet how they came.
    heard: list[CollectedValue] = column(default_factory=list)
    count: int = 0

    def compare(
        self,
        row: CollectedValue | None,
        columns: Mapping[str, Any] | None,
        *,
        call: CallAttempt,
        field: CollectedField,
        now: datetime,
    ) -> None:
        if columns is None:
            self.gone += [row.pk] if row is not None else []
            self.count += row is not None
        elif row is None:
            row = CollectedValue(attempt=call, field=field, read_at=now, **columns)
            self.new.append(row)
            self.heard.append(row)
            self.count += 1
        elif differing := _differing(row, columns):
            for name, value in columns.items():
                setattr(row, name, value)
            row.read_at = now
            self.changed.append(row)
            self.heard += [row] if "raw" in differing else []
            self.count += differing != {"field_version"}

    def write(self) -> None:
        told = _told_by_webhooks({row.attempt_id for row in self.heard})
        for row in self.heard:
            by_webhook = (row.attempt_id, as_said(row.name), as_text(row.raw)) in told
            source = CollectedValue.Source
            row.source = source.WEBHOOK if by_webhook else source.POLL
        rows = CollectedValue.objects
        rows.bulk_create(self.new, batch_size=BATCH)
        rows.bulk_update(self.changed, READ_COLUMNS, batch_size=100)
        rows.filter(pk__in=self.gone).delete()


def _differing(row: CollectedValue, columns: Mapping[str, Any]) -> set[str]:
    differing = {name for name, value in columns.items() if getattr(row, name) != value}
    # To Python, 1 and true are equal.
    same_raw = as_text(row.raw) == as_text(columns["raw"])
    return differing - {"raw"} | (set() if same_raw else {"raw"})


# --- Of one call --------------------------------------------------------------------


def _said(call: CallAttempt) -> dict[str, list[tuple[str, Any]]]:
    """What it collected, by variable, without what nobody said."""
    info = call.collected_info if isinstance(call.collected_info, dict) else {}
    said: dict[str, list[tuple[str, Any]]] = {}
    for name, raw in info.items():
        if not is_nothing(raw):
            said.setdefault(as_said(name), []).append((name, raw))
    return said


def _columns(
    call: CallAttempt,
    field: CollectedField,
    *,
    said: Mapping[str, Sequence[tuple[str, Any]]],
) -> dict[str, Any] | None:
    """None: the call says nothing about it."""
    heard = [one for name in field.names for one in said.get(as_said(name), ())]
    if not heard:
        return None
    name, raw = heard[0]
    typed: Typed | Problem = Problem.CONFLICT
    if len({as_text(other) for _name, other in heard}) > 1:
        # All of them: a person decides.
        raw = dict(heard)
    else:
        typed = read(
            raw, field.reading, called_on=_day_of(call), time_zone=_time_zone()
        )
    problem = typed if isinstance(typed, Problem) else ""
    value = None if isinstance(typed, Problem) else typed
    return {
        "name": name[:LONGEST_NAME],
        "raw": raw,
        "state": ValueState.REVIEW if problem else ValueState.READ,
        "problem": problem,
        "kind": field.kind,
        "field_version": field.version,
        **typed_columns(value, kind=field.kind),
    }


def _day_of(call: CallAttempt) -> date:
    return localdate(
        call.started_at or call.send_started_at or call.claimed_at, _time_zone()
    )


def _time_zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def _told_by_webhooks(calls: Collection[int]) -> set[tuple[int, str, str]]:
    """Call, variable and value of what webhooks told; the rest was asked for."""
    if not calls:
        return set()
    events = PearlEvent.objects.filter(
        attempt__in=calls, result=PearlEvent.Result.APPLIED
    )
    rows = events.values_list("attempt_id", "body").iterator(chunk_size=BATCH)
    return {told for call, body in rows if call for told in _told(call, body)}


def _told(call: int, body: str) -> Iterator[tuple[int, str, str]]:
    try:
        report = parse_webhook(body.encode())
    except UnreadableEvent:
        return
    if isinstance(report, CallReport):
        for name, raw in report.collected_info.items():
            yield call, as_said(name), as_text(raw)


# --- Settled by a person ------------------------------------------------------------


def correct(
    value: CollectedValue, typed: Typed, *, reason: str, by: User | None, now: datetime
) -> bool:
    """`typed` is of the field's kind. False: it changed since it was read."""
    field = CollectedField.objects.get(pk=value.field_id)
    columns = typed_columns(typed, kind=field.kind) | {"kind": field.kind}
    return _settle(value, ValueState.CORRECTED, columns, reason=reason, by=by, now=now)


def dismiss(
    value: CollectedValue, *, reason: str, by: User | None, now: datetime
) -> bool:
    """It says nothing. False: it changed since it was read."""
    columns = typed_columns(None, kind=value.kind)
    return _settle(value, ValueState.DISMISSED, columns, reason=reason, by=by, now=now)


@transaction.atomic
def _settle(
    value: CollectedValue,
    state: CollectedValue.State,
    columns: Mapping[str, Any],
    *,
    reason: str,
    by: User | None,
    now: datetime,
) -> bool:
    rows = CollectedValue.objects.filter(
        pk=value.pk,
        state=value.state,
        read_at=value.read_at,
        settled_at=value.settled_at,
    )
    settled = {"settled_by": by, "settled_at": now, "reason": reason}
    if not rows.update(state=state, **columns, **settled):
        return False
    # What was said is known only now: what follows from it does so from here.
    confirmed = CallAttempt.objects.filter(confirmed_at__isnull=False, is_test=False)
    confirmed.filter(pk=value.attempt_id).update(effects_due_at=now)
    after = CollectedValue.objects.get(pk=value.pk)
    CollectedValueChange.objects.create(
        collected_value=value,
        at=now,
        by=by,
        reason=reason,
        before=_as_json(value),
        after=_as_json(after),
    )
    return True


def _as_json(value: CollectedValue) -> dict[str, Any]:
    typed = value.value
    plain = typed if typed is None or isinstance(typed, bool) else str(typed)
    return {"state": value.state, "kind": value.kind, "value": plain}
