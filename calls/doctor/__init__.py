"""Why is nobody called, and what else is not well? For a terminal and for monitors.

It asks the same functions as the program itself: `why` (the board's sentence), `queue`
(the claim's own view), `preflight` (what keeps a run from starting), `vitals` (what the
metrics tell). It changes nothing but what a question to Pearl always leaves for the
screens, shows no personal data, and no query of it grows with the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from calls import vitals
from calls.doctor import campaigns, database, work
from calls.doctor.findings import Finding, Level, Report
from calls.journal import DialJournal
from calls.pearl import PearlClient

__all__ = ["Examination", "Finding", "Level", "Report"]

Check = Callable[[], Iterable[Finding]]


class Examination:
    """What is found is there at once, so that one that hangs tells what it knows."""

    def __init__(self, *, pearl: PearlClient, journal: DialJournal) -> None:
        self.pearl = pearl
        self.journal = journal
        self.found: list[Finding] = []
        self.examined: set[int] = set()
        self.asking = "database"

    def report(self) -> Report:
        return Report(findings=[*self.found], campaigns={*self.examined})

    def note_hanging(self, *, seconds: float) -> None:
        """It is not over after so long; what it asks is what does not answer."""
        words = {
            "database": _("La base de datos no responde en %d segundos."),
            "pearl": _("Pearl no responde en %d segundos."),
        }
        other = _("La base de datos no responde en %d segundos (%%s).") % seconds
        known = words.get(self.asking)
        sentence = known % seconds if known else other % self.asking
        self.found.append(
            Finding(
                check=self.asking,
                level=Level.CRITICAL,
                sentence=sentence,
                blocks=self.asking != "pearl",
            )
        )

    def run(self, *, now: datetime) -> None:
        """Everything, on this thread's connection."""
        try:
            with database.bounded():
                self._answers()
                self._check_database(now=now)
        except DatabaseError as exc:
            self.found.append(_no_database("database", exc))

    def _answers(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        sentence = _("La base de datos responde.")
        self.found.append(Finding(check="database", level=Level.OK, sentence=sentence))

    def _check_database(self, *, now: datetime) -> None:
        self.ask("migrations", database.check_migrations)
        if self.report().level == Level.CRITICAL:
            return  # nothing can be asked of tables that are not as the code has them
        alive, lost = vitals.workers(now=now)
        known = campaigns.examined()
        self.examined = {one.pk for one in known}
        settings = partial(database.check_settings, is_worked=bool(alive), now=now)
        workers = partial(work.check_workers, known, alive=alive, lost=lost, now=now)
        checks: dict[str, Check] = {
            "settings": settings,
            "journal": partial(work.check_journal, self.journal, now=now),
            "worker": workers,
            "locks": database.check_locks,
            "pearl": partial(campaigns.check_pearl, known, pearl=self.pearl, now=now),
            "campaign": partial(
                campaigns.check_campaigns, known, workers=alive, now=now
            ),
            "attempts": partial(work.check_attempts, now=now),
            "undone": partial(work.check_undone, known, now=now),
            "errors": partial(work.check_errors, now=now),
            "promises": partial(work.check_promises, now=now),
            "indexes": database.check_indexes,
            "configuration": work.check_configuration,
        }
        for name, check in checks.items():
            self.ask(name, check)

    def ask(self, name: str, check: Check) -> None:
        """One that fails keeps no other from being asked."""
        self.asking = name
        try:
            self.found.extend(check())
        except DatabaseError as exc:
            self.found.append(_no_database(name, exc))
        except Exception as exc:
            sentence = _("No se pudo comprobar «%(check)s» (%(error)s): avise.")
            facts = {"check": name, "error": type(exc).__name__}
            self.found.append(
                Finding(check=name, level=Level.WARNING, sentence=sentence % facts)
            )


def _no_database(check: str, exc: DatabaseError) -> Finding:
    """The code alone: the text of an error may hold anything."""
    code = exc.args[0] if exc.args and isinstance(exc.args[0], int) else ""
    sentence = _(
        "La base de datos no responde a «%(check)s» (%(error)s): revise DATABASE_URL y "
        "que el servidor esté en marcha."
    )
    facts = {"check": check, "error": f"{type(exc).__name__} {code}".strip()}
    return Finding(
        check=check,
        level=Level.CRITICAL,
        sentence=sentence % facts,
        blocks=check == "database",
    )
