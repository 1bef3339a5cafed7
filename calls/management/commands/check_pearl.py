"""Is everything well with Pearl? One line for each thing: ✓, or what to do.

Exit codes: 0 a run may start; 1 something forbids it.
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import database_trust, preflight
from calls.journal import DialJournal
from calls.management.commands.run_calls import find_campaign
from calls.pearl import PearlClient, PearlError
from calls.preflight import Finding, Level

MARKS = {
    Level.OK: "✓",
    Level.WARNING: "!",
    Level.REFUSAL: "✗",
    Level.NO_ANSWER: "✗",
}


class Command(BaseCommand):
    help = "Comprueba la conexión con Pearl, la campaña y este equipo."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--campaign", metavar="ID", help="id de Pearl o nombre")
        parser.add_argument(
            "--list", action="store_true", help="campañas que hay en Pearl, y sus ids"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        with PearlClient.from_settings() as pearl:
            if options["list"]:
                self._list(pearl)
                return
            campaign = find_campaign(options["campaign"])
            findings = preflight.check(campaign, pearl=pearl, now=now)
        journal = DialJournal.from_settings()
        local = database_trust.database_problems(now)
        local += filter(None, [preflight.journal_problem(journal, now=now)])
        if not settings.PEARL_WEBHOOK_TOKEN:
            sentence = _(
                "PEARL_WEBHOOK_TOKEN está vacía: no llegan avisos de Pearl y los "
                "resultados tardan más."
            )
            findings.append(Finding(level=Level.WARNING, sentence=sentence))
        findings += [Finding(level=Level.REFUSAL, sentence=one) for one in local]
        for finding in findings:
            self.stdout.write(f"{MARKS[finding.level]} {finding.sentence}")
        if preflight.refusals(findings):
            sys.exit(1)

    def _list(self, pearl: PearlClient) -> None:
        try:
            rows = [(o.id, o.name, "v1: outbound_id") for o in pearl.outbounds()]
            rows += [(p.id, p.name, "v2: pearl_id") for p in pearl.pearls()]
        except PearlError as exc:
            self.stderr.write(str(exc))
            sys.exit(1)
        for pearl_id, name, kind in rows:
            self.stdout.write(f"{pearl_id}  {kind:<16}  {name or ''}")
