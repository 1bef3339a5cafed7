"""Values of a column that begin as somebody types, out of however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from leads.models import Lead
from leads.search_text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

AT_MOST = 20
# By the name of the filter. Each column has an index that begins with it.
COLUMNS = {
    "city": "city",
    "province": "province",
    "clinic": "clinic_name",
    "source": "source_file",
}
ACCENTED = {"a": "á", "e": "é", "i": "í", "o": "ó", "u": "ú", "n": "ñ"}


def suggest(name: str, typed: str) -> list[str]:
    """Distinct and in order. One step of the index for each value, never a scan: the
    most frequent one may be that of half the leads."""
    column, prefix = COLUMNS[name], fold(typed)
    if not prefix:
        return []
    found: set[str] = set()
    for start in _starts(typed.strip()):
        for value in _from(column, start):
            if len(found) >= AT_MOST or not fold(value).startswith(prefix):
                break
            found.add(value)
    return sorted(found, key=fold)


def _from(column: str, start: str) -> Iterator[str]:
    rows = Lead.objects.order_by(column).values_list(column, flat=True)
    value = rows.filter(**{f"{column}__gte": start}).first()
    while value is not None:
        yield value
        value = rows.filter(**{f"{column}__gt": value}).first()


def _starts(typed: str) -> Iterable[str]:
    """Where to look. MySQL's order takes "malaga" and "MÁLAGA" for the same; SQLite
    keeps them apart, so there each spelling with at most one accent is looked for."""
    if connection.vendor == "mysql":
        return [typed]
    spelled = {typed} | {
        typed[:at] + ACCENTED[char] + typed[at + 1 :]
        for at, char in enumerate(typed.lower())
        if char in ACCENTED
    }
    forms = {form for one in spelled for form in (one.title(), one.upper(), one)}
    return sorted(forms)
