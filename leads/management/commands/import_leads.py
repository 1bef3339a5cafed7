"""Import leads, and numbers never to be called, from CSV files."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from leads.csv_files import UnreadableFile
from leads.importing import Report, import_leads, import_suppressions

PROBLEMS_SHOWN = 20
LONGEST_CONSENT_SOURCE = 200


class Command(BaseCommand):
    help = "Import the leads of a CSV file; what is already known is left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="CSV of leads")
        parser.add_argument(
            "--suppressions",
            type=Path,
            metavar="FILE",
            help="CSV of numbers never to be called, imported first",
        )
        parser.add_argument(
            "--consent-source",
            default="",
            metavar="TEXT",
            help="these people agreed to automatic calls, and it is recorded there",
        )

    def handle(
        self,
        *,
        file: Path | None,
        suppressions: Path | None,
        consent_source: str,
        **options: Any,
    ) -> None:
        if file is None and suppressions is None:
            raise CommandError(
                _("Falta el fichero: manage.py import_leads leads.csv"), returncode=1
            )
        if len(consent_source) > LONGEST_CONSENT_SOURCE:
            raise CommandError(
                _("El origen del consentimiento pasa de %d caracteres: acórtelo.")
                % LONGEST_CONSENT_SOURCE
            )
        if suppressions is not None:
            self._import_suppressions(suppressions)
        if file is not None:
            self._import_leads(file, consent_source=consent_source)

    def _import_suppressions(self, path: Path) -> None:
        with _opened(path) as source:
            try:
                report = import_suppressions(source, now=timezone.now())
            except UnreadableFile as exc:
                raise CommandError(f"{path}: {exc.reason}") from exc
        self.stdout.write(_("Lista de exclusión: %s") % path.name)
        self._write_classes(
            (_("números nuevos"), report.created),
            (_("repetidos en el fichero"), report.repeated_in_file),
            (_("ya excluidos"), report.already_known),
            (_("rechazados"), report.rejected),
            (_("filas"), report.rows),
        )
        self._write_problems(report)
        _fail_if_all_rejected(path, report)

    def _import_leads(self, path: Path, *, consent_source: str) -> None:
        with _opened(path) as source:
            try:
                record, report = import_leads(
                    source,
                    name=path.name,
                    now=timezone.now(),
                    consent_source=consent_source,
                )
            except UnreadableFile as exc:
                raise CommandError(f"{path}: {exc.reason}") from exc
        self.stdout.write(
            _("Leads: %(file)s (importación %(id)s)")
            % {"file": path.name, "id": record.pk}
        )
        self._write_classes(
            (_("nuevos"), report.created),
            (_("repetidos en el fichero"), report.repeated_in_file),
            (_("ya estaban"), report.already_known),
            (_("en la lista de exclusión"), report.suppressed),
            (_("rechazados"), report.rejected),
            (_("filas"), report.rows),
        )
        self._write_problems(report)
        self._write_next_step(report)
        _fail_if_all_rejected(path, report)

    def _write_classes(self, *classes: tuple[str, int]) -> None:
        for name, count in classes:
            self.stdout.write(f"{_number(count):>9}  {name}")

    def _write_problems(self, report: Report) -> None:
        if report.unknown_headers:
            names = ", ".join(report.unknown_headers)
            self.stdout.write(_("Columnas que no se usan: %s") % names)
        if not report.problems:
            return
        self.stdout.write(_("Filas por revisar:"))
        for problem in report.problems[:PROBLEMS_SHOWN]:
            self.stdout.write(f"{_number(problem['row']):>9}  {problem['reason']}")
        if len(report.problems) > PROBLEMS_SHOWN:
            self.stdout.write(
                _("          … y más: en Administración, Importaciones, están todas.")
            )

    def _write_next_step(self, report: Report) -> None:
        if report.without_clock:
            self.stdout.write(
                _(
                    "%s leads nuevos no tienen huso horario conocido y no se les "
                    "llamará: complete su provincia o su código postal."
                )
                % _number(report.without_clock)
            )
        if report.without_consent:
            self.stdout.write(
                _(
                    "De %s leads nuevos no consta el consentimiento: las campañas que "
                    "lo exigen no les llaman. Si lo dieron, indique dónde consta con "
                    "--consent-source al importar, o anótelo en su ficha."
                )
                % _number(report.without_consent)
            )
        if report.created:
            self.stdout.write(
                _(
                    "Siguiente paso: en Administración, Leads, elija los que quiera "
                    "llamar y póngalos en cola."
                )
            )


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError as exc:
        raise CommandError(
            _("No existe %s: compruebe el nombre y la carpeta.") % path
        ) from exc
    except IsADirectoryError as exc:
        raise CommandError(
            _("%s es una carpeta: indique el fichero CSV.") % path
        ) from exc
    except OSError as exc:
        raise CommandError(
            _("No se puede abrir %(path)s (%(why)s): compruebe los permisos.")
            % {"path": path, "why": exc.strerror}
        ) from exc


def _fail_if_all_rejected(path: Path, report: Report) -> None:
    """Exit code 1 if the file was of no use. Importing it twice is no failure."""
    if report.rejected and not report.created and not report.already_known:
        raise CommandError(
            _("%s: no se importó ninguna fila. Corrija las rechazadas y repítalo.")
            % path
        )


def _number(count: int) -> str:
    return f"{count:,}".replace(",", ".")
