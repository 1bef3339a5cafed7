"""What a call collected, as text, read into a date, an hour, an answer…; pure.

Strict: what can be read in two ways, or in none, gives the reason why not. A day comes
before its month (03/04/2025 is 3 April): the agent speaks Spanish to people in Spain,
the one observed spelling is DD-MM-YYYY (pearl-api.md 5.2), and no format with the month
first is offered, so it can never be mixed up with one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST_TEXT = 2000
# Of the column that keeps it.
NUMBER_DIGITS, NUMBER_PLACES = 18, 4
LARGEST_NUMBER = Decimal(10) ** (NUMBER_DIGITS - NUMBER_PLACES)
LONGEST_NUMBER = 40
# A wish for a later day is a slip of the pen: 2052 for 2025.
FARTHEST = timedelta(days=366)
YES, NO = "yes", "no"


class Kind(models.TextChoices):
    DATE = "date", _("Fecha")
    TIME = "time", _("Hora")
    MOMENT = "moment", _("Fecha y hora")
    YES_NO = "yes_no", _("Sí o no")
    CHOICE = "choice", _("Una de varias respuestas")
    NUMBER = "number", _("Número")
    TEXT = "text", _("Texto libre")


class Format(models.TextChoices):
    """Ways to write a day, an hour or both; each is clear by itself."""

    DAY_FIRST = "day_first", _("25-09-2025, 25/09/2025 o 25.09.2025")
    YEAR_FIRST = "year_first", _("2025-09-25")
    MONTH_NAMED = "month_named", _("25 de septiembre de 2025")
    CLOCK = "clock", _("17:00 o 17:00:00, con dos cifras")
    CLOCK_12 = "clock_12", _("5:00 PM")
    ISO = "iso", _("2025-09-25T17:00, con desfase horario o sin él")
    DAY_FIRST_CLOCK = "day_first_clock", _("25-09-2025 17:00")


FORMATS: Mapping[str, Sequence[Format]] = {
    Kind.DATE: (Format.DAY_FIRST, Format.YEAR_FIRST, Format.MONTH_NAMED),
    Kind.TIME: (Format.CLOCK, Format.CLOCK_12),
    Kind.MOMENT: (Format.ISO, Format.DAY_FIRST_CLOCK),
}


class Problem(models.TextChoices):
    """Why a person has to look at it."""

    NOT_PLAIN = "not_plain", _("no es un texto ni un número")
    TOO_LONG = "too_long", _("es demasiado largo")
    NOT_A_DATE = "not_a_date", _("no es una fecha escrita como se espera")
    NO_SUCH_DAY = "no_such_day", _("ese día no existe")
    PAST = "past", _("es anterior al día de la llamada")
    TOO_FAR = "too_far", _("es de más de un año después de la llamada")
    NOT_A_TIME = "not_a_time", _("no es una hora escrita como se espera")
    NO_SUCH_TIME = "no_such_time", _("esa hora no existe")
    NOT_A_MOMENT = "not_a_moment", _("no es una fecha con su hora como se espera")
    CLOCK_CHANGE = "clock_change", _("esa hora no existe o se repite: cambio de hora")
    NOT_YES_NO = "not_yes_no", _("no es ni un sí ni un no")
    NOT_A_CHOICE = "not_a_choice", _("no es ninguna de las respuestas previstas")
    NOT_A_NUMBER = "not_a_number", _("no es un número")
    UNCLEAR_NUMBER = "unclear_number", _("el punto o la coma pueden ser de los miles")
    NUMBER_RANGE = "number_range", _("el número no cabe: demasiado grande o preciso")
    CONFLICT = "conflict", _("llegaron dos valores distintos")


Typed = date | time | datetime | bool | Decimal | str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of the answers: `words` are the spellings that mean it, beside its own."""

    code: str
    label: str
    words: tuple[str, ...] = ()

    @property
    def spellings(self) -> set[str]:
        return {folded(word) for word in (self.code, self.label, *self.words)} - {""}


YES_OR_NO = (
    Choice(code=YES, label="Sí", words=("si", "true")),
    Choice(code=NO, label="No", words=("false",)),
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How one field is read. `ahead`: a wish, which no past day can be."""

    kind: Kind
    formats: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    ahead: bool = False


def is_nothing(raw: object) -> bool:
    """Nobody said anything: there is nothing to read, nor to review."""
    return raw is None or raw in ([], {}) or (isinstance(raw, str) and not raw.strip())


def read(
    raw: object, how: Reading, *, called_on: date, time_zone: ZoneInfo
) -> Typed | Problem:
    """`called_on`: the day of the call where it was made, so that reading again later
    gives the same. `time_zone`: of moments written without one."""
    if isinstance(raw, bool):
        return _of_bool(raw, how)
    if isinstance(raw, int | float):
        return _of_number(raw, how)
    if not isinstance(raw, str):
        return Problem.NOT_PLAIN
    text = " ".join(raw.split())
    if len(text) > LONGEST_TEXT:
        return Problem.TOO_LONG
    match how.kind:
        case Kind.DATE:
            day = _date(text, how)
            return _not_ahead(day, how, called_on=called_on) or day
        case Kind.TIME:
            return _time(text, how)
        case Kind.MOMENT:
            at = _moment(text, how, time_zone=time_zone)
            local = at.astimezone(time_zone).date() if isinstance(at, datetime) else at
            return _not_ahead(local, how, called_on=called_on) or at
        case Kind.YES_NO:
            code = _code(text, (*YES_OR_NO, *how.choices))
            return Problem.NOT_YES_NO if code is None else code == YES
        case Kind.CHOICE:
            return _code(text, how.choices) or Problem.NOT_A_CHOICE
        case Kind.NUMBER:
            return _number(text)
    return text


def folded(text: str) -> str:
    """Small letters without accents, signs at the ends, or double blanks."""
    small = unicodedata.normalize("NFKD", text).casefold()
    split = unicodedata.normalize("NFKD", small)
    bare = "".join(char for char in split if not unicodedata.combining(char))
    return " ".join(bare.split()).strip(" .,;:!¡?¿\"'«»")


# --- Values that are not text -------------------------------------------------------


def _of_bool(raw: bool, how: Reading) -> Typed | Problem:
    return raw if how.kind == Kind.YES_NO else Problem.NOT_PLAIN


def _of_number(raw: float, how: Reading) -> Typed | Problem:
    if how.kind == Kind.NUMBER:
        return _in_range(Decimal(repr(raw)))
    if how.kind == Kind.TEXT:
        return str(raw)
    problems = {
        Kind.DATE: Problem.NOT_A_DATE,
        Kind.TIME: Problem.NOT_A_TIME,
        Kind.MOMENT: Problem.NOT_A_MOMENT,
        Kind.YES_NO: Problem.NOT_YES_NO,
    }
    if how.kind == Kind.CHOICE:
        return _code(str(raw), how.choices) or Problem.NOT_A_CHOICE
    return problems[how.kind]


# --- Days and hours -----------------------------------------------------------------

DAY = r"(?P<day>[0-9]{1,2})"
MONTH = r"(?P<month>[0-9]{1,2})"
YEAR = r"(?P<year>[0-9]{4})"
DAY_FIRST = rf"{DAY}(?P<sign>[-/.]){MONTH}(?P=sign){YEAR}"
YEAR_FIRST = rf"{YEAR}(?P<sign>[-/]){MONTH}(?P=sign){DAY}"
MONTHS = {
    "enero": 1,
    "febrero": 2,
    "marzo": 3,
    "abril": 4,
    "mayo": 5,
    "junio": 6,
    "julio": 7,
    "agosto": 8,
    "septiembre": 9,
    "setiembre": 9,
    "octubre": 10,
    "noviembre": 11,
    "diciembre": 12,
}
MONTH_NAMED = rf"{DAY} de (?P<month>{'|'.join(MONTHS)}) del? {YEAR}"
CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
CLOCK_12 = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    r" ?(?P<half>[ap])\.? ?m\.?"
)
OFFSET = r"(?P<offset>z|[+-][0-9]{2}:?[0-9]{2})?"
PATTERNS = {
    Format.DAY_FIRST: DAY_FIRST,
    Format.YEAR_FIRST: YEAR_FIRST,
    Format.MONTH_NAMED: MONTH_NAMED,
    Format.CLOCK: CLOCK,
    Format.CLOCK_12: CLOCK_12,
    Format.ISO: rf"{YEAR_FIRST}[t ]{CLOCK}(?:[.][0-9]+)?{OFFSET}",
    Format.DAY_FIRST_CLOCK: rf"{DAY_FIRST} {CLOCK}",
}
WRITTEN = {code: re.compile(pattern) for code, pattern in PATTERNS.items()}


def _date(text: str, how: Reading) -> date | Problem:
    parts = _parts(text, how)
    return Problem.NOT_A_DATE if parts is None else _day_of(parts)


def _time(text: str, how: Reading) -> time | Problem:
    parts = _parts(text, how)
    return Problem.NOT_A_TIME if parts is None else _hour_of(parts)


def _moment(text: str, how: Reading, *, time_zone: ZoneInfo) -> datetime | Problem:
    parts = _parts(text, how)
    if parts is None:
        return Problem.NOT_A_MOMENT
    day, hour = _day_of(parts), _hour_of(parts)
    if isinstance(day, Problem):
        return day
    if isinstance(hour, Problem):
        return hour
    try:
        if parts.get("offset"):
            offset = "+0000" if parts["offset"] == "z" else parts["offset"]
            written = f"{day.isoformat()} {hour.isoformat()} {offset}"
            return datetime.strptime(written, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
        return _on_the_clock(datetime.combine(day, hour), time_zone=time_zone)
    except (ValueError, OverflowError):
        return Problem.NOT_A_MOMENT


def _on_the_clock(local: datetime, *, time_zone: ZoneInfo) -> datetime | Problem:
    """Neither an hour that the clocks jump over, nor one that they show twice."""
    first, second = (
        local.replace(tzinfo=time_zone, fold=fold).astimezone(UTC) for fold in (0, 1)
    )
    return first if first == second else Problem.CLOCK_CHANGE


def _parts(text: str, how: Reading) -> dict[str, str] | None:
    """None: it is written in none of the accepted ways."""
    allowed = (code for code in FORMATS.get(how.kind, ()) if code in how.formats)
    found = (WRITTEN[code].fullmatch(text.casefold()) for code in allowed)
    match = next((match for match in found if match), None)
    return None if match is None else match.groupdict()


def _day_of(parts: Mapping[str, str]) -> date | Problem:
    month = MONTHS.get(parts["month"]) or int(parts["month"])
    try:
        return date(int(parts["year"]), month, int(parts["day"]))
    except ValueError:
        return Problem.NO_SUCH_DAY


def _hour_of(parts: Mapping[str, str]) -> time | Problem:
    hour = int(parts["hour"])
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return Problem.NO_SUCH_TIME
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, int(parts["minute"]), int(parts.get("second") or 0))
    except ValueError:
        return Problem.NO_SUCH_TIME


def _not_ahead(day: date | Problem, how: Reading, *, called_on: date) -> Problem | None:
    if isinstance(day, Problem) or not how.ahead:
        return None
    if day < called_on:
        return Problem.PAST
    return Problem.TOO_FAR if day - called_on > FARTHEST else None


# --- Answers and numbers ------------------------------------------------------------

PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+")
DECIMAL_COMMA = re.compile(r"([+-]?)([0-9]{1,3}(?:[.][0-9]{3})+|[0-9]+),([0-9]+)")
DECIMAL_POINT = re.compile(r"[+-]?[0-9]+[.][0-9]+")
# "1.234" and "1,234" are a thousand to one reader, and one and a bit to another.
EITHER = re.compile(r"[+-]?[0-9]{1,3}[.,][0-9]{3}")


def _code(text: str, choices: Iterable[Choice]) -> str | None:
    """None: no answer is spelt like this, or more than one is."""
    said = folded(text)
    codes = {choice.code for choice in choices if said in choice.spellings}
    return codes.pop() if len(codes) == 1 else None


def _number(text: str) -> Decimal | Problem:
    if len(text) > LONGEST_NUMBER:
        return Problem.NOT_A_NUMBER
    if EITHER.fullmatch(text):
        return Problem.UNCLEAR_NUMBER
    if match := DECIMAL_COMMA.fullmatch(text):
        sign, whole, rest = match.groups()
        return _in_range(Decimal(f"{sign}{whole.replace('.', '')}.{rest}"))
    if PLAIN_NUMBER.fullmatch(text) or DECIMAL_POINT.fullmatch(text):
        return _in_range(Decimal(text))
    return Problem.NOT_A_NUMBER


def _in_range(number: Decimal) -> Decimal | Problem:
    try:
        kept = round(number, NUMBER_PLACES)
    except InvalidOperation:
        return Problem.NUMBER_RANGE
    fits = kept == number and abs(number) < LARGEST_NUMBER
    return number if fits else Problem.NUMBER_RANGE
