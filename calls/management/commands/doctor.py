"""Why is nobody called? The first line says it; then one line for each check.

Exit codes, as monitors expect them: 0 all is well, or nobody is called and that is as
it should be; 1 something needs attention; 2 nobody is called who should be, or calls
could be lost.
"""

from __future__ import annotations

import json
import sys
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone

from calls.doctor import Examination, Level, Report
from calls.journal import DialJournal
from calls.pearl import PearlClient

PATIENCE_SECONDS = 15.0
PEARL_SECONDS = 4.0
MARKS = {Level.OK: "✓", Level.NOTE: "·", Level.WARNING: "!", Level.CRITICAL: "✗"}


class Command(BaseCommand):
    help = "Dice por qué no se llama a nadie y qué hay que atender."
    # The database may be away, and that is an answer.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="para máquinas")

    def handle(self, *args: Any, **options: Any) -> None:
        with pearl_client() as pearl:
            report = examine(pearl)
        if options["json"]:
            self.stdout.write(json.dumps(as_data(report), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(as_lines(report)))
        if report.level.exit_code:
            sys.exit(report.level.exit_code)


def pearl_client() -> PearlClient:
    """One that does not wait for long."""
    return PearlClient(
        base_url=settings.PEARL_API_URL,
        account_id=settings.PEARL_ACCOUNT_ID,
        secret_key=settings.PEARL_SECRET_KEY,
        connect_timeout=PEARL_SECONDS / 2,
        read_deadline=PEARL_SECONDS,
    )


def examine(pearl: PearlClient) -> Report:
    """At most `PATIENCE_SECONDS`, whatever hangs: a daemon thread keeps no process."""
    examination = Examination(pearl=pearl, journal=DialJournal.from_settings())
    thread = Thread(target=_run, args=(examination,), daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    if thread.is_alive():
        examination.note_hanging(seconds=PATIENCE_SECONDS)
    return examination.report()


def _run(examination: Examination) -> None:
    try:
        examination.run(now=timezone.now())
    finally:
        connection.close()


def as_lines(report: Report) -> list[str]:
    is_well = report.cause is None and report.problem is None
    mark = MARKS[Level.OK if is_well else report.level]
    first = f"{mark} {report.headline}"
    return [first, *(f"{MARKS[one.level]} {one.sentence}" for one in report.findings)]


def as_data(report: Report) -> dict[str, Any]:
    cause = report.cause
    return {
        "at": timezone.now().isoformat(timespec="seconds"),
        "level": report.level.name.lower(),
        "exit_code": report.level.exit_code,
        "headline": report.headline,
        "cause": cause and cause.check,
        "checks": [
            {
                "check": one.check,
                "level": one.level.name.lower(),
                "sentence": one.sentence,
                "blocks": one.blocks,
                "campaign": one.campaign,
            }
            for one in report.findings
        ],
    }
