"""Read-only questions: what the dashboard, and later the API, show. Never writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from calls import budget, runs
from calls.breakdown import breakdown
from calls.call_manager import DEAD_AFTER
from calls.models import CallAttempt, Campaign, PearlAccount, Run, RunState, Worker
from calls.queue import MAX_UNKNOWN, Wait, opens_anywhere
from calls.states import CALL_STATUS_OF, OPEN, State
from leads.models import CallStatus
from leads.verdict import Rule
from leads.window import WindowError

# Ten viewers cost as much as one: the counts are asked once in this time.
CACHED_SECONDS = 1
RATE_OVER = timedelta(minutes=5)
SHOWN = 8
# The order in which the bar and the counters are drawn.
ENDED_STATUSES = (
    CallStatus.COMPLETED,
    CallStatus.NO_ANSWER,
    CallStatus.BUSY,
    CallStatus.ERROR,
)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of the progress bar, in thousandths of its length."""

    status: str
    label: str
    count: int
    start: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Stat:
    status: CallStatus
    count: int


@dataclass(frozen=True, kw_only=True)
class Board:
    """All that the moving parts of /calls show of one campaign."""

    campaign: Campaign
    run: Run | None
    totals: runs.Totals | None
    stats: list[Stat]
    total_leads: int
    counts: dict[Rule, int]
    in_course: list[CallAttempt]
    events: list[CallAttempt]
    workers: list[Worker]
    account: PearlAccount
    per_minute: float
    manual: int
    why: str
    now: datetime

    @property
    def is_running(self) -> bool:
        return self.campaign.state == RunState.RUNNING

    @property
    def is_stopping(self) -> bool:
        return self.campaign.state == RunState.STOPPING

    @property
    def callable_now(self) -> int:
        return self.counts.get(Rule.ALLOWED, 0)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Who waits, and why; the first rule that forbids counts."""
        return [
            (str(rule.label), count)
            for rule, count in self.counts.items()
            if rule is not Rule.ALLOWED
        ]

    @property
    def not_callable(self) -> int:
        return sum(count for _label, count in self.reasons)

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
    def minutes_left(self) -> int | None:
        if not self.is_running or not self.per_minute or not self.callable_now:
            return None
        return max(1, round(self.callable_now / self.per_minute))

    @property
    def segments(self) -> list[Segment]:
        return _segments(self)

    @property
    def is_simulated(self) -> bool:
        return settings.PEARL_IS_SIMULATOR


def campaigns() -> list[Campaign]:
    return list(Campaign.objects.order_by("name", "id"))


def board(campaign: Campaign, *, now: datetime) -> Board:
    """The board of a campaign, at most a second old, in a fixed number of queries."""
    key = _key(campaign, generation=campaign.generation)
    known: Board | None = cache.get(key)
    if known is None:
        known = _look(campaign, now=now)
        cache.set(key, known, CACHED_SECONDS)
    return known


def forget(campaign: Campaign) -> None:
    """After a change that its author must see at once."""
    for generation in (campaign.generation, campaign.generation + 1):
        cache.delete(_key(campaign, generation=generation))


def _key(campaign: Campaign, *, generation: int) -> str:
    """By language too, for the reasons are sentences."""
    return f"board:{campaign.pk}:{generation}:{get_language()}"


def _look(campaign: Campaign, *, now: datetime) -> Board:
    run = Run.objects.filter(campaign=campaign).select_related("started_by").last()
    attempts = CallAttempt.objects.filter(campaign=campaign)
    open_attempts = attempts.filter(state__in=OPEN).select_related("lead")
    workers = Worker.objects.filter(stopped_at=None, heartbeat_at__gt=now - DEAD_AFTER)
    by_status = _by_status(campaign)
    try:
        counts = breakdown(campaign, now=now)
    except WindowError:
        counts = {}
    facts: dict[str, Any] = {
        "workers": list(workers.order_by("started_at")),
        "account": budget.account(),
        "counts": counts,
        "in_course": list(open_attempts.order_by("claimed_at")),
    }
    return Board(
        campaign=campaign,
        run=run,
        totals=runs.totals(run) if run else None,
        stats=[Stat(status=s, count=by_status.get(s, 0)) for s in SHOWN_STATUSES],
        total_leads=sum(by_status.values()),
        events=_last_ended(attempts),
        per_minute=_rate(attempts, run=run, now=now),
        manual=attempts.filter(state=State.MANUAL).count(),
        why=_why(campaign, now=now, **facts),
        now=now,
        **facts,
    )


SHOWN_STATUSES = (CallStatus.SELECTED, CallStatus.CALLING, *ENDED_STATUSES)


def _by_status(campaign: Campaign) -> dict[str, int]:
    rows = campaign.leads.values_list("call_status").annotate(Count("id")).order_by()
    return dict(rows)


def _last_ended(attempts: Any) -> list[CallAttempt]:
    ended = attempts.filter(closed_at__isnull=False).exclude(state=State.RELEASED)
    return list(ended.select_related("lead").order_by("-closed_at", "-id")[:SHOWN])


def _rate(attempts: Any, *, run: Run | None, now: datetime) -> float:
    """Calls ended a minute, over the last five or since the run began."""
    if run is None:
        return 0.0
    elapsed = min(RATE_OVER, max(now - run.started_at, timedelta(seconds=10)))
    ended = attempts.filter(state=State.ENDED, closed_at__gt=now - elapsed)
    return float(ended.count() / (elapsed.total_seconds() / 60))


def _segments(board: Board) -> list[Segment]:
    counts = dict.fromkeys([str(status) for status in ENDED_STATUSES], 0)
    if board.totals is not None:
        for outcome, count in board.totals.outcomes.items():
            counts[str(CALL_STATUS_OF[outcome])] += count
    counts[str(CallStatus.CALLING)] = len(board.in_course)
    segments, start, whole = [], 0, max(board.of_run, 1)
    for status, count in counts.items():
        length = round(1000 * count / whole)
        if count:
            segments.append(
                Segment(
                    status=status,
                    label=str(CallStatus(status).label),
                    count=count,
                    start=start,
                    length=max(length, 2),
                )
            )
        start += length
    return segments


# --- Why is nobody called? ----------------------------------------------------------


def _why(
    campaign: Campaign,
    *,
    now: datetime,
    workers: list[Worker],
    account: PearlAccount,
    counts: dict[Rule, int],
    in_course: list[CallAttempt],
) -> str:
    """One sentence that names the cause whenever leads wait and nobody is dialled."""
    if campaign.state != RunState.RUNNING:
        return campaign.state_reason
    if not workers:
        return _(
            "Ningún proceso está llamando: arranque «manage.py run_calls --serve» "
            "(script/server ya lo hace). Los leads conservan su sitio."
        )
    unknown = sum(attempt.state == State.UNKNOWN for attempt in in_course)
    if unknown >= MAX_UNKNOWN:
        return str(Wait.UNCONFIRMED.label)
    if budget.breaker_is_open(account):
        return str(Wait.BREAKER.label)
    if account.blocked_until and account.blocked_until > now:
        return str(Wait.BLOCKED.label)
    try:
        if not opens_anywhere(now, window=campaign.window):
            return str(Wait.CLOSED.label)
    except WindowError as exc:
        return str(exc.reason)
    if campaign.limit < 1:
        return str(Wait.NO_AGENTS.label)
    if not in_course and not counts.get(Rule.ALLOWED):
        return _nobody(counts)
    return ""


def _nobody(counts: dict[Rule, int]) -> str:
    if not counts:
        return _("La cola está vacía: ponga leads en cola abajo.")
    waiting = sum(counts.values())
    text = ngettext("%d lead espera", "%d leads esperan", waiting) % waiting
    reasons = " · ".join(f"{count} {rule.label}" for rule, count in counts.items())
    return f"{text}: {reasons}."


def why_not_start(board: Board) -> str:
    """What forbids a START that Pearl need not be asked about; empty: nothing."""
    if not any(worker.serving for worker in board.workers):
        return _(
            "Ningún proceso espera órdenes: arranque «manage.py run_calls --serve» y "
            "vuelva a empezar."
        )
    if not board.counts:
        return _("La cola está vacía: ponga leads en cola y vuelva a empezar.")
    if not board.callable_now:
        return _nobody(board.counts)
    return ""
