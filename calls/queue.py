"""Whose turn it is: the free lines of a campaign, and the head of its queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from calls import budget
from calls.eligibility import facts_of, rules_of
from calls.models import CallAttempt, Campaign, Run
from calls.states import State
from leads.models import CallStatus, Lead, Priority, QueueRank
from leads.places import CANARY, COMMUNITIES, MADRID, Place
from leads.verdict import Rule, Rules, Verdict, verdict
from leads.window import CallingWindow, is_open

MAX_UNKNOWN = 3
SCAN = 50
# Of so many turns by priority, one goes to whoever has waited longest, of any priority.
TURNS = 5
URGENT: Sequence[int] = (QueueRank.CALL_NOW, QueueRank.CALLBACK, QueueRank.RETRY)
BY_PRIORITY = [QueueRank.RETRY + priority for priority in Priority.values]
ASK_AGAIN = timedelta(minutes=5)


class Wait(models.TextChoices):
    """Why nothing more can be claimed now; each label is what staff read."""

    NOTHING = "", ""
    STOPPED = "stopped", _("La campaña está detenida.")
    PAUSED = "paused", _("La campaña está en pausa: nadie más recibe llamadas.")
    CLOSED = "closed", _("Fuera de horario: se llamará cuando abra.")
    LINES_BUSY = "lines_busy", _("Todas las líneas están ocupadas.")
    NO_AGENTS = "no_agents", _("La campaña no tiene agentes en Pearl: asígnele alguno.")
    PACE = "pace", _("Se respeta el ritmo de peticiones que admite Pearl.")
    BLOCKED = "blocked", _("Pearl pidió esperar antes de enviar más peticiones.")
    BREAKER = "breaker", _("Pearl no responde: se comprueba hasta que vuelva.")
    AJAR = (
        "ajar",
        _("Pearl vuelve a responder: se llama de una en una hasta que acepte una."),
    )
    UNCONFIRMED = (
        "unconfirmed",
        _("Hay 3 llamadas sin confirmar: no se llama a nadie más hasta aclararlas."),
    )
    LEADS_BUSY = "leads_busy", _("Los leads se están cambiando: se espera un momento.")
    TEST_CHANGED = (
        "test_changed",
        _("El modo de prueba cambió: detenga la campaña y vuelva a empezar."),
    )
    CALL_LIMIT = "call_limit", _("Ya se hicieron todas las llamadas pedidas.")
    QUEUE_EMPTY = "queue_empty", _("No hay leads que llamar ahora.")


def free_lines(
    gate: Campaign, *, run: Run, lines: int, window: CallingWindow, now: datetime
) -> tuple[Wait, int]:
    account = budget.account()
    open_now = CallAttempt.objects.filter(campaign=gate).open()
    unknown = open_now.filter(state=State.UNKNOWN).count()
    free = lines - open_now.count()
    if run.call_limit is not None:
        used = run.attempts.exclude(state__in=[State.RELEASED, State.NOT_SENT]).count()
        free = min(free, run.call_limit - used)
        if used >= run.call_limit:
            return Wait.CALL_LIMIT, 0
    is_trying = False
    if budget.breaker_is_ajar(account):
        free, is_trying = min(free, 1), budget.on_their_way() > 0
    reasons = {
        Wait.TEST_CHANGED: gate.test_phone != run.test_phone,
        Wait.NO_AGENTS: lines < 1,
        Wait.CLOSED: not opens_anywhere(now, window=window),
        Wait.UNCONFIRMED: unknown >= MAX_UNKNOWN,
        Wait.BREAKER: budget.breaker_is_open(account),
        Wait.BLOCKED: budget.is_blocked(account, now=now),
        Wait.AJAR: is_trying,
        Wait.LINES_BUSY: free < 1,
    }
    return next((w for w, holds in reasons.items() if holds), Wait.NOTHING), free


def opens_anywhere(now: datetime, *, window: CallingWindow) -> bool:
    """Whether the window is open in some community: else the queue is left alone."""
    places = [
        Place(community=code, time_zone=CANARY if code == "CN" else MADRID)
        for code in COMMUNITIES
    ]
    return any(is_open(now, place=place, window=window) for place in places)


def next_in_line(campaign: Campaign, *, at_most: int, now: datetime) -> list[Lead]:
    """Who would be called now and in which order, as a claim would decide it."""
    leads = next_leads(campaign, at_most=at_most, now=now, lock=False)
    rules = rules_of(campaign)
    return judge(leads, campaign=campaign, rules=rules, now=now)[0]


def due_leads(campaign: Campaign, *, now: datetime) -> QuerySet[Lead]:
    """Leads whose turn it is; those of one rank in order."""
    return campaign.leads.filter(
        # `=True` would become a bare column, which SQLite does not look up by index.
        selected_for_calling__in=[True],
        manual_management__in=[False],
        next_call_at__lte=now,
    ).order_by("next_call_at", "id")


def next_leads(
    gate: Campaign, *, at_most: int, now: datetime, lock: bool
) -> list[Lead]:
    """The head of the queue: wanted at once, promised, retried, then by priority and
    age; one turn in `TURNS` goes by age alone, so that nobody waits for ever.

    One query a rank: each is a range of the index in its own order, so no sort and no
    walk over leads that are not due (with a sort, SKIP LOCKED starves others). One
    query in all if there is nobody, for workers ask five times a second.
    """
    every = due_leads(gate, now=now)
    if not every.filter(queue_rank__in=[*URGENT, *BY_PRIORITY]).exists():
        return []

    def head(rank: int, most: int) -> list[Lead]:
        due = every.filter(queue_rank=rank)
        if lock and connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        return list(due[:most])

    urgent: list[Lead] = []
    for rank in URGENT:
        urgent += head(rank, at_most - len(urgent))
        if len(urgent) == at_most:
            return urgent
    left = at_most - len(urgent)
    of_each = left // TURNS + 1
    by_priority: list[Lead] = []
    oldest: list[Lead] = []
    for rank in BY_PRIORITY:
        most = left - len(by_priority)
        found = head(rank, max(most, of_each))
        by_priority += found[:most]
        oldest += found[:of_each]
    oldest.sort(key=lambda lead: (lead.next_call_at or now, lead.pk))
    return urgent + _interleaved(by_priority, oldest, turn=gate.claims_made)


def _interleaved(
    by_priority: Sequence[Lead], oldest: Sequence[Lead], *, turn: int
) -> list[Lead]:
    """As many as `by_priority`, each once; every fifth turn is the oldest one's."""
    lines = {False: iter(by_priority), True: iter(oldest)}
    taken: dict[int, Lead] = {}
    while len(taken) < len(by_priority):
        is_oldest_turn = turn % TURNS == TURNS - 1
        turn += 1
        for line in (lines[is_oldest_turn], lines[False]):
            lead = next((one for one in line if one.pk not in taken), None)
            if lead is not None:
                taken[lead.pk] = lead
                break
        else:
            break
    return [*taken.values()]


def judge(
    leads: Sequence[Lead], *, campaign: Campaign, rules: Rules, now: datetime
) -> tuple[list[Lead], list[tuple[Lead, Verdict]]]:
    """Who of them may be called now; two that would ring one telephone may not both."""
    facts = facts_of(leads, campaign=campaign, now=now)
    allowed: list[Lead] = []
    forbidden: list[tuple[Lead, Verdict]] = []
    numbers: set[str] = set()
    for lead in leads:
        answer = verdict(facts[lead.pk], rules=rules, now=now)
        number = campaign.number_for(lead)
        if answer.allowed and number in numbers:
            continue
        if answer.allowed:
            numbers.add(number)
            allowed.append(lead)
        else:
            forbidden.append((lead, answer))
    return allowed, forbidden


def put_off(forbidden: Sequence[tuple[Lead, Verdict]], *, now: datetime) -> int:
    """They keep their place among the wanted; `next_call_at` says from when.

    Without a date (no valid number, suppressed, …) they wait, visibly, for a change.
    """
    groups: dict[Verdict, list[int]] = {}
    for lead, answer in forbidden:
        groups.setdefault(answer, []).append(lead.pk)
    changed = 0
    for answer, ids in groups.items():
        until = answer.until
        if answer.rule is Rule.IN_COURSE:
            until = now + ASK_AGAIN
        changed += (
            Lead.objects.filter(pk__in=ids, next_call_at__lte=now)
            .exclude(call_status=CallStatus.CALLING)
            .update(next_call_at=until)
        )
    return changed
