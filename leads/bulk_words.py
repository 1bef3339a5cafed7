"""How the bulk actions on leads are called, who may do them, and what each means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from leads.models import BulkChange
from leads.wording import number

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Verb = BulkChange.Verb


@dataclass(frozen=True, kw_only=True)
class Words:
    """How an action is called in the list, and what the button says that does it."""

    title: StrOrPromise
    permission: str
    says: Any
    explains: StrOrPromise = ""
    dangerous: bool = False

    def button(self, count: int) -> str:
        return str(self.says % {"count": count, "shown": number(count)})


ACTIONS: dict[str, Words] = {
    Verb.SELECT: Words(
        title=gettext_lazy("Poner en cola"),
        permission="select",
        says=ngettext_lazy(
            "Poner en cola %(shown)s lead", "Poner en cola %(shown)s leads", "count"
        ),
        explains=gettext_lazy(
            "Se les llamará cuando la campaña esté en marcha y su horario lo permita."
        ),
    ),
    Verb.DESELECT: Words(
        title=gettext_lazy("Quitar de la cola"),
        permission="select",
        says=ngettext_lazy(
            "Quitar de la cola %(shown)s lead",
            "Quitar de la cola %(shown)s leads",
            "count",
        ),
        explains=gettext_lazy("Las llamadas en curso terminan por sí mismas."),
    ),
    Verb.PRIORITY: Words(
        title=gettext_lazy("Cambiar la prioridad"),
        permission="select",
        says=ngettext_lazy(
            "Cambiar la prioridad de %(shown)s lead",
            "Cambiar la prioridad de %(shown)s leads",
            "count",
        ),
    ),
    Verb.RESET: Words(
        title=gettext_lazy("Olvidar intentos y errores"),
        permission="select",
        says=ngettext_lazy(
            "Olvidar los intentos de %(shown)s lead",
            "Olvidar los intentos de %(shown)s leads",
            "count",
        ),
        explains=gettext_lazy(
            "Quedan como si nunca se les hubiera llamado. Siguen en cola los que "
            "estaban, y su historial no se borra."
        ),
    ),
    Verb.CAMPAIGN: Words(
        title=gettext_lazy("Asignar campaña"),
        permission="change",
        says=ngettext_lazy(
            "Asignar campaña a %(shown)s lead",
            "Asignar campaña a %(shown)s leads",
            "count",
        ),
        explains=gettext_lazy("No los pone en cola: los que estaban, cambian de cola."),
    ),
    Verb.DISPOSITION: Words(
        title=gettext_lazy("Asignar resultado"),
        permission="change",
        says=ngettext_lazy(
            "Asignar resultado a %(shown)s lead",
            "Asignar resultado a %(shown)s leads",
            "count",
        ),
        explains=gettext_lazy(
            "Con un resultado salen de la cola; con «Volver a llamar» entran en ella. "
            "«No llamar más» y «Número erróneo» excluyen además el número."
        ),
    ),
    Verb.MANUAL: Words(
        title=gettext_lazy("Pasar a gestión manual"),
        permission="change",
        says=ngettext_lazy(
            "Pasar %(shown)s lead a gestión manual",
            "Pasar %(shown)s leads a gestión manual",
            "count",
        ),
        explains=gettext_lazy("Salen de la cola: el sistema no los llama."),
    ),
    Verb.AUTOMATIC: Words(
        title=gettext_lazy("Devolver al sistema"),
        permission="change",
        says=ngettext_lazy(
            "Devolver %(shown)s lead al sistema",
            "Devolver %(shown)s leads al sistema",
            "count",
        ),
        explains=gettext_lazy("Se les podrá poner en cola de nuevo."),
    ),
    Verb.EXCLUDE: Words(
        title=gettext_lazy("Excluir de las llamadas"),
        permission="suppress",
        says=ngettext_lazy(
            "Excluir %(shown)s lead", "Excluir %(shown)s leads", "count"
        ),
        explains=gettext_lazy(
            "Su número entra en una lista de exclusión: ninguna campaña lo llamará."
        ),
        dangerous=True,
    ),
}


def undone_words(change: BulkChange, *, back: int) -> str:
    """How many are as before, and how many are not."""
    words = ngettext(
        "Deshecho: %s lead vuelve a estar como antes.",
        "Deshecho: %s leads vuelven a estar como antes.",
        back,
    ) % number(back)
    stay = change.changed - back
    if stay <= 0:
        return words
    rest = ngettext(
        "%s no: desde entonces se le llamó o cambió.",
        "%s no: desde entonces se les llamó o cambiaron.",
        stay,
    )
    return f"{words} {rest % number(stay)}"
