"""Copy the leads of the earlier system from its database."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from leads.legacy import Address, LegacyUnreadable, import_legacy
from leads.management.commands.import_leads import (
    shown_progress,
    write_next_step,
    write_report,
)
from leads.word_index import catch_up

PASSWORD = "LEGACY_DATABASE_PASSWORD"  # noqa: S105 (a name)


class Command(BaseCommand):
    help = "Copy the leads of the earlier system; a second time, what changed there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from",
            dest="url",
            required=True,
            metavar="URL",
            help="mysql://user:password@host/database; a password that others on this "
            f"machine must not see goes into {PASSWORD}",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and stop"
        )

    def handle(self, *, url: str, dry_run: bool, **options: Any) -> None:
        try:
            address = Address.of(url, password=os.environ.get(PASSWORD, ""))
            with shown_progress(str(address)) as progress:
                report = import_legacy(
                    address, now=timezone.now(), dry_run=dry_run, progress=progress
                )
        except LegacyUnreadable as exc:
            # Not chained: a traceback would show the address with its password.
            raise CommandError(exc.reason) from None
        told = _("Leads de %s (simulación: no se ha escrito nada)")
        self.stdout.write((told if dry_run else _("Leads de %s")) % address)
        write_report(self.stdout, report)
        if not dry_run:
            write_next_step(self.stdout, report)
            catch_up()
