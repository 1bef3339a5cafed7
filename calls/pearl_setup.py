"""What a campaign needs in Pearl's own settings, and what can be verified from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from calls import preflight
from calls.models import Campaign
from calls.pearl import ATTEMPT_VARIABLE, OutboundSettings, PearlClient, PearlError
from calls.preflight import Finding, Level

#: What conversations have brought so far (pearl-api.md 9.12); each flow has its own.
COLLECTED = (
    ("fechaDeseada", "25-09-2025"),
    ("horaDeseada", "17:00:00"),
    ("preferenciaMT", "morning / afternoon"),
    ("interesado", "true / false"),
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the API answered, and what it does not tell anybody."""

    findings: list[Finding]
    unknown: list[str]


def webhook_url() -> str:
    """Where Pearl sends its webhooks, secret part included; empty without a token."""
    if not settings.PEARL_WEBHOOK_TOKEN:
        return ""
    base = settings.PUBLIC_URL or "https://DIRECCIÓN-DEL-SITIO"
    path = reverse("pearl_webhook", args=[settings.PEARL_WEBHOOK_TOKEN])
    return f"{base}{path}"


def check(campaign: Campaign, *, pearl: PearlClient, now: datetime) -> Checked:
    """Ask Pearl about the account, the campaign and its settings."""
    checked = Checked(
        findings=preflight.check(campaign, pearl=pearl, now=now),
        unknown=[
            _("La versión de los avisos (V2 o V1) y su credencial: mírelas allí."),
            _("Que Pearl llega a esta dirección: haga una llamada de prueba."),
        ],
    )
    answers = not any(one.level == Level.NO_ANSWER for one in checked.findings)
    if not campaign.pearl_id or not answers:
        return checked
    try:
        rules = pearl.outbound_settings(campaign.pearl_id)
    except PearlError as exc:
        finding = Finding(level=Level.NO_ANSWER, sentence=str(exc))
        checked.findings.append(finding)
        return checked
    for level, sentence in _of_settings(rules):
        if level is None:
            checked.unknown.append(sentence)
        else:
            checked.findings.append(Finding(level=level, sentence=sentence))
    return checked


def _of_settings(rules: OutboundSettings) -> Iterator[tuple[Level | None, str]]:
    """None as the level: Pearl does not tell."""
    for what, theirs in (
        (_("avisos de llamada (Call webhook)"), rules.call_webhook_url),
        (_("avisos de contacto (Lead webhook)"), rules.lead_webhook_url),
    ):
        yield _of_webhook(theirs, what)
    if rules.variables is None:
        sentence = _("Que la variable %s está declarada: mírelo en Variables.")
        yield None, sentence % ATTEMPT_VARIABLE
    elif ATTEMPT_VARIABLE in rules.variables:
        yield Level.OK, _("La variable %s está declarada.") % ATTEMPT_VARIABLE
    else:
        sentence = _(
            "Falta la variable %s: sin ella no se sabe de qué llamada es cada "
            "resultado. Declárela en Variables."
        )
        yield Level.REFUSAL, sentence % ATTEMPT_VARIABLE


def _of_webhook(theirs: str | None, what: str) -> tuple[Level | None, str]:
    words = {"what": what}
    if theirs is None:
        sentence = _("Los %(what)s: la API no dice su dirección, o no la tienen.")
        return None, sentence % words
    if theirs.rstrip("/") == webhook_url():
        return Level.OK, _("Los %(what)s llegan a esta dirección.") % words
    sentence = _("Los %(what)s van a otra dirección: pegue la de arriba.")
    return Level.WARNING, sentence % words
