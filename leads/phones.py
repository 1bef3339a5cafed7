"""One spelling of a phone number (E.164); it never adds or guesses a digit."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from typing import TYPE_CHECKING

import phonenumbers
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from phonenumbers import PhoneNumberFormat, PhoneNumberType, ValidationResult
from phonenumbers.shortnumberinfo import is_valid_short_number_for_region

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SCIENTIFIC = re.compile(r"\+?\d+(?:[.,]\d*)?[eE][+-]?\d+")
EXCEL_FLOAT = re.compile(r"(\+?\d+)[.,]0{1,2}")
EXTENSION = re.compile(r"\d\W*(?:e?xt|extensi[oó]n|x|#|;)\W*(?:ext\W*)?\d", re.I)
LABEL = re.compile(r"tel:\s*", re.I)
WRITTEN_NUMBER = re.compile(r"[( ]*\+?[\d ().\-/]+")

# An E.164 number has at most 15 digits, 17 behind 00: more are two numbers.
MOST_DIGITS = 17
LONGEST_TEXT = 64
LONGEST_SHORT_NUMBER = 6
SPANISH_DIGITS = 9
SPAIN = "34"

# phonenumbers calls some of these (905, 907) merely invalid; the reader is told why.
SPANISH_SPECIAL_RATE = re.compile(r"34(?:80[1-9]|90[1-9]|70)\d{6}")
NEVER_DIALLED = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.PERSONAL_NUMBER,
    }
)

REASONS: dict[str, StrOrPromise] = {
    "empty": _("Falta el teléfono: escriba el número completo."),
    "digits_lost": _(
        "Excel guardó el teléfono en notación científica y se perdieron cifras: "
        "dé formato de texto a la columna y vuelva a copiar los números originales."
    ),
    "two_numbers": _(
        "Hay más de un teléfono en la casilla: deje uno y ponga el otro en la columna "
        "del segundo teléfono."
    ),
    "extension": _(
        "El teléfono lleva extensión y no se puede marcar: escriba un número directo."
    ),
    "letters": _(
        "El teléfono contiene letras o signos que no se pueden marcar: "
        "deje solo las cifras."
    ),
    "short_code": _(
        "Es un número corto de servicio, no el de una persona: "
        "escriba el teléfono de nueve cifras."
    ),
    "premium": _(
        "Es un número de tarificación especial y no se llama: "
        "escriba un fijo o un móvil."
    ),
    "not_valid": _("Ese teléfono no existe: compruebe las cifras y el prefijo."),
}


class NotAPhone(ValueError):
    """The text names no number that may be dialled. Show `reason`; never repair it.

    The message is the code alone, because numbers and names never reach a log.
    """

    def __init__(self, code: str, reason: StrOrPromise | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.reason: StrOrPromise = REASONS[code] if reason is None else reason


def normalise(text: str, *, region: str = "ES") -> str:
    """The number in E.164. Without a prefix (+ or 00) it is read as of `region`."""
    digits = _international_digits(_written_number(text), region=region)
    number = _parsed(digits)
    if SPANISH_SPECIAL_RATE.fullmatch(digits):
        raise NotAPhone("premium")
    if not phonenumbers.is_valid_number(number):
        raise NotAPhone("not_valid")
    if phonenumbers.number_type(number) in NEVER_DIALLED:
        raise NotAPhone("premium")
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if e164 != f"+{digits}":  # the library dropped or moved a digit: it guessed
        raise NotAPhone("not_valid")
    return e164


def group(e164: str) -> str:
    """As people read it: 612 034 118, or +33 6 12 34 56 78 for a foreign number."""
    if re.fullmatch(r"\+34\d{9}", e164):
        return f"{e164[3:6]} {e164[6:9]} {e164[9:]}"
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def mask(e164: str) -> str:
    """Enough to recognise a number and too little to dial it: 612 ··· 118."""
    if re.fullmatch(r"\+34\d{9}", e164):
        return f"{e164[3:6]} ··· {e164[9:]}"
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return "···" if e164 else ""
    return f"+{number.country_code} ··· {e164[-3:]}"


def _written_number(text: str) -> str:
    """Digits with at most one leading plus, once everything else was accounted for."""
    plain = "".join(map(_plain, text)).strip().lstrip("'`´’‘").strip()
    plain = LABEL.sub("", plain, count=1) if LABEL.match(plain) else plain
    if not plain:
        raise NotAPhone("empty")
    if SCIENTIFIC.fullmatch(plain.replace(" ", "")):
        raise NotAPhone("digits_lost")
    if excel_float := EXCEL_FLOAT.fullmatch(plain):
        plain = excel_float[1]
    if sum(map(str.isdigit, plain)) > MOST_DIGITS:
        raise NotAPhone("two_numbers")
    if len(plain) > LONGEST_TEXT:
        raise NotAPhone("letters")
    if EXTENSION.search(plain):
        raise NotAPhone("extension")
    if not WRITTEN_NUMBER.fullmatch(plain) or not re.search(r"\d", plain):
        raise NotAPhone("letters")
    return re.sub(r"[^\d+]", "", plain)


def _plain(char: str) -> str:
    """The ASCII twin of a character. Superscripts and circled digits are not digits."""
    decimal = unicodedata.decimal(char, None)
    if decimal is not None:
        return str(decimal)
    category = unicodedata.category(char)
    if category == "Cf":  # zero-width spaces, BOM, marks of direction
        return ""
    if category == "Pd" or char == "\N{MINUS SIGN}":
        return "-"
    if char.isspace():
        return " "
    twin = unicodedata.normalize("NFKC", char)
    return twin if len(twin) == 1 and twin.isascii() and not twin.isdigit() else char


def _international_digits(written: str, *, region: str) -> str:
    if written.startswith("+"):
        return written[1:]
    if written.startswith("00"):
        return written[2:]
    country = str(phonenumbers.country_code_for_region(region))
    _refuse_short_codes(written, region=region)
    if written.startswith(country) and _length(written) == ValidationResult.IS_POSSIBLE:
        national = _length(country + written)
        if national != ValidationResult.IS_POSSIBLE:
            return written
    return country + written


def _parsed(digits: str) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException as exc:
        raise NotAPhone("not_valid") from exc
    country = str(number.country_code)
    national = digits.removeprefix(country)
    if country == SPAIN:
        _refuse_short_codes(national, region="ES")
    length = phonenumbers.is_possible_number_with_reason(number)
    if length == ValidationResult.TOO_SHORT:
        raise _wrong_length("too_short", len(national), country=country)
    if length == ValidationResult.TOO_LONG:
        raise _wrong_length("too_long", len(national), country=country)
    return number


def _length(digits: str) -> int:
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return ValidationResult.INVALID_LENGTH
    return phonenumbers.is_possible_number_with_reason(number)


def _refuse_short_codes(national: str, *, region: str) -> None:
    if not 3 <= len(national) <= LONGEST_SHORT_NUMBER:
        return
    number = phonenumbers.parse(national, region)
    if is_valid_short_number_for_region(number, region):
        raise NotAPhone("short_code")


def _wrong_length(code: str, count: int, *, country: str) -> NotAPhone:
    if country != SPAIN:
        text = _("Tiene {count} cifras sin el prefijo +{country}: compruebe el número.")
        reason = format_lazy(text, count=count, country=country)
        return NotAPhone(code, reason)
    text = _(
        "Tiene {count} cifras y un teléfono español tiene {expected}: "
        "escriba el número completo."
    )
    return NotAPhone(code, format_lazy(text, count=count, expected=SPANISH_DIGITS))


def phone_hash(e164: str) -> str:
    """Keyed, so that nobody without the key can try out all numbers against it."""
    key = settings.PHONE_HASH_KEY.encode()
    return hmac.new(key, e164.encode(), hashlib.sha256).hexdigest()
