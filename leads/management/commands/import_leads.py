"""Import leads, and numbers never to be called, from files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from leads.csv_files import UnreadableFile
from leads.import_report import Report
from leads.importing import continue_in_background, import_file, import_suppressions
from leads.models import ImportSource, LeadImport
from leads.word_index import catch_up
from leads.wording import number

if TYPE_CHECKING:
    from django.core.management.base import OutputWrapper

PROBLEMS_SHOWN = 20
LONGEST_CONSENT_SOURCE = 200


class Command(BaseCommand):
    help = "Import the leads of a CSV, XLSX, XLS or ODS file, whole or not at all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="file of leads")
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
        parser.add_argument(
            "--source",
            default="",
            metavar="NAME",
            help="where the file comes from: its columns are understood as last time",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what would change, and stop",
        )
        parser.add_argument(
            "--no-update",
            action="store_true",
            help="leave leads that are there as they are (a refusal still counts)",
        )
        # A step that the admin began; see leads/import_background.py.
        parser.add_argument("--continue", type=int, dest="record_id", metavar="ID")
        parser.add_argument("--step", choices=("read", "commit"), default="read")
        parser.add_argument("--by", type=int, default=None, metavar="USER")
        parser.add_argument("--lock", type=int, default=None, metavar="FD")

    def handle(
        self,
        *,
        file: Path | None,
        suppressions: Path | None,
        consent_source: str,
        record_id: int | None,
        **options: Any,
    ) -> None:
        if record_id is not None:
            self._continue(record_id, **options)
            return
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
            self._import_leads(file, consent_source=consent_source, **options)

    def _continue(
        self,
        record_id: int,
        *,
        step: str,
        by: int | None,
        lock: int | None,
        **_options: Any,
    ) -> None:
        record = LeadImport.objects.get(pk=record_id)
        users = get_user_model().objects
        user = None if by is None else users.filter(pk=by).first()
        continue_in_background(record, step=step, by=user, lock=lock)
        catch_up()

    def _import_suppressions(self, path: Path) -> None:
        with _opened(path) as source:
            try:
                report = import_suppressions(source, now=timezone.now())
            except UnreadableFile as exc:
                raise CommandError(f"{path}: {exc.reason}") from exc
        self.stdout.write(_("Lista de exclusión: %s") % path.name)
        write_classes(
            self.stdout,
            (_("números nuevos"), report.created),
            (_("repetidos en el fichero"), report.repeated_in_file),
            (_("ya excluidos"), report.already_known),
            (_("rechazados"), report.rejected),
            (_("filas"), report.rows),
        )
        write_problems(self.stdout, report)
        _fail_if_all_rejected(path, report)

    def _import_leads(
        self,
        path: Path,
        *,
        consent_source: str,
        source: str,
        dry_run: bool,
        no_update: bool,
        **_options: Any,
    ) -> None:
        origin = ImportSource.objects.get_or_create(name=source)[0] if source else None
        with _opened(path) as file, shown_progress(path.name) as progress:
            try:
                record, report = import_file(
                    file,
                    name=path.name,
                    now=timezone.now(),
                    source=origin,
                    consent_source=consent_source,
                    update_existing=not no_update,
                    dry_run=dry_run,
                    progress=progress,
                )
            except UnreadableFile as exc:
                raise CommandError(f"{path}: {exc.reason}") from exc
        if dry_run:
            told = _("Leads: %(file)s (simulación: no se ha escrito nada)")
        else:
            told = _("Leads: %(file)s (importación %(id)s)")
        self.stdout.write(told % {"file": path.name, "id": record.pk})
        write_report(self.stdout, report)
        if not dry_run:
            write_next_step(self.stdout, report)
            catch_up()
        _fail_if_all_rejected(path, report)


def write_report(out: OutputWrapper, report: Report) -> None:
    write_classes(
        out,
        (_("nuevos"), report.created),
        (_("actualizados"), report.updated),
        (_("sin cambios"), report.unchanged),
        (_("repetidos en el fichero"), report.repeated_in_file),
        (_("con el teléfono de otro lead"), report.already_known),
        (_("en la lista de exclusión"), report.suppressed),
        (_("rechazados"), report.rejected),
        (_("filas"), report.rows),
    )
    for warning in report.warnings:
        out.write(_("Aviso: %s") % warning)
    write_problems(out, report)


def write_classes(out: OutputWrapper, *classes: tuple[str, int]) -> None:
    for name, count in classes:
        out.write(f"{number(count):>9}  {name}")


def write_problems(out: OutputWrapper, report: Report) -> None:
    if report.unknown_headers:
        names = ", ".join(report.unknown_headers)
        out.write(_("Columnas que no se usan: %s") % names)
    if not report.problems:
        return
    out.write(_("Filas por revisar:"))
    for problem in report.problems[:PROBLEMS_SHOWN]:
        out.write(f"{number(problem['row']):>9}  {problem['reason']}")
    if len(report.problems) > PROBLEMS_SHOWN:
        words = _("… y más: en Administración, Importaciones, están todas.")
        out.write(f"{'':>9}  {words}")


def write_next_step(out: OutputWrapper, report: Report) -> None:
    if report.without_clock:
        out.write(
            _(
                "%s leads nuevos no tienen huso horario conocido y no se les "
                "llamará: complete su provincia o su código postal."
            )
            % number(report.without_clock)
        )
    if report.without_consent:
        out.write(
            _(
                "De %s leads nuevos no consta el consentimiento: las campañas que "
                "lo exigen no les llaman. Si lo dieron, indique dónde consta con "
                "--consent-source al importar, o anótelo en su ficha."
            )
            % number(report.without_consent)
        )
    if report.created:
        out.write(
            _(
                "Siguiente paso: en Administración, Leads, elija los que quiera "
                "llamar y póngalos en cola."
            )
        )


@contextmanager
def shown_progress(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar for a person at a terminal; nothing for a log."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError as exc:
        raise CommandError(
            _("No existe %s: compruebe el nombre y la carpeta.") % path
        ) from exc
    except IsADirectoryError as exc:
        raise CommandError(_("%s es una carpeta: indique el fichero.") % path) from exc
    except OSError as exc:
        raise CommandError(
            _("No se puede abrir %(path)s (%(why)s): compruebe los permisos.")
            % {"path": path, "why": exc.strerror}
        ) from exc


def _fail_if_all_rejected(path: Path, report: Report) -> None:
    """Exit code 1 if the file was of no use. Importing it twice is no failure."""
    of_use = report.created + report.updated + report.unchanged + report.already_known
    if report.rejected and not of_use:
        raise CommandError(
            _("%s: no se importó ninguna fila. Corrija las rechazadas y repítalo.")
            % path
        )
