"""Read again what Pearl's webhooks said: after a repair of the program, or to match
late what was not matched when it came. Running it twice changes nothing more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import webhooks
from calls.models import PearlEvent

Result = PearlEvent.Result
FORMATS = ("%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


class Command(BaseCommand):
    help = "Vuelve a leer los avisos de Pearl que se guardaron."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", metavar="FECHA", help="los recibidos desde dd/mm/aaaa [hh:mm]"
        )
        parser.add_argument("--ids", type=int, nargs="+", metavar="N", help="solo esos")
        parser.add_argument(
            "--unmatched",
            action="store_true",
            help="solo los ilegibles y los que no se supo de qué llamada hablan",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="dice qué pasaría, y no cambia nada"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        became = webhooks.replay(
            self._chosen(options), now=timezone.now(), dry_run=is_dry
        )
        if is_dry:
            self.stdout.write(_("Prueba: no se cambia nada."))
        for result in Result:
            if count := became[result]:
                self.stdout.write(f"{count:>7}  {result.label}")
        self.stdout.write(_("%d avisos leídos de nuevo.") % became.total())

    def _chosen(self, options: dict[str, Any]) -> QuerySet[PearlEvent]:
        if not (options["since"] or options["ids"] or options["unmatched"]):
            raise CommandError(_("Diga cuáles: --since, --ids o --unmatched."))
        events = webhooks.from_pearl()
        if options["since"]:
            events = events.filter(received_at__gte=_moment(options["since"]))
        if options["ids"]:
            events = events.filter(pk__in=options["ids"])
        if options["unmatched"]:
            events = events.filter(result__in=[Result.UNMATCHED, Result.UNREADABLE])
        return events


def _moment(text: str) -> datetime:
    for form in FORMATS:
        try:
            return timezone.make_aware(datetime.strptime(text.strip(), form))
        except ValueError:
            continue
    raise CommandError(_("La fecha no se entiende: escriba dd/mm/aaaa hh:mm."))
