"""Why is nobody called? One sentence, before START and while leads wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls import budget
from calls.breakdown import breakdown
from calls.call_manager import DEAD_AFTER
from calls.counts import Counts
from calls.models import (
    CallAttempt,
    Campaign,
    PearlAccount,
    Run,
    RunState,
    Worker,
)
from calls.queue import MAX_UNKNOWN, SCAN, Wait, next_in_line, opens_anywhere
from calls.states import State
from calls.wording import moment_words
from leads.places import CANARY, COMMUNITIES, MADRID, Place
from leads.verdict import Rule
from leads.window import CallingWindow, WindowError, next_opening
from leads.wording import number


def why_not_start(campaign: Campaign, *, now: datetime) -> str:
    """What forbids a START that Pearl need not be asked about; empty: nothing."""
    alive = Worker.objects.filter(stopped_at=None, heartbeat_at__gt=now - DEAD_AFTER)
    if not alive.filter(serving=True).exists():
        return _(
            "Ningún proceso espera órdenes: arranque «manage.py run_calls --serve» y "
            "vuelva a empezar."
        )
    try:
        if next_in_line(campaign, at_most=SCAN, now=now):
            return ""
        rules = breakdown(campaign, now=now)
    except WindowError as exc:
        return str(exc.reason)
    if not rules:
        return _("La cola está vacía: ponga leads en cola y vuelva a empezar.")
    return "" if rules.get(Rule.ALLOWED) else _nobody(rules)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why nobody is dialled. `kind` is for machines: a Wait, `no_worker` or `hours`."""

    kind: str
    sentence: str


def why_not_call(
    campaign: Campaign,
    *,
    now: datetime,
    run: Run | None,
    workers: list[Worker],
    account: PearlAccount,
    counts: Counts | None,
    in_course: list[CallAttempt],
) -> Cause | None:
    """The one cause whenever leads wait and nobody is dialled; the sentence of a
    campaign that people stopped is empty."""
    if campaign.state == RunState.PAUSED:
        return _waits(Wait.PAUSED)
    if campaign.state != RunState.RUNNING:
        return Cause(kind=Wait.STOPPED, sentence=campaign.state_reason)
    if not workers:
        return _nobody_works()
    if run and run.test_phone != campaign.test_phone:
        return _waits(Wait.TEST_CHANGED)
    if sum(attempt.state == State.UNKNOWN for attempt in in_course) >= MAX_UNKNOWN:
        return _waits(Wait.UNCONFIRMED)
    if budget.breaker_is_open(account):
        return _waits(Wait.BREAKER)
    if budget.is_blocked(account, now=now):
        return _waits(Wait.BLOCKED)
    try:
        if not opens_anywhere(now, window=campaign.window):
            words = closed_words(campaign.window, now=now)
            return Cause(kind=Wait.CLOSED, sentence=words)
    except WindowError as exc:
        return Cause(kind="hours", sentence=str(exc.reason))
    if campaign.limit < 1:
        return _waits(Wait.NO_AGENTS)
    if counts and not in_course and not counts.rules.get(Rule.ALLOWED):
        empty = _("La cola está vacía: ponga leads en cola abajo.")
        # The board's `reasons` say more.
        sentence = _("No hay a quién llamar ahora.") if counts.rules else empty
        return Cause(kind=Wait.QUEUE_EMPTY, sentence=sentence)
    return None


def _nobody_works() -> Cause:
    sentence = _(
        "Ningún proceso está llamando: arranque «manage.py run_calls --serve» "
        "(script/server ya lo hace). Los leads conservan su sitio."
    )
    return Cause(kind="no_worker", sentence=sentence)


def _waits(wait: Wait) -> Cause:
    return Cause(kind=wait, sentence=str(wait.label))


def closed_words(window: CallingWindow, *, now: datetime) -> str:
    """When a window that is closed everywhere opens first."""
    openings = [
        next_opening(
            now,
            place=Place(community=code, time_zone=CANARY if code == "CN" else MADRID),
            window=window,
        )
        for code in COMMUNITIES
    ]
    first = min(filter(None, openings), default=None)
    if first is None:
        return _("Fuera de horario, y no abre en los próximos 60 días: revíselo.")
    when = moment_words(first, now=now)
    return _("Fuera de horario: se llamará cuando abra, %s.") % when


def _nobody(rules: dict[Rule, int]) -> str:
    waiting = sum(rules.values())
    text = ngettext("%s lead espera", "%s leads esperan", waiting) % number(waiting)
    reasons = " · ".join(f"{number(n)} {rule.label}" for rule, n in rules.items())
    return f"{text}: {reasons}."
