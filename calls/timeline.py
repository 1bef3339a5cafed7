"""What happened to one lead, newest first: calls, changes, notes, promises and
appointments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from calls import appointment_words
from calls.collected_words import (
    MOODS,
    Mood,
    Request,
    Said,
    requests_of,
    tags_of,
    values_said,
)
from calls.corrections import pearl_says
from calls.models import (
    AppointmentEvent,
    CallAttempt,
    Campaign,
    Listen,
    OutcomeChange,
)
from calls.outcome_table import shown_status
from calls.states import State
from calls.talk import Talk, talk_of
from calls.wording import column_label, column_words, lasted_words, value_words
from leads.models import Lead, LeadEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

AT_MOST = 50
# Of two things at the same instant, the later source is told first.
CREATION, EVENT, LISTEN, CALL, APPOINTMENT = SOURCES = ("a", "e", "l", "t", "v")
# The row of a lead and the line that says who made it are written one after another.
SAME_MOMENT = timedelta(minutes=1)
# Of others, no database knows what the hour is elsewhere.
YEARS = range(1900, 2200)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One column, before and after, in words."""

    label: StrOrPromise
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the timeline. `tone` is the state whose colour its dot has."""

    at: datetime
    source: str
    pk: int
    title: StrOrPromise
    tone: str = ""
    by: str = ""
    text: str = ""
    changes: Sequence[Change] = ()
    details: Sequence[Change] = ()
    attempt: CallAttempt | None = None
    outcome_changes: Sequence[OutcomeChange] = ()
    appointment_id: int | None = None
    talk: Talk | None = None
    mood: Mood | None = None
    tags: Sequence[str] = ()
    said: Sequence[Said] = ()
    asked: Request | None = None
    import_id: int | None = None
    import_name: str = ""

    @property
    def key(self) -> str:
        return f"{self.at.isoformat()}~{self.source}~{self.pk}"

    @property
    def shown_at(self) -> datetime:
        sent = self.attempt.send_started_at if self.attempt else None
        return sent or self.at

    @property
    def ending(self) -> StrOrPromise:
        """Of a call: how it ended, or how far it got."""
        if self.attempt is None:
            return ""
        if self.attempt.outcome:
            return self.attempt.get_outcome_display()
        return self.attempt.get_state_display()

    @property
    def pearl_says(self) -> StrOrPromise:
        """Of a corrected call: how Pearl says that it ended, if otherwise."""
        said = pearl_says(self.attempt) if self.attempt else None
        return said.label if said else ""

    @property
    def may_be_corrected(self) -> bool:
        return self.attempt is not None and self.attempt.state == State.ENDED

    @property
    def lasted(self) -> str:
        return lasted_words(self.attempt.duration_seconds if self.attempt else None)

    @property
    def place(self) -> tuple[datetime, str, int]:
        return self.at, self.source, self.pk


@dataclass(frozen=True, kw_only=True)
class Page:
    entries: Sequence[Entry]
    older: str = field(default="")


def page(
    lead: Lead,
    *,
    before: str = "",
    at_most: int = AT_MOST,
    with_calls: bool = True,
    with_listens: bool = False,
    with_appointments: bool = True,
) -> Page:
    """One page of it; `older` is what to pass as `before` for the next one."""
    found = timeline(
        lead,
        before=before,
        at_most=at_most + 1,
        with_calls=with_calls,
        with_listens=with_listens,
        with_appointments=with_appointments,
    )
    entries = found[:at_most]
    return Page(entries=entries, older=entries[-1].key if len(found) > at_most else "")


def timeline(
    lead: Lead,
    *,
    before: str = "",
    at_most: int = AT_MOST,
    with_calls: bool = True,
    with_listens: bool = False,
    with_appointments: bool = True,
) -> list[Entry]:
    """A few queries for each source, however long the history is. `before`: the key of
    the last entry shown; one that cannot be read is as none."""
    key = read_key(before)
    campaigns = dict(Campaign.objects.values_list("outbound_id", "name"))
    entries = [
        *_events(lead, key=key, at_most=at_most, campaigns=campaigns),
        *(_calls(lead, key=key, at_most=at_most) if with_calls else ()),
        *(_listens(lead, key=key, at_most=at_most) if with_listens else ()),
        *(_appointments(lead, key=key, at_most=at_most) if with_appointments else ()),
    ]
    made = any(
        entry.source == EVENT
        and entry.tone == LeadEvent.Kind.CREATED
        and abs(entry.at - lead.created_at) < SAME_MOMENT
        for entry in entries
    )
    creation = _creation(lead)
    if not made and (key is None or creation.place < key):
        entries.append(creation)
    return sorted(entries, key=lambda entry: entry.place, reverse=True)[:at_most]


# --- From where ---------------------------------------------------------------------


def _events(
    lead: Lead,
    *,
    key: tuple[datetime, str, int] | None,
    at_most: int,
    campaigns: Mapping[str, str],
) -> Iterator[Entry]:
    rows = (
        LeadEvent.objects.filter(_before(key, "at", EVENT), lead_id=lead.pk)
        .select_related("by", "lead_import", "bulk_change")
        .order_by("-at", "-id")
    )
    for event in rows[:at_most]:
        yield _of_event(event, campaigns=campaigns)


def _of_event(event: LeadEvent, *, campaigns: Mapping[str, str]) -> Entry:
    title: StrOrPromise = event.get_kind_display()
    changes = event.changes if isinstance(event.changes, dict) else {}
    joined = changes.get("joined", {}) if event.kind == LeadEvent.Kind.MERGED else {}
    values: dict[str, Any] = {}
    if event.bulk_change is not None:
        title = event.bulk_change.get_verb_display()
        values = event.bulk_change.values
        if event.kind == LeadEvent.Kind.UNDONE:
            title = _("Deshecho: %s") % title
    return Entry(
        at=event.at,
        source=EVENT,
        pk=event.pk,
        title=title,
        tone=event.kind,
        by=person(event.by),
        text=event.text,
        changes=[
            *_values(values, campaigns=campaigns),
            *_changes(changes, campaigns=campaigns),
        ],
        details=_values(joined, campaigns=campaigns),
        import_id=event.lead_import_id,
        import_name=event.lead_import.name if event.lead_import else "",
    )


def _calls(
    lead: Lead, *, key: tuple[datetime, str, int] | None, at_most: int
) -> Iterator[Entry]:
    rows = (
        CallAttempt.objects.filter(_before(key, "claimed_at", CALL), lead_id=lead.pk)
        .select_related("campaign", "recording")
        .defer("collected_info")
        .order_by("-claimed_at", "-id")
    )
    calls = list(rows[:at_most])
    ended = [call.pk for call in calls if call.state == State.ENDED]
    values, requests = values_said(ended), requests_of(ended)
    changes = _outcome_changes(ended)
    for attempt in calls:
        yield Entry(
            at=attempt.claimed_at,
            source=CALL,
            pk=attempt.pk,
            title=_("Llamada"),
            tone=_tone_of(attempt),
            text=attempt.summary,
            attempt=attempt,
            outcome_changes=changes[attempt.pk],
            talk=talk_of(attempt),
            mood=MOODS.get(attempt.sentiment or 0),
            tags=tags_of(attempt.tags),
            said=values.get(attempt.pk, ()),
            asked=requests.get(attempt.pk),
        )


def _outcome_changes(calls: Sequence[int]) -> dict[int, list[OutcomeChange]]:
    changes: dict[int, list[OutcomeChange]] = defaultdict(list)
    told = OutcomeChange.objects.filter(attempt__in=calls)
    for change in told.select_related("by").order_by("-pk"):
        changes[change.attempt_id].append(change)
    return changes


def _listens(
    lead: Lead, *, key: tuple[datetime, str, int] | None, at_most: int
) -> Iterator[Entry]:
    rows = (
        Listen.objects.filter(
            _before(key, "at", LISTEN), recording__attempt__lead_id=lead.pk
        )
        .select_related("by", "recording")
        .order_by("-at", "-id")
    )
    for listen in rows[:at_most]:
        called_at = date_format(localtime(listen.recording.called_at), "d/m/Y H:i")
        yield Entry(
            at=listen.at,
            source=LISTEN,
            pk=listen.pk,
            title=_("Grabación escuchada"),
            tone="listened",
            by=person(listen.by) or listen.username,
            text=_("La de la llamada del %s.") % called_at,
        )


def _appointments(
    lead: Lead, *, key: tuple[datetime, str, int] | None, at_most: int
) -> Iterator[Entry]:
    rows = (
        AppointmentEvent.objects.filter(
            _before(key, "at", APPOINTMENT), appointment__lead_id=lead.pk
        )
        .select_related("by", "appointment__clinic")
        .order_by("-at", "-id")
    )
    for event in rows[:at_most]:
        yield Entry(
            at=event.at,
            source=APPOINTMENT,
            pk=event.pk,
            title=event.get_kind_display(),
            tone=f"appointment-{event.kind}",
            by=person(event.by),
            text=event.text,
            changes=[
                Change(label=label, before=before, after=after)
                for label, before, after in appointment_words.changes(event)
            ],
            appointment_id=event.appointment_id,
        )


def _creation(lead: Lead) -> Entry:
    record = lead.lead_import
    name = record.name if record else lead.source_file
    title = _("Alta por importación") if name else _("Alta")
    row = _("fila %d") % lead.source_row if lead.source_row else ""
    return Entry(
        at=lead.created_at,
        source=CREATION,
        pk=lead.pk,
        title=title,
        tone=LeadEvent.Kind.CREATED,
        by=person(record.created_by) if record else "",
        text=row if record else " · ".join(filter(None, (name, row))),
        import_id=lead.lead_import_id,
        import_name=record.name if record else "",
    )


def _before(key: tuple[datetime, str, int] | None, column: str, source: str) -> Q:
    """Rows of one source that come after the key in an order newest first."""
    if key is None:
        return Q()
    at, of, pk = key
    if source < of:
        return Q(**{f"{column}__lte": at})
    older = Q(**{f"{column}__lt": at})
    return older | Q(**{column: at, "pk__lt": pk}) if source == of else older


def read_key(text: str) -> tuple[datetime, str, int] | None:
    """None: it is no key of an entry."""
    at_text, _sign, rest = text.partition("~")
    source, _sign, pk = rest.partition("~")
    try:
        at = parse_datetime(at_text)
    except ValueError:
        return None
    is_key = at is not None and at.utcoffset() is not None and source in SOURCES
    if not is_key or at is None or not (pk.isascii() and pk.isdigit()):
        return None
    if at.year not in YEARS:
        return None
    return at, source, int(pk[:18])


# --- In words -----------------------------------------------------------------------


def person(user: User | None) -> str:
    return "" if user is None else user.get_full_name() or user.get_username()


def _tone_of(attempt: CallAttempt) -> str:
    if attempt.state == State.ENDED:
        return shown_status(attempt.outcome)
    return attempt.state


def _values(values: Any, *, campaigns: Mapping[str, str]) -> list[Change]:
    """What was chosen, without what it replaced."""
    if not isinstance(values, dict):
        return []
    told = (
        (name, value_words(name, value, campaigns=campaigns))
        for name, value in values.items()
    )
    return [
        Change(label=column_label(name), before="", after=words)
        for name, words in told
        if words
    ]


def _changes(
    changes: Mapping[str, Any], *, campaigns: Mapping[str, str]
) -> list[Change]:
    told = []
    for name, pair in changes.items():
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            continue
        before, after = column_words(name, pair, campaigns=campaigns)
        told.append(Change(label=column_label(name), before=before, after=after))
    return told
