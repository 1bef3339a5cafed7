"""What became of the rows of an import: each is in exactly one class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.models import Consent
from leads.phones import group, mask

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PROBLEMS_KEPT = 1000
SAMPLES_KEPT = 10
# In a list of people no twenty numbers follow one another; in an invented one all do.
SEQUENCE = 20

WARNINGS: dict[str, StrOrPromise] = {
    "formulas": gettext_lazy(
        "El libro tiene fórmulas: se usa el último resultado guardado, sin calcularlas."
    ),
    "hidden_sheets": gettext_lazy("El libro tiene hojas ocultas: no se leen."),
    "several_sheets": gettext_lazy(
        "El libro tiene varias hojas: solo se lee la primera con cabecera."
    ),
    "merged_cells": gettext_lazy(
        "La hoja tiene celdas combinadas: solo la primera lleva el valor, "
        "las demás cuentan como vacías."
    ),
}


class RowClass(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    REJECTED = "rejected"


@dataclass(kw_only=True)
class Report:
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated_in_file: int = 0
    already_known: int = 0
    suppressed: int = 0
    rejected: int = 0
    without_clock: int = 0
    without_consent: int = 0
    unknown_headers: Sequence[str] = ()
    problems: list[dict[str, Any]] = field(default_factory=list)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def duplicates(self) -> int:
        """Rows whose number is another row's, or another person's."""
        return self.repeated_in_file + self.already_known

    @property
    def counts(self) -> dict[str, int]:
        """By column of LeadImport."""
        names = "created updated unchanged duplicates suppressed rejected"
        return {name: getattr(self, name) for name in names.split()}

    def add_problem(self, row: int, reason: StrOrPromise) -> None:
        """Only words of ours: numbers and names stay in the file."""
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append({"row": row, "reason": str(reason)})

    def add_sample(
        self, row_class: RowClass, row: int, *, text: str = "", why: StrOrPromise = ""
    ) -> None:
        kept = self.samples.setdefault(row_class, [])
        if len(kept) < SAMPLES_KEPT:
            kept.append({"row": row, "text": text, "why": str(why)})

    def wants_sample(self, row_class: RowClass) -> bool:
        return len(self.samples.get(row_class, ())) < SAMPLES_KEPT

    def note_created(self, values: Mapping[str, Any]) -> None:
        self.created += 1
        self.without_clock += not values["time_zone"]
        self.without_consent += values["consent"] != Consent.GIVEN

    def check_sum(self) -> None:
        classes = sum(self.counts.values())
        if classes != self.rows:
            raise RuntimeError(f"{self.rows} rows read, {classes} accounted for")

    @property
    def details(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "warnings": self.warnings,
            "unknown_headers": list(self.unknown_headers),
            "without_clock": self.without_clock,
            "without_consent": self.without_consent,
        }


def named(values: dict[str, Any]) -> str:
    """A row as a person recognises it in a sample."""
    name = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
    phone = group(values.get("phone_e164") or "") or values.get("phone", "")
    return " · ".join(part for part in (name, phone) if part)


def sequence_warning(phones: Iterable[str]) -> str:
    """ "" unless many numbers follow one another, as only generated ones do."""
    numbers = sorted({int(phone) for phone in phones})
    runs: Counter[int] = Counter()
    start = None
    for number in numbers:
        if start is None or number != start + runs[start]:
            start = number
        runs[start] += 1
    if not runs:
        return ""
    first, longest = runs.most_common(1)[0]
    if longest < SEQUENCE:
        return ""
    words = _(
        "Hay {count} números seguidos, desde el {first}: parece una lista inventada o "
        "generada. Compruebe su origen antes de llamar."
    )
    return words.format(count=longest, first=mask(f"+{first}"))
