"""What must hold at Pearl before a run starts, and while it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from calls import budget
from calls.journal import KEPT_DAYS, DialJournal
from calls.models import Campaign, PearlAccount
from calls.pearl import (
    AccessDenied,
    Account,
    CallingHours,
    NotFound,
    OutboundSettings,
    PearlClient,
    PearlError,
    Throttled,
)
from leads.window import (
    CallingWindow,
    Weekly,
    WindowError,
    exceeds_legal_hours,
    parse_weekly,
)
from leads.wording import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# Pearl names zones as Windows does (pearl-api.md 1.5).
SPANISH_TIME_ZONES = frozenset({"Romance Standard Time", "Europe/Madrid"})


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    REFUSAL = "refusal"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing checked, in a sentence that says what to do if it is not well."""

    level: Level
    sentence: str

    @property
    def forbids(self) -> bool:
        return self.level in (Level.REFUSAL, Level.NO_ANSWER)


def refusals(findings: Sequence[Finding]) -> list[str]:
    return [finding.sentence for finding in findings if finding.forbids]


def check(
    campaign: Campaign,
    *,
    pearl: PearlClient,
    now: datetime,
    turn: Callable[[], bool] = lambda: True,
) -> list[Finding]:
    """Ask Pearl about the account, the campaign and its settings: three or four
    requests, each after `turn`. What it learns (credit, agents) is kept for the
    screens."""
    findings = [
        *_own_settings(campaign, is_simulator=pearl.is_simulator),
        *_at_pearl(campaign, pearl=pearl, now=now, turn=turn),
    ]
    _remember(findings, now=now)
    return findings


def _at_pearl(
    campaign: Campaign, *, pearl: PearlClient, now: datetime, turn: Callable[[], bool]
) -> Iterator[Finding]:
    """What Pearl answers; an error ends the questions and is a finding itself."""
    try:
        turn()
        yield from _account(pearl.account(), now=now)
        turn()
        yield from _outbound(campaign, pearl=pearl, now=now)
        if campaign.pearl_id:
            turn()
            rules = pearl.outbound_settings(campaign.pearl_id)
            turn()
            yield from _pearl_rules(campaign, rules, pearl=pearl)
    except AccessDenied:
        yield _no(_access_denied())
    except NotFound:
        yield _no(
            _(
                "Pearl no conoce los identificadores de la campaña: revíselos en "
                "Administración, Campañas."
            )
        )
    except PearlError as exc:
        if isinstance(exc, Throttled):
            budget.block(now=now, retry_after=exc.retry_after)
        sentence = _("%(what)s Se conserva la cola; vuelva a intentarlo.")
        yield Finding(level=Level.NO_ANSWER, sentence=sentence % {"what": exc})


def _access_denied() -> str:
    return _(
        "Pearl no acepta la clave. No se ha llamado a nadie. Revise PEARL_ACCOUNT_ID y "
        "PEARL_SECRET_KEY."
    )


def _ok(sentence: str) -> Finding:
    return Finding(level=Level.OK, sentence=sentence)


def _no(sentence: str) -> Finding:
    return Finding(level=Level.REFUSAL, sentence=sentence)


def _own_settings(campaign: Campaign, *, is_simulator: bool) -> Iterator[Finding]:
    if not campaign.pearl_id:
        yield _no(
            _(
                "La campaña no tiene el id de Pearl (v2), y sin él no se pueden leer "
                "los resultados: cópielo de la dirección de la campaña en Pearl."
            )
        )
    try:
        window = campaign.window
    except WindowError as exc:
        yield _no(_("El horario de la campaña no se entiende. %s") % exc.reason)
        return
    if campaign.always_open and not is_simulator:
        yield _no(
            _(
                "La campaña está abierta a cualquier hora, y eso solo vale con el "
                "simulador: quite «abierta a cualquier hora»."
            )
        )
    elif not campaign.always_open and exceeds_legal_hours(window):
        yield _no(
            _(
                "El horario de la campaña sale de lo permitido (de 9 a 21, sin "
                "domingos ni festivos): corríjalo en Administración, Campañas."
            )
        )
    if is_simulator:
        yield _ok(_("Pearl es el simulador: no suena ningún teléfono de verdad."))


def _account(account: Account, *, now: datetime) -> Iterator[Finding]:
    PearlAccount.objects.filter(pk=budget.account().pk).update(
        credit_balance=account.credit_balance,
        total_agents=account.total_agents,
        checked_at=now,
    )
    yield _ok(_("Pearl responde y acepta la clave."))
    if not account.may_dial:
        yield _no(
            _(
                "La cuenta de Pearl no puede llamar (sin crédito, con deuda o "
                "suspendida): arréglelo en Pearl y vuelva a empezar."
            )
        )
    elif account.credit_balance is not None and account.credit_balance <= 0:
        yield _no(_("No queda crédito en Pearl: recárguelo y vuelva a empezar."))
    else:
        balance = account.credit_balance
        known = "?" if balance is None else number(int(balance))
        yield _ok(_("Crédito en Pearl: %s.") % known)
    if account.has_limited_access:
        sentence = _("Pearl da a la cuenta un acceso limitado: pregunte por qué.")
        yield Finding(level=Level.WARNING, sentence=sentence)


def _outbound(
    campaign: Campaign, *, pearl: PearlClient, now: datetime
) -> Iterator[Finding]:
    outbound = pearl.outbound(campaign.outbound_id)
    Campaign.objects.filter(pk=campaign.pk).update(
        pearl_agents=outbound.total_agents,
        pearl_status=outbound.status,
        checked_at=now,
    )
    if outbound.is_running:
        yield _ok(_("La campaña «%s» está en marcha en Pearl.") % campaign.name)
    else:
        yield _no(
            _(
                "La campaña «%s» no está en marcha en Pearl: reactívela. Los leads "
                "conservan su sitio."
            )
            % campaign.name
        )
    agents = outbound.total_agents
    if agents is None:
        sentence = _("Pearl no dice cuántos agentes tiene la campaña.")
        yield Finding(level=Level.WARNING, sentence=sentence)
    elif agents < 1:
        yield _no(_("La campaña no tiene agentes en Pearl: asígnele alguno."))
    elif agents < campaign.max_concurrent_calls:
        sentence = _(
            "Pearl tiene %(agents)d agentes: no habrá más de %(agents)d llamadas a la "
            "vez, aunque la campaña permita %(limit)d."
        )
        numbers = {"agents": agents, "limit": campaign.max_concurrent_calls}
        yield Finding(level=Level.WARNING, sentence=sentence % numbers)
    else:
        yield _ok(_("Agentes en Pearl: %d.") % agents)


def _pearl_rules(
    campaign: Campaign, rules: OutboundSettings, *, pearl: PearlClient
) -> Iterator[Finding]:
    attempts = rules.maximum_call_attempts
    if attempts == 1:
        yield _ok(_("Pearl no repite llamadas por su cuenta."))
    elif _uses_leads(campaign, pearl=pearl):
        yield _no(
            _(
                "Pearl puede repetir llamadas por su cuenta (intentos por lead: %s) y "
                "la campaña tiene leads suyos: ponga 1 en Pearl."
            )
            % ("?" if attempts is None else attempts)
        )
    else:
        sentence = _("Pearl tiene intentos por lead ≠ 1; aquí no se usan sus leads.")
        yield Finding(level=Level.WARNING, sentence=sentence)
    if not campaign.always_open:
        yield _pearl_hours(campaign, rules)


def _pearl_hours(campaign: Campaign, rules: OutboundSettings) -> Finding:
    if rules.calling_hours is None:
        return _no(
            _("No se puede leer el horario de llamadas de Pearl: revíselo allí.")
        )
    if rules.time_zone not in SPANISH_TIME_ZONES:
        return _no(
            _(
                "El huso horario de la campaña en Pearl no es el de Madrid, así que su "
                "horario sería otro: ponga «Romance Standard Time»."
            )
        )
    if _wider(rules.calling_hours, campaign):
        return _no(
            _(
                "El horario de Pearl es más amplio que el de la campaña, así que Pearl "
                "podría llamar fuera de horas: ajústelo en Pearl."
            )
        )
    if _narrower(rules.calling_hours, campaign):
        return _no(
            _(
                "El horario de Pearl es más estrecho que el de la campaña, así que una "
                "llamada podría esperar en Pearl a otro día: ponga el mismo en los dos."
            )
        )
    return _ok(_("El horario de Pearl es el de la campaña."))


def _uses_leads(campaign: Campaign, *, pearl: PearlClient) -> bool:
    """Whether Pearl keeps leads of its own for the campaign; unknown counts as yes."""
    total = pearl.pearl(campaign.pearl_id).total_leads
    return total is None or total > 0


def _wider(theirs: Sequence[CallingHours], campaign: Campaign) -> bool:
    """No row at all means always open (pearl-api.md 6.6)."""
    weekly = _weekly(theirs)
    return weekly is None or not weekly or not _fits(weekly, campaign.window.weekly)


def _narrower(theirs: Sequence[CallingHours], campaign: Campaign) -> bool:
    return not _fits(campaign.window.weekly, _weekly(theirs) or {})


def _weekly(theirs: Sequence[CallingHours]) -> Weekly | None:
    """Day 0 is Sunday (U24). None: they are not understood."""
    names = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
    weekly: dict[str, list[list[str]]] = {}
    try:
        for row in theirs:
            weekly.setdefault(names[row.day], []).append([row.start, row.end])
        return parse_weekly(weekly)
    except (WindowError, IndexError):
        return None


def _fits(inner: Weekly, outer: Weekly) -> bool:
    """Whether each span lies within one of the other's; touching ones are one."""
    spans, around = CallingWindow(weekly=inner).spans, CallingWindow(weekly=outer).spans
    return all(
        any(a <= start and end <= b for a, b in around[day])
        for day, of_day in enumerate(spans)
        for start, end in of_day
    )


def _remember(findings: Sequence[Finding], *, now: datetime) -> None:
    PearlAccount.objects.filter(account_id=settings.PEARL_ACCOUNT_ID).update(
        problem="\n".join(refusals(findings)), checked_at=now
    )


def journal_problem(
    journal: DialJournal, *, now: datetime, days: int = KEPT_DAYS
) -> str:
    """Empty unless the journal knows of dials of the last `days` that the database has
    lost."""
    missing = journal.missing(now=now, days=days)
    if not missing:
        return ""
    return _(
        "El diario de este equipo recuerda %d llamadas que la base de datos no conoce: "
        "se ha restaurado o ha perdido datos. No se llama a nadie hasta aclararlo: "
        "ejecute «manage.py reconcile_journal»."
    ) % len(missing)
