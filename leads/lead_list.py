"""The list of leads in Django's admin: what its address says, and what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ERROR_FLAG, ORDER_VAR, PAGE_VAR, ChangeList
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads.chips import Chip, chips_of, chips_of_unknown, nowhere
from leads.filters import LARGEST_ID, LeadFilter
from leads.lead_pages import (
    COUNTED_AT_MOST,
    NEWEST_FIRST,
    Found,
    Order,
    Page,
    Place,
    read_page,
)
from leads.models import Lead
from leads.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.forms import BoundField
    from django.http import HttpRequest

    LeadChangeListBase = ChangeList
else:
    LeadChangeListBase = ChangeList

SIZE_VAR, AFTER_VAR, BEFORE_VAR, END_VAR = "n", "tras", "antes", "fin"
PLACE_VARS = frozenset({PAGE_VAR, AFTER_VAR, BEFORE_VAR, END_VAR})
OF_THE_ADMIN = frozenset({IS_POPUP_VAR, TO_FIELD_VAR, ERROR_FLAG})
PAGE_SIZES = (25, 50, 100)
# Each is an index, from its left.
ORDERS: dict[str, tuple[str, ...]] = {
    "name": ("last_name", "first_name"),
    "last_call": ("last_call_attempt",),
    "next_call": ("next_call_at",),
}
OFTEN_USED = ("status", "selected", "priority", "attempts", "disposition", "callback")


class LeadChangeList(LeadChangeListBase):
    """Django's, with our filter and our pages instead of its own."""

    filter: LeadFilter
    page: Page

    # --- What Django calls ---

    def get_filters(self, request: HttpRequest) -> Any:
        """None of Django's: the address speaks our words."""
        return [], False, {}, False, False

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Lead]:
        """Nobody, when the filter is not understood."""
        self.filter = LeadFilter(request.GET, queryset=self.root_queryset)
        self.clear_all_filters_qs = "?"
        if not self.is_understood:
            return Lead.objects.none()
        found: QuerySet[Lead] = self.filter.qs
        return found

    def get_results(self, request: HttpRequest) -> None:
        found = Found(leads=self.queryset)
        if self.is_understood:
            found = self.filter.narrowed(at_most=COUNTED_AT_MOST)
        size = self._number(SIZE_VAR, default=self.list_per_page)
        self.list_per_page = size if size in PAGE_SIZES else self.list_per_page
        self.page = read_page(
            found,
            order=self.order,
            place=self._place(),
            size=self.list_per_page,
        )
        self.result_list = self.page.leads
        self.result_count = self.page.count
        self.full_result_count = self.page.count
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = False
        self.multi_page = self.page.has_previous or self.page.has_next

    def get_query_string(
        self, new_params: Any = None, remove: Iterable[str] | None = None
    ) -> str:
        """Another order begins at its first page."""
        kept = {k: v for k, v in self.filter_params.items() if k not in PLACE_VARS}
        query = QueryDict(mutable=True)
        for name, values in sorted(kept.items()):
            query.setlist(name, values)
        for name, value in (new_params or {}).items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return f"?{query.urlencode()}"

    def get_ordering_field_columns(self) -> dict[int, Any]:
        """One column: its index can say no more."""
        at, descending = self._ordered_by()
        return {} if at is None else {at: "desc" if descending else "asc"}

    # --- The address ---

    @property
    def unknown(self) -> list[str]:
        """Names that mean nothing here: an old or mistaken link."""
        return unknown_names(self.filter_params)

    @property
    def is_understood(self) -> bool:
        return self.filter.is_valid() and not self.unknown

    @property
    def order(self) -> Order:
        at, descending = self._ordered_by()
        if at is None:
            return NEWEST_FIRST
        columns = ORDERS[str(self.list_display[at])]
        return Order(columns=columns, descending=descending)

    def _ordered_by(self) -> tuple[int | None, bool]:
        first, *_rest = self.params.get(ORDER_VAR, "").split(".")
        at = first.removeprefix("-")
        if not (
            at.isascii()
            and at.isdigit()
            and len(at) < 3
            and int(at) < len(self.list_display)
        ):
            return None, True
        known = self.list_display[int(at)] in ORDERS
        return (int(at) if known else None), first.startswith("-")

    def _place(self) -> Place:
        return Place(
            number=self.page_num,
            after=self._number(AFTER_VAR) or None,
            before=self._number(BEFORE_VAR) or None,
            at_end=END_VAR in self.params,
        )

    def _number(self, name: str, default: int = 0) -> int:
        text = self.params.get(name, "")
        is_number = text.isascii() and text.isdigit() and len(text) < 20
        return min(int(text), LARGEST_ID) if is_number else default

    # --- What the page says ---

    @property
    def filter_query(self) -> str:
        """The filter alone, without order or page."""
        query = QueryDict(mutable=True)
        for name in self.filter.active():
            query.setlist(name, self.filter.data.getlist(name))
        return query.urlencode()

    @property
    def total(self) -> str:
        return self.page.total

    @property
    def whole(self) -> str:
        """What is chosen when all of the filter is."""
        if self.page.is_cut:
            return _("todos los del filtro (%s)") % self.total
        words = ngettext("el %s del filtro", "los %s del filtro", self.page.count)
        return words % number(self.page.count)

    @property
    def chips(self) -> list[Chip]:
        campaigns = {}
        if "outbound" in self.filter.active():
            page: Any = self.model_admin
            campaigns = dict(page.campaign_choices())
        known = chips_of(self.filter, address=self._address, campaigns=campaigns)
        return known + chips_of_unknown(self.unknown, address=self._address)

    @property
    def nowhere(self) -> list[Chip]:
        if self.page.count or not self.is_understood:
            return []
        return nowhere(self.filter, address=self._address)

    @property
    def _address(self) -> QueryDict:
        return QueryDict(self.get_query_string().removeprefix("?"))

    @property
    def often_used(self) -> list[BoundField]:
        return [self.filter.form[name] for name in OFTEN_USED]

    @property
    def seldom_used(self) -> list[BoundField]:
        shown = {"q", "outbound", *OFTEN_USED}
        return [
            self.filter.form[name] for name in self.filter.filters if name not in shown
        ]

    @property
    def some_seldom_used(self) -> bool:
        return any(field.name in self.filter.active() for field in self.seldom_used)

    # --- Its pages ---

    @property
    def pages(self) -> dict[str, str]:
        """The addresses of the first page and of those around this one."""
        page, links = self.page, {}
        if page.has_previous:
            links["first"] = self.get_query_string()
        if page.is_cut and page.leads:
            if page.has_previous:
                links["previous"] = self._at(BEFORE_VAR, page.leads[0].pk)
            if page.has_next:
                links["next"] = self._at(AFTER_VAR, page.leads[-1].pk)
                links["last"] = self._at(END_VAR, 1)
        elif not page.is_cut:
            if page.has_previous:
                links["previous"] = self._at(PAGE_VAR, page.number - 1)
            if page.has_next:
                links["next"] = self._at(PAGE_VAR, page.number + 1)
                links["last"] = self._at(PAGE_VAR, page.pages)
        return links

    def _at(self, name: str, value: int) -> str:
        return self.get_query_string({name: str(value)})

    @property
    def sizes(self) -> list[tuple[int, str]]:
        return [(size, self._at(SIZE_VAR, size)) for size in PAGE_SIZES]


def unknown_names(names: Iterable[str]) -> list[str]:
    known = {*LeadFilter.base_filters, *PLACE_VARS, *OF_THE_ADMIN, ORDER_VAR, SIZE_VAR}
    return sorted(set(names) - known)


def is_understood(query: QueryDict) -> bool:
    """Whether a list's address says, without error, whom it chooses."""
    return LeadFilter(query).is_valid() and not unknown_names(query)
