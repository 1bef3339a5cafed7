"""The table of leads at /calls: its rows, its filter and its pages, as shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls.lead_choice import PLACE_VARS, WHY, Choice, number_of
from calls.models import CallAttempt, Campaign
from calls.wording import moment_words
from leads.chips import (
    SUGGESTED,
    Chip,
    chips_of,
    chips_of_unknown,
    nowhere,
    without,
)
from leads.filters import LeadFilter
from leads.lead_pages import Order, Page, Place, read_page
from leads.models import CallStatus, Lead
from leads.verdict import Rule
from leads.wording import number

if TYPE_CHECKING:
    from django.forms import BoundField
    from django.http import QueryDict

PAGE_SIZES = (25, 50, 100)
OLDEST_FIRST = Order(descending=False)
# Filters that have a chip of their own before they filter; the rest unfold.
OFTEN_USED = ("city", "status", "priority", "source", "selected")
HIDDEN = ("q", "outbound")


@dataclass(frozen=True, kw_only=True)
class Row:
    """`when`: of its next call, or else of its last one. `since`: of a lead in a call,
    when that call began."""

    lead: Lead
    when: str
    is_next: bool
    since: datetime | None = None


class LeadTable:
    """What the templates of the leads ask for."""

    def __init__(
        self, address: QueryDict, *, campaign: Campaign, now: datetime
    ) -> None:
        self.choice = Choice(address, campaign=campaign, now=now)
        self.campaign = campaign
        self.now = now
        size = number_of(self.address.get("size"), default=PAGE_SIZES[0])
        self.size = size if size in PAGE_SIZES else PAGE_SIZES[0]
        self.sizes = PAGE_SIZES

    @property
    def address(self) -> QueryDict:
        return self.choice.address

    @property
    def filter(self) -> LeadFilter:
        return self.choice.filter

    # --- Its leads ---

    @cached_property
    def page(self) -> Page:
        return read_page(
            self.choice.narrowed,
            order=OLDEST_FIRST,
            place=_place(self.address),
            size=self.size,
        )

    @cached_property
    def rows(self) -> list[Row]:
        calling = [
            lead.pk
            for lead in self.page.leads
            if lead.call_status == CallStatus.CALLING
        ]
        held = CallAttempt.objects.filter(open_lead_id__in=calling)
        since = dict(held.values_list("open_lead_id", "claimed_at"))
        return [
            Row(
                lead=lead,
                when=self._when(lead),
                is_next=self._waits(lead),
                since=since.get(lead.pk),
            )
            for lead in self.page.leads
        ]

    def _waits(self, lead: Lead) -> bool:
        at = lead.next_call_at
        return bool(lead.selected_for_calling and at and at > self.now)

    def _when(self, lead: Lead) -> str:
        if lead.call_status == CallStatus.CALLING:
            return _("ahora")
        if self._waits(lead) and lead.next_call_at:
            return moment_words(lead.next_call_at, now=self.now)
        if lead.selected_for_calling and lead.next_call_at:
            return _("espera turno")
        if lead.last_call_attempt:
            return moment_words(lead.last_call_attempt, now=self.now)
        return "—"

    # --- In words ---

    @property
    def total(self) -> str:
        return self.page.total

    @property
    def whole(self) -> str:
        """What is chosen when all of the filter is."""
        filters = self.choice.filters
        if self.page.is_cut:
            return _("todos los del filtro") if filters else _("todos los leads")
        shown = number(self.page.count)
        if filters:
            words = ngettext("el %s del filtro", "los %s del filtro", self.page.count)
            return words % shown
        words = ngettext("el único lead", "los %(shown)s leads", self.page.count)
        return words % {"shown": shown}

    # --- Its filter ---

    @cached_property
    def pageless(self) -> QueryDict:
        rest = self.address.copy()
        for name in (*PLACE_VARS, "lead"):
            rest.pop(name, None)
        rest["campaign"] = str(self.campaign.pk)
        return rest

    @cached_property
    def chips(self) -> list[Chip]:
        campaigns = {}
        if "outbound" in self.filter.active():
            campaigns = dict(Campaign.objects.values_list("outbound_id", "name"))
        known = chips_of(self.filter, address=self.pageless, campaigns=campaigns)
        return [
            *self._why_chip,
            *known,
            *chips_of_unknown(self.choice.unknown, address=self.pageless),
        ]

    @property
    def _why_chip(self) -> list[Chip]:
        why = self.choice.why
        if not why:
            return []
        return [
            Chip(
                name=WHY,
                label=_("Espera"),
                value=str(Rule(why).label) if why in Rule.values else why,
                without=without(self.pageless, WHY),
                errors=tuple(filter(None, [self.choice.why_error])),
            )
        ]

    @property
    def unfolded_chips(self) -> list[Chip]:
        """Those that no control of the first row shows."""
        return [chip for chip in self.chips if chip.name not in ("q", *OFTEN_USED)]

    @property
    def wrong_chips(self) -> list[Chip]:
        return [chip for chip in self.chips if chip.errors]

    @property
    def often_used(self) -> list[Control]:
        return [self._control(name) for name in OFTEN_USED]

    @property
    def seldom_used(self) -> list[Control]:
        shown = {*HIDDEN, *OFTEN_USED}
        return [self._control(n) for n in self.filter.filters if n not in shown]

    def _control(self, name: str) -> Control:
        return Control(
            field=self.filter.form[name],
            chips=[chip for chip in self.chips if chip.name == name],
            without=without(self.pageless, name),
        )

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form of the filter passes on without showing it."""
        names = ("campaign", "size", "outbound", WHY, *self.choice.unknown)
        return [
            (name, value)
            for name in names
            for value in self.pageless.getlist(name)
            if value
        ]

    @property
    def nowhere(self) -> list[Chip]:
        if self.page.count or not self.choice.is_understood:
            return []
        return nowhere(self.filter, address=self.pageless)

    @property
    def unfiltered(self) -> str:
        query = self.pageless.copy()
        for name in {*query} - {"campaign", "size"}:
            query.pop(name)
        return f"?{query.urlencode()}"

    # --- Its pages ---

    @property
    def sizeless(self) -> list[tuple[str, str]]:
        return [
            (name, value)
            for name in self.pageless
            for value in self.pageless.getlist(name)
            if name != "size"
        ]

    @cached_property
    def query(self) -> str:
        query = self.address.copy()
        query.pop("lead", None)
        query["campaign"] = str(self.campaign.pk)
        return query.urlencode()

    @property
    def moves(self) -> list[tuple[str, str]]:
        """The other pages within reach: what each is called, and its query."""
        return _moves(self.page, self.pageless)


@dataclass(frozen=True, kw_only=True)
class Control:
    """One filter of the form: `chips` are its values of now, in words."""

    field: BoundField
    chips: Sequence[Chip]
    without: str

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def kind(self) -> str:
        """How it is chosen: words, many, one, day, or text."""
        if self.name in SUGGESTED:
            return "words"
        if self.choices:
            return "many" if self.name == "status" else "one"
        return "day" if self.name.startswith("last_") else "text"

    @property
    def words(self) -> str:
        return ", ".join(chip.value for chip in self.chips)

    @property
    def values(self) -> list[str]:
        return [str(value) for value in _listed(self.field.value())]

    @property
    def choices(self) -> list[tuple[str, Any]]:
        choices: Any = getattr(self.field.field, "choices", ())
        return [(str(value), label) for value, label in choices if str(value)]

    @property
    def error(self) -> str:
        return next((error for chip in self.chips for error in chip.errors), "")


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _place(address: QueryDict) -> Place:
    return Place(
        number=number_of(address.get("page"), default=1),
        after=number_of(address.get("after")) or None,
        before=number_of(address.get("before")) or None,
        at_end="end" in address,
    )


def _moves(page: Page, pageless: QueryDict) -> list[tuple[str, str]]:
    moves: dict[str, tuple[str, Any] | None] = {}
    if page.has_previous:
        moves[_("Primera")] = None
    if page.is_cut and page.leads:
        if page.has_previous:
            moves[_("Anterior")] = ("before", page.leads[0].pk)
        if page.has_next:
            moves[_("Siguiente")] = ("after", page.leads[-1].pk)
            moves[_("Última")] = ("end", 1)
    elif not page.is_cut:
        if page.has_previous:
            moves[_("Anterior")] = ("page", page.number - 1)
        if page.has_next:
            moves[_("Siguiente")] = ("page", page.number + 1)
            moves[_("Última")] = ("page", page.pages)
    links = []
    for words, place in moves.items():
        query = pageless.copy()
        if place is not None:
            query[place[0]] = str(place[1])
        links.append((words, query.urlencode()))
    return links
