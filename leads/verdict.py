"""The one answer to: may this lead be called now, and if not, which rule forbids it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models import Consent
from leads.places import Place
from leads.window import CallingWindow, is_open, knows_clock, next_opening


class Rule(models.TextChoices):
    """The rule that decided; each label is what staff read."""

    ALLOWED = "allowed", _("se puede llamar ahora")
    NO_PHONE = "no_phone", _("sin número válido")
    SUPPRESSED = "suppressed", _("en la lista de exclusión")
    PROPOSED = "proposed", _("con una exclusión propuesta por revisar")
    MANUAL = "manual", _("en gestión manual")
    NO_CONSENT = "no_consent", _("sin consentimiento")
    UNKNOWN_PLACE = "unknown_place", _("sin huso horario conocido")
    EXHAUSTED = "exhausted", _("agotados los intentos")
    IN_COURSE = "in_course", _("con una llamada en curso o sin aclarar")
    TOO_SOON = "too_soon", _("con una llamada hace muy poco al mismo número")
    DAY_FULL = "day_full", _("con las llamadas de hoy ya hechas")
    NOT_DUE = "not_due", _("con la próxima llamada programada")
    OUTSIDE_HOURS = "outside_hours", _("fuera de horario")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the rules ask about one lead, or about a group of leads alike.

    `promised`: a person asked for this call, at this time or at once. It counts against
    no maximum; every other rule holds.
    """

    has_phone: bool
    suppressed: bool
    manual: bool
    consent: str
    place: Place
    attempts: int
    in_course: bool
    due_at: datetime | None = None
    promised: bool = False
    gap_ends_at: datetime | None = None
    calls_today: int = 0
    # None, of a suppressed one: without end.
    suppressed_until: datetime | None = None
    exclusion_proposed: bool = False


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a campaign demands."""

    window: CallingWindow
    max_attempts: int
    max_per_day: int
    requires_consent: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The deciding rule, and until when it forbids (None: until data changes)."""

    rule: Rule
    until: datetime | None = None

    @property
    def allowed(self) -> bool:
        return self.rule is Rule.ALLOWED


def verdict(facts: Facts, *, rules: Rules, now: datetime) -> Verdict:
    """The first rule that forbids the call, lasting ones before passing ones."""
    lasting = _lasting_rule(facts, rules=rules)
    if lasting is not None:
        # With its end known, it takes its turn again by itself.
        by_number = lasting in (Rule.SUPPRESSED, Rule.PROPOSED)
        until = facts.suppressed_until if by_number else None
        return Verdict(rule=lasting, until=until)
    if facts.due_at is not None and facts.due_at > now:
        return Verdict(rule=Rule.NOT_DUE, until=facts.due_at)
    if facts.gap_ends_at is not None and facts.gap_ends_at > now:
        return _later(Rule.TOO_SOON, facts.gap_ends_at, facts=facts, rules=rules)
    if facts.calls_today >= rules.max_per_day and not facts.promised:
        tomorrow = now + timedelta(hours=12)
        return _later(Rule.DAY_FULL, tomorrow, facts=facts, rules=rules)
    if not is_open(now, place=facts.place, window=rules.window):
        return _later(Rule.OUTSIDE_HOURS, now, facts=facts, rules=rules)
    return Verdict(rule=Rule.ALLOWED)


def _lasting_rule(facts: Facts, *, rules: Rules) -> Rule | None:
    no_consent = facts.consent == Consent.REFUSED or (
        rules.requires_consent and facts.consent != Consent.GIVEN
    )
    broken = {
        Rule.NO_PHONE: not facts.has_phone,
        Rule.SUPPRESSED: facts.suppressed,
        Rule.PROPOSED: facts.exclusion_proposed,
        Rule.MANUAL: facts.manual,
        Rule.NO_CONSENT: no_consent,
        Rule.UNKNOWN_PLACE: not knows_clock(facts.place),
        Rule.EXHAUSTED: facts.attempts >= rules.max_attempts and not facts.promised,
        Rule.IN_COURSE: facts.in_course,
    }
    return next((rule for rule, is_broken in broken.items() if is_broken), None)


def _later(rule: Rule, at: datetime, *, facts: Facts, rules: Rules) -> Verdict:
    until = next_opening(at, place=facts.place, window=rules.window)
    return Verdict(rule=rule, until=until)
