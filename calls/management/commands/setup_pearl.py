"""What to paste in Pearl's settings, campaign by campaign, and what is there already.

Exit codes: 0 all that can be verified is well; 1 something is missing.
"""

from __future__ import annotations

import secrets
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import pearl_setup, preflight
from calls.management.commands.check_pearl import MARKS
from calls.management.commands.run_calls import find_campaign
from calls.models import Campaign
from calls.pearl import ATTEMPT_VARIABLE, PearlClient


class Command(BaseCommand):
    help = "Dice qué pegar en los ajustes de Pearl, y comprueba lo que puede."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--campaign", metavar="ID", help="id de Pearl o nombre")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["campaign"]
        campaigns = [find_campaign(wanted)] if wanted else [*Campaign.objects.all()]
        if not campaigns:
            raise CommandError(
                _("No hay ninguna campaña: créela en Administración, Campañas.")
            )
        self._say_what_is_missing_here()
        well = True
        with PearlClient.from_settings() as pearl:
            for campaign in sorted(campaigns, key=lambda one: one.name):
                self._say_what_to_paste(campaign)
                well &= self._verify(campaign, pearl=pearl)
        if not well:
            sys.exit(1)

    def _say_what_is_missing_here(self) -> None:
        if not settings.PUBLIC_URL:
            self._write(
                _("! Falta PUBLIC_URL en .env: la dirección del sitio desde fuera.")
            )
        if not settings.PEARL_WEBHOOK_TOKEN:
            self._write(
                _("! Falta PEARL_WEBHOOK_TOKEN en .env. Una recién hecha:"),
                f"    PEARL_WEBHOOK_TOKEN={secrets.token_urlsafe(32)}",
            )

    def _say_what_to_paste(self, campaign: Campaign) -> None:
        url = pearl_setup.webhook_url() or _("(cuando haya PEARL_WEBHOOK_TOKEN)")
        self._write("", f"{campaign.name} · {campaign.outbound_id}", "")
        self._write(
            _("Pegue en Pearl, en los ajustes de la campaña:"),
            f"  Call webhook URL   {url}",
            f"  Lead webhook URL   {url}",
            f"  {_('Versión')}            V2",
            f"  Credential         {self._credential()}",
            _("Declare en Variables:"),
            f"  {ATTEMPT_VARIABLE:<18} PreCall, string: "
            + _("dice de qué llamada es cada resultado. Imprescindible."),
            "  nombreClinica      "
            + _("y direccionClinica: PreCall, string, si el guion los dice."),
            _("Y recoja (InCall, string) lo que el guion pregunte, por ejemplo:"),
            *(f"  {name:<18} {example}" for name, example in pearl_setup.COLLECTED),
        )

    def _credential(self) -> str:
        if settings.PEARL_WEBHOOK_CREDENTIAL is None:
            return _("ninguna (se puede exigir con PEARL_WEBHOOK_CREDENTIAL)")
        name, _secret = settings.PEARL_WEBHOOK_CREDENTIAL
        return _("cabecera %s, con el valor que está en .env") % name

    def _verify(self, campaign: Campaign, *, pearl: PearlClient) -> bool:
        checked = pearl_setup.check(campaign, pearl=pearl, now=timezone.now())
        self._write(_("Comprobado en Pearl:"))
        for finding in checked.findings:
            self._write(f"  {MARKS[finding.level]} {finding.sentence}")
        self._write(_("No se puede comprobar desde aquí:"))
        self._write(*(f"  ? {sentence}" for sentence in checked.unknown))
        return not preflight.refusals(checked.findings)

    def _write(self, *lines: str) -> None:
        self.stdout.write("\n".join(lines))
