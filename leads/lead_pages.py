"""Pages of the list of leads that cost the same at the first and at the millionth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import DateTimeField, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads import wording
from leads.models import Lead
from leads.search_text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

COUNTED_AT_MOST = 10_000


@dataclass(frozen=True, kw_only=True)
class Order:
    """By columns that are an index from its left, all in one direction: then the index
    gives the order and nothing is sorted. Without a value, a lead comes last."""

    columns: tuple[str, ...] = ()
    descending: bool = True

    @property
    def all_columns(self) -> tuple[str, ...]:
        return (*self.columns, "id")

    @property
    def has_blanks(self) -> bool:
        if not self.columns:
            return False
        return bool(Lead._meta.get_field(self.columns[0]).null)


NEWEST_FIRST = Order()
Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to read: the page of a number; or, in a list too long for numbers, after a
    lead, or before one, or at the end."""

    number: int = 1
    after: int | None = None
    before: int | None = None
    at_end: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """Leads to be paged. `is_many`: without counting, they are known to be more than
    are worth it; then `about` is an estimate, or 0."""

    leads: QuerySet[Lead]
    is_many: bool = False
    about: int = 0


@dataclass(frozen=True, kw_only=True)
class Page:
    """`is_cut`: nobody counted them to the end. Then `about` is an estimate, or 0: they
    are more than COUNTED_AT_MOST."""

    leads: Sequence[Lead]
    count: int
    is_cut: bool = False
    about: int = 0
    number: int = 1
    pages: int = 1
    has_previous: bool = False
    has_next: bool = False
    leaves_out_blanks: bool = False

    @property
    def total(self) -> str:
        """How many were found, in words."""
        if self.about:
            return _("unos %s leads") % wording.number(self.about)
        if self.is_cut:
            return _("más de %s leads") % wording.number(COUNTED_AT_MOST)
        return ngettext("%s lead", "%s leads", self.count) % wording.number(self.count)


def read_page(found: Found, *, order: Order, place: Place, size: int) -> Page:
    """Few queries, of which none grows with the table.

    The first asks for ids in no order, so that the database takes whichever index finds
    them soonest: asked for the newest, it may walk the whole table backwards instead.
    """
    leads = found.leads
    if not found.is_many:
        rows = _rows(leads, order)
        if len(rows) <= COUNTED_AT_MOST:
            return _numbered_page(rows, order=order, place=place, size=size)
    if not order.has_blanks:
        page = _page_of_many(leads, order=order, place=place, size=size)
        return replace(page, about=found.about)
    # In so long a list, an order by date leaves out those without: they would come
    # after all the others, and no index reads them in that order.
    leads, valued = _with_value(leads, order.columns[0])
    rows = _rows(valued, order)
    if len(rows) <= COUNTED_AT_MOST:
        page = _numbered_page(rows, order=order, place=place, size=size)
    else:
        page = _page_of_many(leads, order=order, place=place, size=size)
    return replace(page, leaves_out_blanks=True)


def _rows(leads: QuerySet[Lead], order: Order) -> list[Row]:
    names = order.all_columns
    return list(leads.order_by().values_list(*names)[: COUNTED_AT_MOST + 1])


def _with_value(
    leads: QuerySet[Lead], column: str
) -> tuple[QuerySet[Lead], QuerySet[Lead]]:
    """To be read in the order of the column's index; and not by it, for in no order the
    other filters find them sooner."""
    never = datetime(1971, 1, 1, tzinfo=UTC)
    value = Coalesce(column, Value(never, output_field=DateTimeField()))
    valued = leads.alias(value_or_never=value).filter(value_or_never__gt=never)
    return leads.filter(**{f"{column}__isnull": False}), valued


def _numbered_page(rows: list[Row], *, order: Order, place: Place, size: int) -> Page:
    ids = _sorted_ids(rows, order)
    pages = max(1, -(-len(ids) // size))
    number = pages if place.at_end else min(max(place.number, 1), pages)
    chosen = ids[(number - 1) * size : number * size]
    found = Lead.objects.in_bulk(chosen) if chosen else {}
    return Page(
        leads=[found[pk] for pk in chosen if pk in found],
        count=len(ids),
        number=number,
        pages=pages,
        has_previous=number > 1,
        has_next=number < pages,
    )


def _sorted_ids(rows: list[Row], order: Order) -> list[int]:
    """Those without a value last, whatever the direction."""
    valued: list[Row] = []
    blank: list[Row] = []
    for row in rows:
        comparable = tuple(fold(v) if isinstance(v, str) else v for v in row)
        (blank if row[0] is None else valued).append(comparable)
    for part in (valued, blank):
        part.sort(key=lambda row: row[-1:] if row[0] is None else row)
        if order.descending:
            part.reverse()
    return [row[-1] for row in (*valued, *blank)]


# --- More than are counted ----------------------------------------------------------


def _page_of_many(
    leads: QuerySet[Lead], *, order: Order, place: Place, size: int
) -> Page:
    """By key: after or before a lead, which an index finds at once at any depth."""
    start = Lead.objects.filter(pk=place.after or place.before or 0)
    row = start.values_list(*order.all_columns).first()
    if row is not None and None in row:
        row = None
    backwards = place.at_end or (row is not None and place.before is not None)
    down = order.descending != backwards
    if row is not None and not place.at_end:
        leads = leads.filter(_beyond(row, order.all_columns, down=down))
    columns = [f"-{name}" if down else name for name in order.all_columns]
    found = list(leads.order_by(*columns)[: size + 1])
    goes_on = len(found) > size
    found = found[:size]
    return Page(
        leads=found[::-1] if backwards else found,
        count=COUNTED_AT_MOST + 1,
        is_cut=True,
        has_previous=goes_on if backwards else row is not None,
        has_next=not place.at_end if backwards else goes_on,
    )


def _beyond(row: Row, names: tuple[str, ...], *, down: bool) -> Q:
    """After `row` in the order of `names`. The bound on the first column says nothing
    new, but it is what lets an index start there."""
    sign = "lt" if down else "gt"
    beyond = Q()
    for name, value in reversed(list(zip(names, row, strict=True))):
        past = Q(**{f"{name}__{sign}": value})
        beyond = past | (Q(**{name: value}) & beyond) if beyond else past
    if len(names) == 1:
        return beyond
    return Q(**{f"{names[0]}__{sign}e": row[0]}) & beyond
