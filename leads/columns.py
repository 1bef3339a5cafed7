"""What the columns of a file mean, and what one of its rows says of a lead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from phonenumbers import PhoneMetadata

from leads.csv_files import REASONS, Row, UnreadableFile
from leads.headers import (
    LEAD_HEADERS,
    NAMELESS,
    NOT_KEPT,
    SUPPRESSION_HEADERS,
    key,
    named,
    recognised,
)
from leads.models import Consent, Lead, Priority, Suppression
from leads.phones import NotAPhone, normalise
from leads.places import place_of

if TYPE_CHECKING:
    from django.db import models
    from django_stubs_ext import StrOrPromise

    from leads.places import Place

__all__ = [
    "BadMapping",
    "Columns",
    "LeadRow",
    "RowRejected",
    "lead_columns",
    "lead_row",
    "phone_or_rejected",
    "recognised",
    "suppression_columns",
    "suppression_row",
]

YES = frozenset({"si", "s", "yes", "y", "1", "x", "true", "verdadero", "dado", "given"})
NO = frozenset({"no", "n", "0", "false", "falso", "denegado", "refused", "baja"})
PRIORITIES = {str(value): value for value in Priority.values} | {
    "alta": Priority.HIGH,
    "high": Priority.HIGH,
    "media": Priority.NORMAL,
    "normal": Priority.NORMAL,
    "baja": Priority.LOW,
    "low": Priority.LOW,
}
EXCEL_NUMBER = re.compile(r"(\d+)[.,]0+")
# Only a number shown in scientific notation looks so; no policy is called 1,23E+15.
DIGITS_LOST = re.compile(r"\d[.,]\d+[eE]\+\d{1,3}")
# Identifiers that a spreadsheet may have taken for numbers.
NUMBERED = (
    "national_id",
    "policy_number",
    "certificate",
    "clinic_id",
    "external_id",
    "postal_code",
)
# What phonenumbers says of these is checked against it in the tests.
PLAIN_SPANISH = re.compile(r"(?:(?:\+|00)34)?([6-9]\d{8})", re.ASCII)
SPANISH_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T].*)?", re.ASCII)
ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T].*)?", re.ASCII)
OLDEST_BIRTH = date(1900, 1, 1)
SPANISH_POSTAL_CODE = 5
# A sheet of paper; nobody reads more before a call.
LONGEST_NOTES = 5000

REMARKS: dict[str, StrOrPromise] = {
    "phone_alt": _("El segundo teléfono no vale y no se usará."),
    "email": _("El correo no es válido y se ha dejado vacío."),
    "birth_date": _("La fecha de nacimiento no es dd/mm/aaaa y se ha dejado vacía."),
    "call_priority": _("La prioridad no es un número del 1 al 5: queda la normal."),
    "consent": _("El consentimiento no es «sí» ni «no»: queda sin constar."),
}


class BadMapping(UnreadableFile):
    """The columns chosen make no lead; the file itself may be fine."""


class RowRejected(ValueError):
    """The row makes no lead that could be called. Show `reason` beside its number."""

    def __init__(self, reason: StrOrPromise, *, field: str = "") -> None:
        super().__init__("row rejected")  # nothing of the row: it may be logged
        self.reason = reason
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where each field is, and the headers that nobody understood."""

    positions: Mapping[str, int]
    unknown: Sequence[str]
    width: int

    def cells(self, row: Row) -> dict[str, str]:
        """By field. Raises RowRejected."""
        if row.problem:
            raise RowRejected(REASONS[row.problem])
        if any(cell.strip() for cell in row.cells[self.width :]):
            raise RowRejected(REASONS["too_many_cells"])
        filled = [*row.cells, *[""] * (self.width - len(row.cells))]
        return {name: filled[at] for name, at in self.positions.items()}


@dataclass(frozen=True, kw_only=True)
class LeadRow:
    """The columns of a new lead; which cells said something; and what of that was left
    out (keys of REMARKS)."""

    values: dict[str, Any]
    said: frozenset[str]
    left_out: Sequence[str]

    @property
    def remarks(self) -> list[StrOrPromise]:
        return [REMARKS[name] for name in self.left_out]


def lead_columns(
    header: Sequence[str], mapping: Mapping[str, str] | None = None
) -> Columns:
    """`mapping`: by header the field a person chose; without it, what names say.

    Raises UnreadableFile (BadMapping if it is the mapping that is wrong).
    """
    if mapping is None:
        return _columns(header, LEAD_HEADERS, needed="phone")
    positions: dict[str, int] = {}
    for at, name in enumerate(header):
        field = mapping.get(name, "")
        if not field:
            continue
        if field not in LEAD_HEADERS:
            raise BadMapping(_("Hay una columna que no es de los leads: elija otra."))
        if field in positions:
            label = _label(field)
            reason = _("Dos columnas dicen «{field}»: deje solo una.")
            raise BadMapping(format_lazy(reason, field=label))
        positions[field] = at
    if "phone" not in positions:
        raise BadMapping(_("Elija qué columna es el teléfono: sin él no hay lead."))
    return Columns(
        positions=positions,
        unknown=_unknown(header, taken={*positions.values()}),
        width=len(header),
    )


def suppression_columns(header: Sequence[str]) -> Columns:
    return _columns(header, SUPPRESSION_HEADERS, needed="phone_e164")


def lead_row(
    cells: Mapping[str, str], *, today: date, consent_source: str = ""
) -> LeadRow:
    """Raises RowRejected. `consent_source`: where it is kept that these people agreed
    to automatic calls; a row that says otherwise is believed."""
    values: dict[str, Any] = _repaired(cells)
    _refuse_long(values, Lead)
    left_out: list[str] = []
    values["phone_e164"] = phone_or_rejected(cells["phone"])
    values |= place_values(values)
    for name, parse in _PARSERS.items():
        text = cells.get(name, "")
        try:
            values |= parse(text, today)
        except ValueError:
            values |= _UNREADABLE[name]
            left_out.append(name)
    values |= _consent_origin(values, said_by=consent_source)
    said = frozenset(name for name, text in cells.items() if text)
    return LeadRow(values=values, said=said, left_out=left_out)


def suppression_row(cells: Mapping[str, str]) -> dict[str, str]:
    """Raises RowRejected."""
    phone = phone_or_rejected(cells["phone_e164"])
    values = dict(cells) | {"phone_e164": phone}
    _refuse_long(values, Suppression)
    return values


def phone_or_rejected(text: str) -> str:
    try:
        return e164(text)
    except NotAPhone as exc:
        raise RowRejected(exc.reason, field="phone") from exc


def e164(text: str) -> str:
    """As `normalise`, much faster for a plain Spanish number. Raises NotAPhone."""
    plain = PLAIN_SPANISH.fullmatch(text)
    if plain and not _OTHER_KIND(plain[1]) and _ORDINARY(plain[1]):
        return f"+34{plain[1]}"
    return normalise(text)


def place_values(values: Mapping[str, Any]) -> dict[str, str]:
    """The columns that follow from the postal code, the province and the number."""
    phone = values["phone_e164"]
    place = _place(
        values.get("postal_code") or "",
        values.get("province") or "",
        # A landline says its province by its first digits; the rest says nothing.
        phone[:6] + "0" * len(phone[6:]),
    )
    return {"community": place.community, "time_zone": place.time_zone}


def _repaired(cells: Mapping[str, str]) -> dict[str, str]:
    """What a spreadsheet did to identifiers: undone if exact, else refused."""
    found = dict(cells)
    for name in NUMBERED:
        text = found.get(name, "")
        if not text:
            continue
        if DIGITS_LOST.fullmatch(text):
            reason = _(
                "Excel guardó «{field}» en notación científica y se perdieron cifras: "
                "dé formato de texto a la columna y copie los valores originales."
            )
            label = _label(name)
            raise RowRejected(format_lazy(reason, field=label), field=name)
        if whole := EXCEL_NUMBER.fullmatch(text):
            found[name] = whole[1]
    code = found.get("postal_code", "")
    if len(code) == SPANISH_POSTAL_CODE - 1 and code.isdecimal():
        found["postal_code"] = f"0{code}"  # Excel eats one leading zero
    return found


def _label(name: str) -> StrOrPromise:
    return Lead._meta.get_field(name).verbose_name  # type: ignore[union-attr]


def _columns(
    header: Sequence[str], headers: Mapping[str, str], *, needed: str
) -> Columns:
    positions = named(header, headers)
    if needed not in positions:
        reason = _(
            "Falta la columna TELEFONO. La cabecera tiene: {headers}. Ponga ese nombre "
            "a la columna del teléfono y vuelva a importar el fichero."
        )
        found_ones = ", ".join(name for name in header if name)
        raise UnreadableFile(format_lazy(reason, headers=found_ones))
    unknown = _unknown(header, taken={*positions.values()})
    return Columns(positions=positions, unknown=unknown, width=len(header))


def _unknown(header: Sequence[str], *, taken: set[int]) -> list[str]:
    return [
        name
        for at, name in enumerate(header)
        if name
        and at not in taken
        and key(name) not in NOT_KEPT
        and not NAMELESS.fullmatch(name)
    ]


def _refuse_long(values: Mapping[str, str], model: type[models.Model]) -> None:
    limits = _limits(model)
    for name, text in values.items():
        if len(text) > limits.get(name, len(text)):
            reason = _("«{field}» tiene {count} caracteres y caben {limit}: acórtelo.")
            label = getattr(model._meta.get_field(name), "verbose_name", name)
            raise RowRejected(
                format_lazy(reason, field=label, count=len(text), limit=limits[name]),
                field=name,
            )


@lru_cache
def _limits(model: type[models.Model]) -> dict[str, int]:
    """A field of other kinds (date, choice) is read; what it says is not kept."""
    return {
        field.name: field.max_length
        for field in model._meta.concrete_fields
        if field.max_length and not field.choices
    } | ({"call_notes": LONGEST_NOTES} if model is Lead else {})


@lru_cache(maxsize=4096)
def _place(postal_code: str, province: str, phone_e164: str) -> Place:
    return place_of(postal_code=postal_code, province=province, phone_e164=phone_e164)


def _phone_alt(text: str, _today: date) -> dict[str, str]:
    return {"phone_alt_e164": e164(text) if text else ""}


def _email(text: str, _today: date) -> dict[str, str]:
    try:
        if text:
            validate_email(text)
    except ValidationError as exc:
        raise ValueError("not an address") from exc
    return {"email": text}


def _birth_date(text: str, today: date) -> dict[str, date | None]:
    if not text:
        return {"birth_date": None}
    if match := SPANISH_DATE.fullmatch(text):
        born = date(int(match[4]), int(match[3]), int(match[1]))
    elif match := ISO_DATE.fullmatch(text):
        born = date(int(match[1]), int(match[2]), int(match[3]))
    else:
        raise ValueError("not a date")
    if not OLDEST_BIRTH <= born <= today:
        raise ValueError("nobody alive")
    return {"birth_date": born}


def _priority(text: str, _today: date) -> dict[str, int]:
    whole = EXCEL_NUMBER.fullmatch(text)
    word = whole[1] if whole else key(text)
    if word and word not in PRIORITIES:
        raise ValueError("not a priority")
    return {"call_priority": PRIORITIES.get(word, Priority.NORMAL)}


def _consent(text: str, _today: date) -> dict[str, str]:
    word = key(text)
    if word in YES:
        return {"consent": Consent.GIVEN}
    if word in NO:
        return {"consent": Consent.REFUSED}
    if text:
        raise ValueError("neither yes nor no")
    return {"consent": ""}


def _consent_origin(values: Mapping[str, Any], *, said_by: str) -> dict[str, str]:
    """A silent row takes what is said of the whole file; an unreadable one does not."""
    origin = values.get("consent_source", "")
    if values["consent"]:
        is_given = values["consent"] == Consent.GIVEN
        return {"consent_source": origin or (said_by if is_given else "")}
    if said_by:
        return {"consent": Consent.GIVEN, "consent_source": origin or said_by}
    return {"consent": Consent.UNKNOWN, "consent_source": origin}


def _matcher(*kinds: str) -> Callable[[str], Any]:
    """Whether a national number is of one of these kinds, as phonenumbers knows it."""
    data = PhoneMetadata.metadata_for_region("ES")
    known = [getattr(data, kind) for kind in kinds]
    patterns = [one.national_number_pattern for one in known if one is not None]
    return re.compile("|".join(f"(?:{one})" for one in patterns if one)).fullmatch


_ORDINARY = _matcher("mobile", "fixed_line")
_OTHER_KIND = _matcher(
    "premium_rate", "shared_cost", "uan", "pager", "voicemail", "personal_number"
)
_PARSERS: dict[str, Callable[[str, date], dict[str, Any]]] = {
    "phone_alt": _phone_alt,
    "email": _email,
    "birth_date": _birth_date,
    "call_priority": _priority,
    "consent": _consent,
}
_UNREADABLE: dict[str, dict[str, Any]] = {
    "phone_alt": {"phone_alt_e164": ""},
    "email": {"email": ""},
    "birth_date": {"birth_date": None},
    "call_priority": {"call_priority": Priority.NORMAL},
    "consent": {"consent": Consent.UNKNOWN},
}
