"""Read-only questions: what the dashboard, and later the API, show. Never writes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import get_language

from calls import activity, budget, counts, runs
from calls.activity import Event
from calls.attempt_list import address_of
from calls.counts import Counts
from calls.models import CallAttempt, Campaign, PearlAccount, Run, RunState, Worker
from calls.outcome_table import ENDED_STATUSES, shown_status
from calls.pearl.campaigns import PAUSED, RUNNING
from calls.shared import shared
from calls.states import OPEN, State
from calls.vitals import workers
from calls.why import why_not_call
from calls.wording import moment_words
from leads.models import CallStatus
from leads.verdict import Rule

# Ten viewers cost as much as one: what is shown is asked for once in this time.
CACHED_SECONDS = 1.0
WATCHED, WATCHED_SECONDS, WATCHED_FOR_SECONDS = "watched", 5.0, 3.0
KEPT_SECONDS = 60
RATE_OVER = timedelta(minutes=5)
# From so many calls before it is guessed how long the next ones will take.
GUESSED_FROM = 200
# The order in which the bar and the counters are drawn.
SHOWN_STATUSES = (CallStatus.SELECTED, CallStatus.CALLING, *ENDED_STATUSES)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of the progress bar, in thousandths of its length; `attempts`: the address
    of what it counts."""

    status: str
    attempts: str
    label: str
    count: int
    start: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Stat:
    """A counter. None: it is still being counted."""

    status: CallStatus
    count: int | None


@dataclass(frozen=True, kw_only=True)
class Reason:
    """So many of the queue wait, and the rule that says so."""

    rule: Rule
    label: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Board:
    """All that the moving parts of /calls show of one campaign."""

    key: str
    campaign: Campaign
    campaigns: list[Campaign]
    run: Run | None
    totals: runs.Totals | None
    counts: Counts | None
    in_course: list[CallAttempt]
    events: list[Event]
    workers: list[Worker]
    lost_workers: list[Worker]
    account: PearlAccount
    per_minute: float
    seconds_a_call: float | None
    manual: int
    why: str
    now: datetime

    @property
    def is_running(self) -> bool:
        return self.campaign.state == RunState.RUNNING

    @property
    def is_paused(self) -> bool:
        return self.campaign.state == RunState.PAUSED

    @property
    def is_stopping(self) -> bool:
        return self.campaign.state == RunState.STOPPING

    @property
    def is_active(self) -> bool:
        return self.is_running or self.is_paused

    @property
    def is_counted(self) -> bool:
        return self.counts is not None

    @property
    def stats(self) -> list[Stat]:
        known = self.counts.by_status if self.counts else None
        return [
            Stat(status=status, count=None if known is None else known.get(status, 0))
            for status in SHOWN_STATUSES
        ]

    @property
    def total_leads(self) -> int | None:
        return self.counts.total if self.counts else None

    @property
    def success_percent(self) -> int | None:
        """Of the leads whose last call ended, how many in success."""
        known = self.counts.by_status if self.counts else {}
        ended = sum(known.get(status, 0) for status in ENDED_STATUSES)
        return (
            round(100 * known.get(CallStatus.COMPLETED, 0) / ended) if ended else None
        )

    @property
    def callable_now(self) -> int:
        return self.counts.rules.get(Rule.ALLOWED, 0) if self.counts else 0

    @property
    def reasons(self) -> list[Reason]:
        """Who waits, and why; the first rule that forbids counts."""
        rules = self.counts.rules if self.counts else {}
        return [
            Reason(rule=rule, label=str(rule.label), count=count)
            for rule, count in rules.items()
            if rule is not Rule.ALLOWED
        ]

    @property
    def not_callable(self) -> int:
        return sum(reason.count for reason in self.reasons)

    @property
    def done(self) -> int:
        return sum(self.totals.outcomes.values()) if self.totals else 0

    @property
    def of_run(self) -> int:
        """Leads that the run is about: called, being called, and still to call."""
        return self.done + len(self.in_course) + self.callable_now

    @property
    def percent(self) -> int:
        return round(100 * self.done / self.of_run) if self.of_run else 0

    @property
    def lines(self) -> int:
        return self.campaign.limit

    @property
    def ends_at(self) -> str:
        """When the queue would be empty at this pace, in words; empty: no telling."""
        pace = self.per_minute if self.is_running else self._pace_before()
        if not pace or not self.callable_now:
            return ""
        at = self.now + timedelta(minutes=max(1.0, self.callable_now / pace))
        return moment_words(at, now=self.now)

    def _pace_before(self) -> float:
        if not self.seconds_a_call or self.lines < 1:
            return 0.0
        return 60 * self.lines / self.seconds_a_call

    @property
    def segments(self) -> list[Segment]:
        return _segments(self)

    # Where the calls are listed that each number counts.

    @property
    def done_attempts(self) -> str:
        run = self.run.pk if self.run else 0
        return address_of(self.campaign, {"run": run, "state": State.ENDED.value})

    @property
    def in_course_attempts(self) -> str:
        return address_of(self.campaign, {"state": [state.value for state in OPEN]})

    @property
    def manual_attempts(self) -> str:
        return address_of(self.campaign, {"state": State.MANUAL.value})

    @property
    def success_attempts(self) -> str:
        return address_of(self.campaign, {"success": "true"})

    @property
    def is_simulated(self) -> bool:
        return settings.PEARL_IS_SIMULATOR

    @property
    def is_on_at_pearl(self) -> bool:
        return self.campaign.pearl_status == RUNNING

    @property
    def is_paused_at_pearl(self) -> bool:
        return self.campaign.pearl_status == PAUSED


def campaigns() -> list[Campaign]:
    return list(Campaign.objects.order_by("name", "id"))


def board(campaign_id: int, *, now: datetime) -> Board:
    """The board of a campaign, at most a second old, in a fixed number of queries for
    all who look at it. Raises Campaign.DoesNotExist."""

    def look() -> Board:
        made = _look(Campaign.objects.get(pk=campaign_id), now=now)
        kept = _kept(campaign_id, language=get_language())
        cache.set(kept, made, KEPT_SECONDS)
        return made

    return shared(_key(campaign_id), look, seconds=kept_seconds())


def at_hand(campaign: Campaign, *, now: datetime) -> Board | None:
    """The board for the first sight of the page, which the next one replaces at once: a
    minute old, or made now if there are few leads. None: the page does not wait."""
    kept = _kept(campaign.pk, language=get_language())
    known: Board | None = cache.get(_key(campaign.pk)) or cache.get(kept)
    if known is None and counts.are_few(campaign):
        known = board(campaign.pk, now=now)
    return known


def forget(campaign_id: int) -> None:
    """After a change that must be seen at once. Who is looking just now does not bring
    the old board back: it is kept under another name."""
    cache.set(_version_key(campaign_id), secrets.token_hex(8), None)
    codes = [code for code, _name in settings.LANGUAGES]
    cache.delete_many([_kept(campaign_id, language=code) for code in codes])


def forget_all() -> None:
    for pk in Campaign.objects.values_list("pk", flat=True):
        forget(pk)


def kept_seconds() -> float:
    """Longer while somebody looks out for changes, for each has another version."""
    return WATCHED_SECONDS if cache.get(WATCHED) else CACHED_SECONDS


def note_watched() -> None:
    """`calls.live` says so at each look."""
    cache.set(WATCHED, True, WATCHED_FOR_SECONDS)


def version(campaign_id: int) -> str:
    """Another one after each change: part of the name of whatever is kept."""
    return f"{campaign_id}:{cache.get(_version_key(campaign_id), '')}"


def _key(campaign_id: int) -> str:
    """By language too, for the reasons are sentences."""
    return f"board:{version(campaign_id)}:{get_language()}"


def _kept(campaign_id: int, *, language: str | None) -> str:
    return f"board-kept:{campaign_id}:{language}"


def _version_key(campaign_id: int) -> str:
    return f"board-version:{campaign_id}"


def _look(campaign: Campaign, *, now: datetime) -> Board:
    run = Run.objects.filter(campaign=campaign).select_related("started_by").last()
    attempts = CallAttempt.objects.filter(campaign=campaign)
    open_attempts = attempts.filter(state__in=OPEN).select_related("lead")
    alive, lost = workers(now=now)
    facts: dict[str, Any] = {
        "workers": alive,
        "account": budget.account(),
        "counts": counts.counts(campaign, now=now),
        "in_course": list(open_attempts.order_by("claimed_at")),
    }
    cause = why_not_call(campaign, now=now, run=run, **facts)
    return Board(
        key=secrets.token_hex(8),
        campaign=campaign,
        campaigns=campaigns(),
        run=run,
        totals=runs.totals(run) if run else None,
        events=activity.recent(campaign, now=now),
        lost_workers=lost,
        per_minute=_rate(attempts, run=run, now=now),
        seconds_a_call=_seconds_a_call(attempts),
        manual=attempts.filter(state=State.MANUAL).count(),
        why=cause.sentence if cause else "",
        now=now,
        **facts,
    )


def _rate(attempts: Any, *, run: Run | None, now: datetime) -> float:
    """Calls ended a minute, over the last five or since the run began."""
    if run is None:
        return 0.0
    elapsed = min(RATE_OVER, max(now - run.started_at, timedelta(seconds=10)))
    ended = attempts.filter(state=State.ENDED, closed_at__gt=now - elapsed)
    return float(ended.count() / (elapsed.total_seconds() / 60))


def _seconds_a_call(attempts: Any) -> float | None:
    """How long a call takes a line, as the latest ones did."""
    ended = attempts.filter(closed_at__isnull=False).order_by("-closed_at", "-id")
    spans = [
        (closed_at - claimed_at).total_seconds()
        for state, claimed_at, closed_at in ended.values_list(
            "state", "claimed_at", "closed_at"
        )[:GUESSED_FROM]
        if state == State.ENDED
    ]
    return sum(spans) / len(spans) if spans else None


def _segments(board: Board) -> list[Segment]:
    shares = dict.fromkeys([str(status) for status in ENDED_STATUSES], 0)
    if board.totals is not None:
        for outcome, count in board.totals.outcomes.items():
            shares[str(shown_status(outcome))] += count
    shares[str(CallStatus.CALLING)] = len(board.in_course)
    segments, start, whole = [], 0, max(board.of_run, 1)
    for status, count in shares.items():
        length = round(1000 * count / whole)
        if count:
            segments.append(
                Segment(
                    status=status,
                    attempts=_attempts(board, status=status),
                    label=str(CallStatus(status).label),
                    count=count,
                    start=start,
                    length=max(length, 2),
                )
            )
        start += length
    return segments


def _attempts(board: Board, *, status: str) -> str:
    if status == CallStatus.CALLING or board.run is None:
        return board.in_course_attempts
    return address_of(board.campaign, {"run": board.run.pk, "result": status})
