"""Strict about what is JSON, tolerant about what is in it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from .codes import Codes

MAX_DEPTH = 64
MAX_INT_DIGITS = 18
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # .NET writes "never" as the year 1

#: Whose keys are ours or the flow's, never Pearl's: their capitals mean something.
OPAQUE = frozenset({"callData", "collectedData", "value", "values"})
OPAQUE_IF_OBJECT = frozenset({"collectedInfo", "additionalData"})


_UNREADABLE = object()


class NotJson(ValueError):
    """Not one well-formed JSON document of sane depth, with each key once."""


class FrozenMap(dict[str, Any]):
    """A dict that nobody changes: comparable, hashable, and still plain JSON."""

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("this mapping does not change")

    __setitem__ = __delitem__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[FrozenMap], tuple[dict[str, Any]]]:
        return FrozenMap, (dict(self),)


def parse_json(body: bytes) -> object:
    """The document in `body`; NotJson for anything that is not exactly one."""
    try:
        document = json.loads(
            body.decode("utf-8-sig"),
            parse_constant=_no_constant,
            parse_float=_float_or_text,
            parse_int=_int_or_text,
            object_pairs_hook=_each_key_once,
        )
    except (ValueError, RecursionError):
        document = _UNREADABLE
    # Raised out here: a JSONDecodeError carries the whole document with it.
    if document is _UNREADABLE or _is_deeper_than(MAX_DEPTH, document):
        raise NotJson
    return document


def _no_constant(name: str) -> NoReturn:
    raise NotJson(name)  # NaN and Infinity are Python's, not JSON's


def _float_or_text(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _int_or_text(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else digits


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("key repeated")
    return found


def _is_deeper_than(limit: int, document: object) -> bool:
    level = [document]
    for _ in range(limit):
        level = [child for value in level for child in _children(value)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def plain_keys(value: object) -> Any:
    """The same document with camelCase keys; V1 webhooks write PascalCase (8.4)."""
    if isinstance(value, list):
        return [plain_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    # A key already in camelCase wins over its capitalised twin.
    ordered = sorted(value.items(), key=lambda pair: not pair[0][:1].isupper())
    plain: dict[str, Any] = {}
    for key, inner in ordered:
        name = key[:1].lower() + key[1:]
        opaque = name in OPAQUE or (
            name in OPAQUE_IF_OBJECT and isinstance(inner, dict)
        )
        plain[name] = inner if opaque else plain_keys(inner)
    return plain


def frozen(value: object) -> Any:
    """The same value, unchangeable, with text that any database can store."""
    if isinstance(value, dict):
        return FrozenMap({clean(key): frozen(inner) for key, inner in value.items()})
    if isinstance(value, list | tuple):
        return tuple(frozen(inner) for inner in value)
    return clean(value) if isinstance(value, str) else value


def clean(text: str) -> str:
    """Without NUL and half characters ("\\ud800"), which no column accepts."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def as_text(value: object) -> str | None:
    """Text, or None for anything else and for blanks."""
    return (clean(value).strip() or None) if isinstance(value, str) else None


def as_texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    return tuple(text for item in items if (text := as_text(item)) is not None)


def as_int(value: object) -> int | None:
    """A whole number that is not negative: a count, a duration."""
    number = COUNT.read(value)
    return number if number is not None and number >= 0 else None


def as_float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def as_bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def as_moment(value: object) -> datetime | None:
    """An aware UTC moment. Pearl speaks UTC, so a bare time is UTC too (1.5)."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= EPOCH else None


def as_object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def first(source: Mapping[str, Any], *names: str) -> Any:
    """The first of these that says something; the later names are aliases."""
    return next((source[name] for name in names if source.get(name) is not None), None)


class CodeReader:
    """Reads the enumerations of one object and remembers what it did not know."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source
        self._unknown: dict[str, str] = {}

    def __call__(self, name: str, codes: Codes) -> int | None:
        raw = self._source.get(name)
        code = codes.read(raw)
        if code is None and raw is not None and raw != "":
            self._unknown[name] = clean(str(raw))[:100]
        return code

    @property
    def unknown(self) -> FrozenMap:
        return FrozenMap(self._unknown)


COUNT = Codes(names={})
