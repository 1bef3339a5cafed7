"""How an import is told: its six numbers, how far it is, and a file to learn from."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leads.models import LeadImport
from leads.wording import number

if TYPE_CHECKING:
    from leads.importing import Progress

PROBLEMS_SHOWN = 100
# The voice of a screen reader says so few of the steps.
SPOKEN_STEP = 25
GROUPED_PHONE = re.compile(r"(\d{3}) \d{3} (\d{3})\b")

# By class: its column of the record, its name, what it means.
CLASSES = (
    (
        "created",
        "created",
        gettext_lazy("nuevas"),
        gettext_lazy("Un lead nuevo por cada una."),
    ),
    (
        "updated",
        "updated",
        gettext_lazy("actualizadas"),
        gettext_lazy("El lead ya está y cambia algún dato."),
    ),
    (
        "unchanged",
        "unchanged",
        gettext_lazy("sin cambios"),
        gettext_lazy("El lead ya está, con los mismos datos."),
    ),
    (
        "duplicate",
        "duplicates",
        gettext_lazy("duplicadas"),
        gettext_lazy("El mismo teléfono que otra fila o que otro lead."),
    ),
    (
        "suppressed",
        "suppressed",
        gettext_lazy("excluidas"),
        gettext_lazy("El número está en una lista de exclusión: no se importa."),
    ),
    (
        "rejected",
        "rejected",
        gettext_lazy("rechazadas"),
        gettext_lazy("No se les podría llamar: corríjalas y vuelva a subirlas."),
    ),
)

EXAMPLE_HEADER = (
    "TELEFONO",
    "NOMBRE",
    "APELLIDOS",
    "TELEFONO2",
    "NIF",
    "FECHA_NACIMIENTO",
    "SEXO",
    "EMAIL",
    "POLIZA",
    "CLINICA",
    "CODIGO_POSTAL",
    "CIUDAD",
    "CONSENTIMIENTO",
)
EXAMPLE_ROWS = (
    (
        "612 034 118",
        "María",
        "Ejemplo Ruiz",
        "",
        "",
        "24/03/1968",
        "M",
        "maria@example.com",
        "P-0001",
        "Centro",
        "28001",
        "Madrid",
        "sí",
    ),
    (
        "600 500 118",
        "Juan",
        "Muestra Gil",
        "912 345 678",
        "",
        "02/11/1975",
        "H",
        "",
        "P-0002",
        "Norte",
        "08001",
        "Barcelona",
        "no",
    ),
)


def classes(record: LeadImport) -> list[dict[str, Any]]:
    """Every row of the file is in exactly one of them."""
    samples = record.details.get("samples", {})
    return [
        {
            "key": key,
            "label": label,
            "meaning": meaning,
            "count": getattr(record, column),
            "samples": [
                sample | {"text": _masked(sample["text"], rejected=key == "rejected")}
                for sample in samples.get(key, ())
            ],
        }
        for key, column, label, meaning in CLASSES
    ]


def _masked(text: str, *, rejected: bool) -> str:
    """A number that is right need not be read whole; a wrong one is to be corrected."""
    return text if rejected else GROUPED_PHONE.sub(r"\1 ··· \2", text)


def warnings(record: LeadImport) -> list[str]:
    """What a person should look at before going on."""
    found = list(record.details.get("warnings", ()))
    if unplaced := record.details.get("without_clock", 0):
        words = ngettext(
            "De %s lead nuevo no se sabe qué hora es donde vive y no se le llamará: "
            "complete su provincia o su código postal.",
            "De %s leads nuevos no se sabe qué hora es donde viven y no se les "
            "llamará: complete su provincia o su código postal.",
            unplaced,
        )
        found.append(words % number(unplaced))
    if unasked := record.details.get("without_consent", 0):
        words = ngettext(
            "De %s lead nuevo no consta el consentimiento: las campañas que lo exigen "
            "no le llaman.",
            "De %s leads nuevos no consta el consentimiento: las campañas que lo "
            "exigen no les llaman.",
            unasked,
        )
        found.append(words % number(unasked))
    if unknown := record.details.get("unknown_headers"):
        words = _("Columnas que no se importan: {names}.")
        found.append(words.format(names=", ".join(unknown)))
    return found


def progress(now: Progress) -> dict[str, Any]:
    if not now.total:
        return {"done": 0, "total": 0, "text": _("Preparándose…"), "spoken": ""}
    spoken = now.percent - now.percent % SPOKEN_STEP
    return {
        "done": now.done,
        "total": now.total,
        "text": _("%(done)s de %(total)s filas")
        % {"done": number(now.done), "total": number(now.total)},
        "spoken": _("%s por ciento") % spoken,
    }


def example_csv() -> Iterator[str]:
    """As Spanish Excel opens and saves it."""
    yield "\ufeff"
    for row in (EXAMPLE_HEADER, *EXAMPLE_ROWS):
        line = StringIO()
        csv.writer(line, delimiter=";").writerow(row)
        yield line.getvalue()
