"""What the columns of a file mean, and what one of its rows says of a lead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from leads.csv_files import Row, UnreadableFile
from leads.models import Consent, Lead, Priority, Suppression
from leads.phones import NotAPhone, normalise
from leads.places import place_of

if TYPE_CHECKING:
    from django.db import models
    from django_stubs_ext import StrOrPromise

# By field, the headers that name it; if a file has two of them, the earlier one wins.
# They are compared without case, accents or signs: "Código postal", "CODIGO_POSTAL".
LEAD_HEADERS = MappingProxyType(
    {
        "phone": "telefono telefono1 tel tel1 tlf tfno phone phone1 phonenumber "
        "telephone telefonomovil movil mobile",
        "phone_alt": "telefono2 telefonoalternativo otrotelefono segundotelefono tel2 "
        "tlf2 phone2 phonealt alternativephone telefonofijo fijo landline",
        "first_name": "nombre nombrepila firstname givenname name",
        "last_name": "apellidos apellido lastname surname familyname",
        "national_id": "nif dni nie nifnie documento nationalid",
        "birth_date": "fechanacimiento fechadenacimiento fnacimiento nacimiento "
        "birthdate dateofbirth dob",
        "sex": "sexo genero sex gender",
        "email": "email correo correoelectronico mail emailaddress",
        "policy_number": "poliza numeropoliza npoliza policy policynumber",
        "segment": "segmento segment",
        "certificate": "certificado certificate",
        "delegation": "delegacion delegation branch",
        "clinic_name": "clinica nombreclinica centro clinic clinicname",
        "clinic_id": "idclinica clinicaid codigoclinica clinicid",
        "clinic_address": "direccionclinica clinicadireccion clinicaddress",
        "postal_code": "codigopostal cp cpostal postalcode postcode zip zipcode",
        "city": "ciudad poblacion localidad municipio city town",
        "province": "provincia province",
        "external_id": "idexterno externalid referencia reference id",
        "call_priority": "prioridad priority callpriority",
        "consent": "consentimiento consent",
        "consent_source": "origenconsentimiento origendelconsentimiento "
        "fuenteconsentimiento consentsource",
        "call_notes": "notas nota observaciones comentarios notes",
    }
)
# The order of the file itself is kept.
NOT_KEPT = frozenset({"orden", "order", "nfila", "fila"})
SUPPRESSION_HEADERS = MappingProxyType(
    {
        "phone_e164": LEAD_HEADERS["phone"],
        "reason": "motivo razon causa reason",
        "source": "origen fuente source",
    }
)

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
SPANISH_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T].*)?", re.ASCII)
ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T].*)?", re.ASCII)
OLDEST_BIRTH = date(1900, 1, 1)
SPACED_OUT = dict.fromkeys([*range(32), 127], " ")

REMARKS: dict[str, StrOrPromise] = {
    "phone_alt": _("El segundo teléfono no vale y no se usará."),
    "email": _("El correo no es válido y se ha dejado vacío."),
    "birth_date": _("La fecha de nacimiento no es dd/mm/aaaa y se ha dejado vacía."),
    "call_priority": _("La prioridad no es un número del 1 al 5: queda la normal."),
    "consent": _("El consentimiento no es «sí» ni «no»: queda sin constar."),
}


class RowRejected(ValueError):
    """The row makes no lead that could be called. Show `reason` beside its number."""

    def __init__(self, reason: StrOrPromise) -> None:
        super().__init__("row rejected")  # nothing of the row: it may be logged
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where each field is, and the headers that nobody understood."""

    positions: Mapping[str, int]
    unknown: Sequence[str]
    width: int

    def cells(self, row: Row) -> dict[str, str]:
        """By field, tidied: trimmed, its spaces collapsed. Raises RowRejected."""
        if row.problem:
            raise RowRejected(row.problem)
        if any(cell.strip() for cell in row.cells[self.width :]):
            raise RowRejected(
                _(
                    "Tiene más casillas que la cabecera: un valor lleva dentro el "
                    "separador. Póngalo entre comillas."
                )
            )
        filled = [*row.cells, *[""] * (self.width - len(row.cells))]
        return {name: tidied(filled[at]) for name, at in self.positions.items()}


@dataclass(frozen=True, kw_only=True)
class LeadRow:
    """The columns of a new lead, and what was left out of it."""

    values: dict[str, Any]
    remarks: Sequence[StrOrPromise]


def lead_columns(header: Sequence[str]) -> Columns:
    return _columns(header, LEAD_HEADERS, needed="phone")


def suppression_columns(header: Sequence[str]) -> Columns:
    return _columns(header, SUPPRESSION_HEADERS, needed="phone_e164")


def recognised(header: Sequence[str]) -> int:
    """How many of the headers mean something."""
    return sum(_key(name) in _KNOWN for name in header)


def tidied(text: str) -> str:
    return " ".join(text.translate(SPACED_OUT).split())


def lead_row(
    cells: Mapping[str, str], *, today: date, consent_source: str = ""
) -> LeadRow:
    """Raises RowRejected. `consent_source`: where it is kept that these people agreed
    to automatic calls; a row that says otherwise is believed."""
    _refuse_long(cells, Lead)
    remarks: list[StrOrPromise] = []
    values: dict[str, Any] = dict(cells)
    values["phone_e164"] = phone_or_rejected(cells["phone"])
    values |= _place(values)
    for name, parse in _PARSERS.items():
        text = cells.get(name, "")
        try:
            values |= parse(text, today)
        except ValueError:
            values |= _UNREADABLE[name]
            remarks.append(REMARKS[name])
    values |= _consent_origin(values, said_by=consent_source)
    return LeadRow(values=values, remarks=remarks)


def suppression_row(cells: Mapping[str, str]) -> dict[str, str]:
    """Raises RowRejected."""
    phone = phone_or_rejected(cells["phone_e164"])
    values = dict(cells) | {"phone_e164": phone}
    _refuse_long(values, Suppression)
    return values


def phone_or_rejected(text: str) -> str:
    try:
        return normalise(text)
    except NotAPhone as exc:
        raise RowRejected(exc.reason) from exc


def _columns(
    header: Sequence[str], headers: Mapping[str, str], *, needed: str
) -> Columns:
    keys = [_key(name) for name in header]
    positions = {}
    for field, names in headers.items():
        found = next((name for name in names.split() if name in keys), None)
        if found is not None:
            positions[field] = keys.index(found)
    if needed not in positions:
        reason = _(
            "Falta la columna TELEFONO. La cabecera tiene: {headers}. Ponga ese nombre "
            "a la columna del teléfono y vuelva a importar el fichero."
        )
        found_ones = ", ".join(name for name in header if name)
        raise UnreadableFile(format_lazy(reason, headers=found_ones))
    taken = {*positions.values()}
    unknown = [
        name
        for at, name in enumerate(header)
        if name and at not in taken and keys[at] not in NOT_KEPT
    ]
    return Columns(positions=positions, unknown=unknown, width=len(header))


def _refuse_long(values: Mapping[str, str], model: type[models.Model]) -> None:
    for name, text in values.items():
        field = model._meta.get_field(name)
        limit = getattr(field, "max_length", None)
        # A field of other kinds (date, choice) is read; what it says is not kept.
        if limit and not getattr(field, "choices", None) and len(text) > limit:
            reason = _("«{field}» tiene {count} caracteres y caben {limit}: acórtelo.")
            label = getattr(field, "verbose_name", name)
            raise RowRejected(
                format_lazy(reason, field=label, count=len(text), limit=limit)
            )


def _place(values: Mapping[str, Any]) -> dict[str, str]:
    place = place_of(
        postal_code=values.get("postal_code", ""),
        province=values.get("province", ""),
        phone_e164=values["phone_e164"],
    )
    return {"community": place.community, "time_zone": place.time_zone}


def _phone_alt(text: str, _today: date) -> dict[str, str]:
    return {"phone_alt_e164": normalise(text) if text else ""}


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
    key = whole[1] if whole else _key(text)
    if key and key not in PRIORITIES:
        raise ValueError("not a priority")
    return {"call_priority": PRIORITIES.get(key, Priority.NORMAL)}


def _consent(text: str, _today: date) -> dict[str, str]:
    key = _key(text)
    if key in YES:
        return {"consent": Consent.GIVEN}
    if key in NO:
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


def _key(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in bare if char.isalnum())


_KNOWN = NOT_KEPT | {
    name
    for headers in (LEAD_HEADERS, SUPPRESSION_HEADERS)
    for names in headers.values()
    for name in names.split()
}
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
