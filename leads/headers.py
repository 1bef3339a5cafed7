"""What the headers of a file name. No database and no settings: the child that reads
an upload imports this, too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from leads.formulas import QUOTE, unescaped

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
# The order of the file itself is kept. MOTIVO and FILA come back with rejected rows.
# The rest is what an export of ours says of the calls.
NOT_KEPT = frozenset(
    {"orden", "order", "nfila", "fila", "motivo"}
    | {"estado", "encola", "intentos", "ultimointento", "proximallamada"}
    | {"rellamada", "resultadocomercial", "motivoresultado", "errorllamada"}
    | {"archivoorigen", "filaorigen", "resultadollamada", "duracionsegundos"}
    | {"resumen"}
)
SUPPRESSION_HEADERS = MappingProxyType(
    {
        "phone_e164": LEAD_HEADERS["phone"],
        "reason": "motivo razon causa reason",
        "source": "origen fuente source",
    }
)
SPACED_OUT = dict.fromkeys([*range(32), *range(127, 160)], " ")
# How exports keep Excel from eating zeros: ="00612" is text, and exactly that text.
QUOTED_TEXT = re.compile(r'="([^"]*)"')
NAMELESS = re.compile(r"columna \d+")
DATA = re.compile(r"[+(]?[\d ().\-/]{9,}")


def key(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in bare if char.isalnum())


def recognised(header: Sequence[str]) -> int:
    """How many of the headers mean something."""
    return sum(key(name) in _KNOWN for name in header)


def is_header(cells: Sequence[str]) -> bool:
    """A lone word such as «Clínica» may be a title; a phone or two words are none."""
    return recognised(cells) > 1 or "phone" in named(cells, LEAD_HEADERS)


def tidied(text: str) -> str:
    """Trimmed, its spaces collapsed, without what only guards it from a spreadsheet."""
    if not text:
        return ""
    plain = text if text.isprintable() else text.translate(SPACED_OUT)
    plain = " ".join(plain.split())
    if plain[:1] == QUOTE:
        return unescaped(plain)
    if plain[:2] == '="' and (quoted := QUOTED_TEXT.fullmatch(plain)):
        return quoted[1].strip()
    return plain


def looks_like_data(header: Sequence[str]) -> bool:
    """A first row with a phone in it names nothing."""
    return any(DATA.fullmatch(cell.strip()) for cell in header)


def told_apart(header: Sequence[str], *, width: int = 0) -> list[str]:
    """Each header once and none blank, so that a mapping by header is a mapping."""
    found: list[str] = []
    for at in range(max(width, len(header))):
        name = tidied(header[at]) if at < len(header) else ""
        name, again = name or f"columna {at + 1}", 1
        plain = name
        while name in found:
            again += 1
            name = f"{plain} ({again})"
        found.append(name)
    return found


def suggested(
    header: Sequence[str], *, remembered: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """By header, its field or "". What a person chose last time wins; each field once.

    `remembered`: by `key` of the header.
    """
    found = {name: remembered.get(key(name), "") for name in header}
    taken: set[str] = set()
    for name, field in found.items():
        if field in taken or field not in LEAD_HEADERS:
            found[name] = ""
        else:
            taken.add(field)
    fresh = [name for name in header if key(name) not in remembered]
    for field, position in named(fresh, LEAD_HEADERS).items():
        if field not in taken:
            found[fresh[position]] = field
    return found


def named(header: Sequence[str], headers: Mapping[str, str]) -> dict[str, int]:
    """By field, where the header is that names it."""
    keys = [key(name) for name in header]
    positions = {}
    for field, names in headers.items():
        found = next((name for name in names.split() if name in keys), None)
        if found is not None:
            positions[field] = keys.index(found)
    return positions


_KNOWN = NOT_KEPT | {
    name
    for headers in (LEAD_HEADERS, SUPPRESSION_HEADERS)
    for names in headers.values()
    for name in names.split()
}
