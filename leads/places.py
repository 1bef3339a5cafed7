"""Where a lead lives, so that its holidays and its clock are known or plainly not."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

MADRID = "Europe/Madrid"
CANARY = "Atlantic/Canary"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A community of Spain and its clock; an empty text means it is not known.

    `community` is the ISO 3166-2:ES code of the `holidays` package. Without
    `time_zone` nobody may be called.
    """

    community: str
    time_zone: str


UNKNOWN = Place(community="", time_zone="")

# Postal prefix: community, landline prefixes (their 8xx twins are added), names.
# Ceuta and Melilla share the landlines of Cádiz and Málaga.
PROVINCES = MappingProxyType(
    {
        "01": ("PV", "945", "Álava, Araba, Vitoria, Gasteiz, Vitoria-Gasteiz"),
        "02": ("CM", "967", "Albacete"),
        "03": ("VC", "965 966", "Alicante, Alacant"),
        "04": ("AN", "950", "Almería"),
        "05": ("CL", "920", "Ávila"),
        "06": ("EX", "924", "Badajoz"),
        "07": (
            "IB",
            "971",
            "Baleares, Balears, Islas Baleares, Illes Balears, Mallorca, Menorca, "
            "Ibiza, Eivissa, Formentera, Palma de Mallorca",
        ),
        "08": ("CT", "93", "Barcelona"),
        "09": ("CL", "947", "Burgos"),
        "10": ("EX", "927", "Cáceres"),
        "11": ("AN", "956", "Cádiz"),
        "12": ("VC", "964", "Castellón, Castelló, Castellón de la Plana"),
        "13": ("CM", "926", "Ciudad Real"),
        "14": ("AN", "957", "Córdoba"),
        "15": ("GA", "981", "Coruña, A Coruña, La Coruña"),
        "16": ("CM", "969", "Cuenca"),
        "17": ("CT", "972", "Girona, Gerona"),
        "18": ("AN", "958", "Granada"),
        "19": ("CM", "949", "Guadalajara"),
        "20": ("PV", "943", "Gipuzkoa, Guipúzcoa, San Sebastián, Donostia"),
        "21": ("AN", "959", "Huelva"),
        "22": ("AR", "974", "Huesca"),
        "23": ("AN", "953", "Jaén"),
        "24": ("CL", "987", "León"),
        "25": ("CT", "973", "Lleida, Lérida"),
        "26": ("RI", "941", "La Rioja, Logroño"),
        "27": ("GA", "982", "Lugo"),
        "28": ("MD", "91", "Madrid"),
        "29": ("AN", "951 952", "Málaga"),
        "30": ("MC", "968", "Murcia"),
        "31": ("NC", "948", "Navarra, Nafarroa, Foral de Navarra, Pamplona, Iruña"),
        "32": ("GA", "988", "Ourense, Orense"),
        "33": ("AS", "984 985", "Asturias, Asturies, Oviedo"),
        "34": ("CL", "979", "Palencia"),
        "35": (
            "CN",
            "928",
            "Las Palmas, Las Palmas de Gran Canaria, Las Palmas de G. C., "
            "Gran Canaria, Lanzarote, Fuerteventura",
        ),
        "36": ("GA", "986", "Pontevedra"),
        "37": ("CL", "923", "Salamanca"),
        "38": (
            "CN",
            "922",
            "Santa Cruz de Tenerife, Sta. Cruz de Tenerife, S. C. Tenerife, "
            "Sta. C. Tenerife, Tenerife, La Gomera, El Hierro",
        ),
        "39": ("CB", "942", "Cantabria, Santander"),
        "40": ("CL", "921", "Segovia"),
        "41": ("AN", "954 955", "Sevilla"),
        "42": ("CL", "975", "Soria"),
        "43": ("CT", "977", "Tarragona"),
        "44": ("AR", "978", "Teruel"),
        "45": ("CM", "925", "Toledo"),
        "46": ("VC", "960 961 962 963", "Valencia"),
        "47": ("CL", "983", "Valladolid"),
        "48": ("PV", "944 946", "Vizcaya, Bizkaia, Bilbao, Bilbo"),
        "49": ("CL", "980", "Zamora"),
        "50": ("AR", "976", "Zaragoza"),
        "51": ("CE", "956", "Ceuta, Ciudad de Ceuta, Ciudad Autónoma de Ceuta"),
        "52": (
            "ML",
            "951 952",
            "Melilla, Ciudad de Melilla, Ciudad Autónoma de Melilla",
        ),
    }
)

COMMUNITIES = frozenset(community for community, *_rest in PROVINCES.values())

# What some write where the province goes. It settles holidays and clock all the same.
COMMUNITY_NAMES = MappingProxyType(
    {
        "AN": "Andalucía",
        "AR": "Aragón",
        "CL": "Castilla y León",
        "CM": "Castilla-La Mancha",
        "CN": "Canarias, Islas Canarias",
        "CT": "Cataluña, Catalunya",
        "EX": "Extremadura",
        "GA": "Galicia, Galiza",
        "PV": "País Vasco, Euskadi",
        "VC": "Comunidad Valenciana, Comunitat Valenciana",
    }
)

POSTAL_CODE = re.compile(r"(?:ES?\s?-?\s?)?(\d{4,5})(?:[.,]0)?", re.IGNORECASE)
# Words that come and go around a name. "La Palma" and "Palma" become the same
# word, which on purpose names no province: one is in Canarias, the other is not.
LITTLE_WORDS = frozenset(
    {"a", "o", "l", "d", "la", "las", "el", "los", "les", "lo", "de", "del"}
    | {"provincia", "prov", "principado", "region", "comunidad", "comunitat"}
)


def place_of(*, postal_code: str, province: str, phone_e164: str) -> Place:
    """Where the lead lives. An empty `time_zone`: undecidable, so nobody calls.

    The postal code and the province decide; where they disagree only what both
    have in common stands. A foreign number is never placed: nobody knows which
    clock its bearer reads.
    """
    if phone_e164 and not phone_e164.startswith("+34"):
        return UNKNOWN
    landline = _place_of_landline(phone_e164)
    written = {_place_of_postal_code(postal_code), _place_of_province(province)}
    address = _common(written)
    if not written - {UNKNOWN}:
        return landline
    if landline.time_zone not in ("", address.time_zone):
        return Place(community=address.community, time_zone="")
    return address


def _place_of_postal_code(text: str) -> Place:
    match = POSTAL_CODE.fullmatch(_visible(text))
    if match is None:
        return UNKNOWN
    # Excel eats one leading zero; a Spanish postal code always has five digits.
    return _BY_POSTAL_PREFIX.get(match[1].zfill(5)[:2], UNKNOWN)


def _place_of_province(text: str) -> Place:
    """Also for names in two languages, as Alicante/Alacant or Araba-Álava."""
    if (whole := _BY_NAME.get(_key(text))) is not None:
        return whole
    halves = {_BY_NAME.get(_key(half), UNKNOWN) for half in re.split(r"[/\-–(]", text)}
    return halves.pop() if len(halves) == 1 else UNKNOWN


def _place_of_landline(e164: str) -> Place:
    national = e164.removeprefix("+34")
    if e164 == national or len(national) != 9:
        return UNKNOWN
    found = _BY_LANDLINE.get(national[:2]) or _BY_LANDLINE.get(national[:3])
    return found or UNKNOWN


def _common(places: Iterable[Place]) -> Place:
    """What every known place agrees on."""
    known = {place for place in places if place != UNKNOWN}
    communities = {place.community for place in known}
    time_zones = {place.time_zone for place in known}
    return Place(
        community=communities.pop() if len(communities) == 1 else "",
        time_zone=time_zones.pop() if len(time_zones) == 1 else "",
    )


def _visible(text: str) -> str:
    """Without what people cannot see: odd spaces, marks, the apostrophe of Excel."""
    plain = unicodedata.normalize("NFKC", text)
    kept = (char for char in plain if unicodedata.category(char) not in ("Cf", "Cc"))
    return "".join(kept).strip().lstrip("'").strip()


def _key(name: str) -> str:
    """The words of a name that matter, without case, accents, order or articles."""
    bare = unicodedata.normalize("NFD", _visible(name).casefold())
    letters = "".join(char for char in bare if not unicodedata.combining(char))
    words = set(re.findall(r"[^\W\d_]+", letters))
    return " ".join(sorted(words - LITTLE_WORDS) or sorted(words))


def _place_in(community: str) -> Place:
    return Place(community=community, time_zone=CANARY if community == "CN" else MADRID)


def _places_by_name() -> dict[str, Place]:
    names = {
        _key(n): _place_in(c)
        for c, ns in COMMUNITY_NAMES.items()
        for n in ns.split(",")
    }
    for community, _prefixes, province_names in PROVINCES.values():
        for name in province_names.split(","):
            names[_key(name)] = _place_in(community)
    return names


def _places_by_landline() -> dict[str, Place]:
    found: defaultdict[str, set[Place]] = defaultdict(set)
    for community, prefixes, _names in PROVINCES.values():
        for prefix in prefixes.split():
            found[prefix].add(_place_in(community))
            found["8" + prefix[1:]].add(_place_in(community))
    return {prefix: _common(places) for prefix, places in found.items()}


_BY_POSTAL_PREFIX = {code: _place_in(row[0]) for code, row in PROVINCES.items()}
_BY_NAME = _places_by_name()
_BY_LANDLINE = _places_by_landline()
