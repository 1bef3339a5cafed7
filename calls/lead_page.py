"""What a lead's page says beside its data: where it stands, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from calls import merging
from calls.eligibility import facts_of, rules_of
from calls.models import Campaign, RunState
from calls.wording import clock_words, moment_words
from leads.models import CALLBACK_GRACE, CallStatus, Lead
from leads.verdict import Rule, Verdict, verdict
from leads.window import WindowError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# They pass by themselves: the lead may wait for them at the head of the queue.
PASSING = (Rule.ALLOWED, Rule.NOT_DUE, Rule.TOO_SOON, Rule.DAY_FULL, Rule.OUTSIDE_HOURS)
OVER_BY_THEN = (*PASSING, Rule.IN_COURSE)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A call promised to a person."""

    at: datetime
    words: str
    is_missed: bool


@dataclass(frozen=True, kw_only=True)
class Situation:
    """`refusal`: why it cannot be called at all, for now; `next`: what will happen.

    `may_promise`: a call in course forbids another one, but no promise.
    """

    campaign: Campaign | None
    refusal: StrOrPromise
    may_promise: bool
    next: StrOrPromise
    clock: str
    promise: Promise | None
    duplicates: Sequence[Lead]


def situation(lead: Lead, *, campaigns: Sequence[Campaign], now: datetime) -> Situation:
    own = (one for one in campaigns if one.outbound_id == lead.pearl_outbound_id)
    campaign = next(own, None)
    asked, own_turn = judge(
        lead, campaign=campaign or next(iter(campaigns), None), now=now
    )
    return Situation(
        campaign=campaign,
        refusal=refusal_of(asked),
        may_promise=not refusal_of(asked, passing=OVER_BY_THEN),
        next=what_next(lead, own_turn, campaign=campaign, now=now),
        clock=clock_words(lead.time_zone),
        promise=promise_of(lead, now=now),
        duplicates=merging.duplicates_of(lead),
    )


Answer = Verdict | WindowError | None


def judge(
    lead: Lead, *, campaign: Campaign | None, now: datetime
) -> tuple[Answer, Answer]:
    """Whether it could be called now, if a person asked for it; and at its own turn.
    None: by nobody."""
    if campaign is None:
        return None, None
    try:
        rules = rules_of(campaign)
    except WindowError as exc:
        return exc, exc
    facts = replace(facts_of([lead], campaign=campaign, now=now)[lead.pk], due_at=None)
    asked = verdict(replace(facts, promised=True), rules=rules, now=now)
    return asked, verdict(facts, rules=rules, now=now)


def refusal_of(answer: Answer, *, passing: Sequence[Rule] = PASSING) -> StrOrPromise:
    """ "" when nothing but time stands in the way."""
    if answer is None:
        return _("no hay campañas que puedan llamar")
    if isinstance(answer, WindowError):
        return answer.reason
    return "" if answer.rule in passing else answer.rule.label


def what_next(
    lead: Lead,
    answer: Answer,
    *,
    campaign: Campaign | None,
    now: datetime,
) -> str:
    """One sentence."""
    if lead.call_status == CallStatus.CALLING:
        return _("Hay una llamada en curso.")
    if not lead.selected_for_calling:
        return _("No está en la cola.")
    refusal = refusal_of(answer)
    if refusal:
        return _("No se le llamará: %s.") % refusal
    if campaign is None:
        return _("Ninguna campaña lo tiene en su cola.")
    if campaign.state == RunState.STOPPED:
        return _("La campaña está detenida: pulse Iniciar en Llamadas.")
    if campaign.state == RunState.PAUSED:
        return _("La campaña está en pausa: pulse Reanudar en Llamadas.")
    if lead.next_call_at and lead.next_call_at > now:
        when = moment_words(lead.next_call_at, now=now, time_zone=lead.time_zone)
        return _("Se le llamará a partir de: %s.") % when
    if isinstance(answer, Verdict) and answer.until and not answer.allowed:
        when = moment_words(answer.until, now=now, time_zone=lead.time_zone)
        return _("Se le llamará cuando lo permita el horario: %s.") % when
    if isinstance(answer, Verdict) and not answer.allowed:
        return _("No se le llamará por ahora: %s.") % answer.rule.label
    if lead.call_now:
        return _("Es el primero de la cola: se le llamará en cuanto haya línea libre.")
    return _("Se le llamará cuando llegue su turno.")


def promise_of(lead: Lead, *, now: datetime) -> Promise | None:
    at = lead.callback_at
    if at is None:
        return None
    return Promise(
        at=at,
        words=moment_words(at, now=now, time_zone=lead.time_zone),
        is_missed=at < now - CALLBACK_GRACE and lead.call_status != CallStatus.CALLING,
    )
