"""In which state an import may do what, and who finds out that its process died."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import import_files
from leads.csv_files import UnreadableFile
from leads.models import LeadImport

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

State = LeadImport.State

BUSY = gettext_lazy("Ya hay un proceso con esta importación: espere a que termine.")
GONE = gettext_lazy("El fichero ya no está guardado: súbalo otra vez.")
NOT_NOW = gettext_lazy("Esta importación ya no admite este paso: vuelva a la lista.")
OUR_FAULT = gettext_lazy(
    "La importación se interrumpió por un error del sistema: no ha cambiado ningún "
    "lead. Avise a quien lo mantiene."
)


class ImportChanged(UnreadableFile):
    """The import is not in the state for this step, or others are in its way."""


@contextmanager
def working(record: LeadImport, *, lock: int | None = None) -> Iterator[None]:
    """Raises ImportChanged if another process is at work on it."""
    try:
        with import_files.at_work(record.stored_as, lock=lock):
            yield
    except import_files.Busy as exc:
        raise ImportChanged(BUSY) from exc


def fail(record: LeadImport, why: StrOrPromise) -> None:
    """Unless it came to an end all the same. What was uploaded is not kept."""
    open_ones = LeadImport.objects.filter(pk=record.pk).exclude(
        state__in=[State.DONE, State.UNDONE]
    )
    if open_ones.update(state=State.FAILED, error=str(why)):
        import_files.forget(record.stored_as)
    record.refresh_from_db(fields=["state", "error"])


def note_lost(record: LeadImport) -> None:
    """A RUNNING import without a process: it was killed, and its transaction with it.

    The database frees what a dead connection held; our UPDATE waits for that, so it
    can't overtake a commit that was under way.
    """
    record.refresh_from_db(fields=["state"])
    if record.state != State.RUNNING:
        return
    if import_files.is_anyone_at_work(record.stored_as):
        return
    lost = LeadImport.objects.filter(pk=record.pk, state=State.RUNNING)
    why = _(
        "El proceso se interrumpió antes de terminar: no ha cambiado ningún lead. "
        "Suba el fichero otra vez."
    )
    if lost.update(state=State.FAILED, error=why):
        import_files.forget(record.stored_as)
    record.refresh_from_db()
