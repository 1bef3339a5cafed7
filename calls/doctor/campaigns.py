"""Why a campaign calls nobody, who of its queue may be called, what Pearl says."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from calls import budget, preflight
from calls.breakdown import breakdown
from calls.call_manager import CHECK_EVERY
from calls.counts import Counts, are_few
from calls.doctor.findings import Finding, Level, span
from calls.models import (
    CallAttempt,
    Campaign,
    ControlEvent,
    PearlAccount,
    Run,
    RunState,
    Worker,
)
from calls.pearl import PearlClient
from calls.preflight import Level as Answer
from calls.queue import SCAN, Wait, next_in_line, opens_anywhere
from calls.why import Cause, closed_words, why_not_call
from leads.models import Lead
from leads.verdict import Rule
from leads.window import WindowError
from leads.wording import number

# Of a larger queue the reasons are those of its first leads.
SAMPLE = 2000
SHOWN = 5  # campaigns that are stopped
ASKED_ABOUT = 3  # of Pearl, which takes one question a second
# Somebody could be called, and for so long nobody was.
IDLE_AFTER = timedelta(minutes=2)
TURN_SECONDS = 2.0
LONG_PAUSE = timedelta(minutes=1)
# Attempts that are looked through for the latest one of a run.
RECENT = 10_000

LEVELS: dict[str, Level] = {
    Wait.STOPPED: Level.NOTE,
    Wait.PAUSED: Level.NOTE,
    Wait.CLOSED: Level.NOTE,
    Wait.QUEUE_EMPTY: Level.NOTE,
    Wait.UNCONFIRMED: Level.WARNING,
}
# The ends of a run that are no failure.
GOOD_ENDS = (Wait.QUEUE_EMPTY, Wait.CALL_LIMIT, Wait.CLOSED)


def examined() -> list[Campaign]:
    """All that are switched on, then the newest of the others."""
    active = Campaign.objects.exclude(state=RunState.STOPPED).order_by("id")
    stopped = Campaign.objects.filter(state=RunState.STOPPED).order_by("-id")
    return [*active, *stopped[:SHOWN]]


def check_campaigns(
    campaigns: Sequence[Campaign], *, workers: list[Worker], now: datetime
) -> Iterator[Finding]:
    if not campaigns:
        yield Finding(
            check="campaign",
            level=Level.WARNING,
            sentence=_("No hay ninguna campaña: créela en Administración, Campañas."),
            blocks=True,
        )
    for campaign in campaigns:
        yield from _of_campaign(campaign, workers=workers, now=now)


def _of_campaign(
    campaign: Campaign, *, workers: list[Worker], now: datetime
) -> Iterator[Finding]:
    run = Run.objects.filter(campaign=campaign).order_by("id").last()
    in_course = list(CallAttempt.objects.filter(campaign=campaign).open())
    queue = _Queue(campaign, now=now)
    cause = why_not_call(
        campaign,
        now=now,
        run=run,
        workers=workers,
        account=budget.account(),
        counts=queue.counts,
        in_course=in_course,
    )
    if cause is not None:
        yield _blocked(campaign, cause, now=now)
    else:
        yield _calls(campaign, run, queue, in_course, now=now)
    if cause is None or cause.kind not in (Wait.CLOSED, "hours"):
        yield _window(campaign, now=now)
    yield _finding(campaign, "queue", Level.OK, queue.sentence)
    if campaign.test_phone:
        sentence = _(
            "Está en modo de prueba: todas las llamadas van a un mismo teléfono. "
            "Quítelo en Administración, Campañas."
        )
        yield _finding(campaign, "test_mode", Level.WARNING, sentence)


def _blocked(campaign: Campaign, cause: Cause, *, now: datetime) -> Finding:
    level, sentence = LEVELS.get(cause.kind, Level.CRITICAL), cause.sentence
    if cause.kind == Wait.BLOCKED:
        level = _level_of_pause(budget.account(), now=now)
    if cause.kind == Wait.STOPPED:
        expected = ["", *(str(wait.label) for wait in GOOD_ENDS)]
        is_expected = campaign.state_reason in expected
        level = Level.NOTE if is_expected else Level.WARNING
        pressed = _("Está detenida: pulse START en Llamadas para que llame.")
        sentence = f"{sentence} {pressed}".strip()
    return _finding(campaign, "campaign", level, sentence, blocks=True)


def _calls(
    campaign: Campaign,
    run: Run | None,
    queue: _Queue,
    in_course: Sequence[CallAttempt],
    *,
    now: datetime,
) -> Finding:
    """Nothing keeps it from calling; so does it?"""
    free = campaign.limit - len(in_course)
    if run and free > 0 and queue.first and _is_idle(campaign, run, queue, now=now):
        sentence = _(
            "Hay leads, líneas libres y un proceso, y en %s no se ha llamado a nadie: "
            "mire el registro de run_calls y reinícielo."
        )
        lasting = span(IDLE_AFTER)
        return _finding(
            campaign, "campaign", Level.CRITICAL, sentence % lasting, blocks=True
        )
    words = _("Llama. En curso: %(calls)d, de %(lines)d a la vez.")
    numbers = {"calls": len(in_course), "lines": campaign.limit}
    return _finding(campaign, "campaign", Level.OK, words % numbers)


def _is_idle(campaign: Campaign, run: Run, queue: _Queue, *, now: datetime) -> bool:
    """Whether nothing that began lately explains that nobody was claimed lately."""
    since = now - IDLE_AFTER
    newest = CallAttempt.objects.order_by("-id").values_list("id", flat=True).first()
    ours = CallAttempt.objects.filter(run=run, id__gt=(newest or 0) - RECENT)
    switched = ControlEvent.objects.filter(campaign=campaign, at__gt=since)
    account = budget.account()
    lately = [
        run.started_at > since,
        bool(account.blocked_until and account.blocked_until > since),
        bool(queue.first_due_at and queue.first_due_at > since),
        not opens_anywhere(since, window=campaign.window),
    ]
    return not (
        any(lately) or ours.filter(claimed_at__gt=since).exists() or switched.exists()
    )


def _window(campaign: Campaign, *, now: datetime) -> Finding:
    try:
        is_open = opens_anywhere(now, window=campaign.window)
    except WindowError as exc:
        return _finding(campaign, "window", Level.WARNING, str(exc.reason))
    closed = "" if is_open else closed_words(campaign.window, now=now)
    return _finding(campaign, "window", Level.OK, closed or _("Dentro de horario."))


class _Queue:
    """Who would be called now and, of the queue or of its first leads, why who not."""

    def __init__(self, campaign: Campaign, *, now: datetime) -> None:
        self.first: Lead | None = None
        self.counts: Counts | None = None
        self.is_sample = not are_few(campaign)
        try:
            self.first = next(iter(next_in_line(campaign, at_most=SCAN, now=now)), None)
            among = self._first_ids(campaign) if self.is_sample else None
            rules = breakdown(campaign, now=now, among=among)
        except WindowError:
            return  # the window's own line says so
        if self.first and not rules.get(Rule.ALLOWED):
            rules[Rule.ALLOWED] = 1  # one at least, beyond the sample
        self.counts = Counts(rules=rules, at=now)

    def _first_ids(self, campaign: Campaign) -> list[int]:
        # In the order of the claim's index, or all would be sorted.
        order = ("manual_management", "queue_rank", "next_call_at", "id")
        queued = campaign.leads.queued().order_by(*order)
        return list(queued.values_list("pk", flat=True)[:SAMPLE])

    @property
    def first_due_at(self) -> datetime | None:
        return self.first.next_call_at if self.first else None

    @property
    def sentence(self) -> str:
        if self.counts is None:
            return _("La cola no se puede juzgar sin un horario legible.")
        rules = dict(self.counts.rules)
        if not rules:
            return _("La cola está vacía: ponga leads en cola en Llamadas.")
        rules.setdefault(Rule.ALLOWED, 0)
        words = [f"{number(count)} {rule.label}" for rule, count in rules.items()]
        listed = " · ".join(words)
        if self.is_sample:
            of = _("De los %(count)s primeros de la cola: %(listed)s.")
            return of % {"count": number(SAMPLE), "listed": listed}
        return _("En la cola: %s.") % listed


# --- Pearl --------------------------------------------------------------------------


def check_pearl(
    campaigns: Sequence[Campaign], *, pearl: PearlClient, now: datetime
) -> Iterator[Finding]:
    """What workers learnt of Pearl within minutes, or else Pearl itself, is asked."""
    account = budget.account()
    if budget.breaker_is_open(account):
        sentence = f"{Wait.BREAKER.label} " + _("Mire la red y el estado de Pearl.")
        yield Finding(check="pearl", level=Level.WARNING, sentence=sentence)
        return
    if budget.is_blocked(account, now=now):
        until = date_format(timezone.localtime(account.blocked_until), "d/m/Y H:i:s")
        sentence = _("Pearl pidió esperar hasta las %s: se sigue entonces.") % until
        level = _level_of_pause(account, now=now)
        yield Finding(check="pearl", level=level, sentence=sentence)
        return
    running = [one for one in campaigns if one.state == RunState.RUNNING]
    for campaign in (running or campaigns)[:ASKED_ABOUT]:
        if _is_fresh(campaign, account, now=now):
            yield _as_known(campaign, account)
        else:
            yield from _asked(campaign, pearl=pearl, now=now)


def _level_of_pause(account: PearlAccount, *, now: datetime) -> Level:
    """Pearl answers 429 often, and asks for seconds."""
    is_long = account.blocked_until and account.blocked_until > now + LONG_PAUSE
    return Level.WARNING if is_long else Level.NOTE


def _is_fresh(campaign: Campaign, account: PearlAccount, *, now: datetime) -> bool:
    """Somebody asked within minutes, and all was well."""
    asked = [at for at in (campaign.checked_at, account.checked_at) if at]
    return len(asked) == 2 and min(asked) > now - CHECK_EVERY and not account.problem


def _as_known(campaign: Campaign, account: PearlAccount) -> Finding:
    credit, agents = account.credit_balance, campaign.pearl_agents
    words = _("Pearl responde. Crédito: %(credit)s. Agentes: %(agents)s.")
    numbers = {
        "credit": "?" if credit is None else number(int(credit)),
        "agents": "?" if agents is None else agents,
    }
    return _finding(campaign, "pearl", Level.OK, words % numbers)


def _asked(
    campaign: Campaign, *, pearl: PearlClient, now: datetime
) -> Iterator[Finding]:
    is_running = campaign.state == RunState.RUNNING
    refused = Level.CRITICAL if is_running else Level.WARNING
    levels = {
        Answer.OK: Level.OK,
        Answer.WARNING: Level.WARNING,
        Answer.REFUSAL: refused,
        Answer.NO_ANSWER: refused,
    }
    for one in preflight.check(campaign, pearl=pearl, now=now, turn=_take_turn):
        yield _finding(
            campaign,
            "pearl",
            levels[one.level],
            one.sentence,
            blocks=one.forbids and is_running,
        )


def _take_turn() -> bool:
    """The workers' pace is kept, unless they take every turn."""
    until = time.monotonic() + TURN_SECONDS
    while not budget.take_turn(now=timezone.now()):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _finding(
    campaign: Campaign,
    check: str,
    level: Level,
    sentence: str,
    *,
    blocks: bool = False,
) -> Finding:
    return Finding(
        check=check,
        level=level,
        sentence=_("«%(campaign)s»: %(sentence)s")
        % {"campaign": campaign.name, "sentence": sentence},
        blocks=blocks,
        campaign=campaign.pk,
    )
