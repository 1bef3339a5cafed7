"""Paged searches over lists kept in order of time, without scanning them (1.9)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from simulator.exchange import Json, Refused
from simulator.records import Call, Campaign

T = TypeVar("T")

MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Paging:
    """skip, limit, sortProp and isAscending, with the defaults of U25."""

    skip: int
    limit: int
    sort_prop: str | None
    ascending: bool

    @classmethod
    def of(cls, fields: Json) -> Paging:
        skip, limit = fields.get("skip"), fields.get("limit")
        for name, value in (("skip", skip), ("limit", limit)):
            if value is not None and (type(value) is not int or value < 0):
                raise Refused(name, f"The field {name} must be a positive integer.")
        limit = MAX_LIMIT if limit is None else limit
        sort_prop = fields.get("sortProp") or None
        ascending = fields.get("isAscending") is True
        return cls(skip or 0, min(limit, MAX_LIMIT), sort_prop, ascending)

    def page(self, found: Sequence[T], *, key: Callable[[T], Any] | None) -> list[T]:
        """One page of `found`, which is in ascending order of time."""
        if key is not None:
            found = sorted(found, key=key, reverse=not self.ascending)
            return list(found[self.skip : self.skip + self.limit])
        if self.ascending:
            return list(found[self.skip : self.skip + self.limit])
        end = max(0, len(found) - self.skip)
        return list(found[max(0, end - self.limit) : end])[::-1]


def window(fields: Json, *, names: tuple[str, str]) -> tuple[float, float]:
    """Both instants, in UTC and with their Z, or a 400 (1.5)."""
    first, last = (_instant(fields.get(name), name) for name in names)
    return first, last


def optional_window(fields: Json, *, names: tuple[str, str]) -> tuple[float, float]:
    """The same, for a search that need not say either end."""
    first, last = (fields.get(name) for name in names)
    return (
        float("-inf") if first is None else _instant(first, names[0]),
        float("inf") if last is None else _instant(last, names[1]),
    )


def between(
    items: list[T], first: float, last: float, *, at: Callable[[T], float]
) -> list[T]:
    """The items of an ordered list within both ends, both included (U26)."""
    return items[bisect_left(items, first, key=at) : bisect_right(items, last, key=at)]


def calls_asked_for(
    campaign: Campaign, fields: Json, *, by_number: dict[str, list[Call]]
) -> list[Call]:
    """The calls of a search, ascending by start (4.4)."""
    first, last = window(fields, names=("fromDate", "toDate"))
    text = str(fields.get("searchInput") or "")
    source = campaign.calls
    if text in by_number:
        source = [c for c in by_number[text] if c.campaign is campaign]
    found = between(source, first, last, at=_started)
    if text and text not in by_number:
        found = [c for c in found if text in c.to or text in (c.full_name or "")]
    statuses = listed(fields, "statuses")
    if statuses:
        found = [c for c in found if c.conversation in statuses]
    return found


def listed(fields: Json, name: str) -> list[Any]:
    """A field that must be an array when it is there."""
    value = fields.get(name)
    if value is not None and not isinstance(value, list):
        raise Refused(name, f"The field {name} must be an array.")
    return value or []


def _started(call: Call) -> float:
    return call.started_at


def _instant(text: object, name: str) -> float:
    if text is None:
        raise Refused(name, f"The {name} field is required.")
    if isinstance(text, str) and text.endswith("Z"):
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass
    raise Refused(name, f"The value '{text}' is not valid for {name}.")
