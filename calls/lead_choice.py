"""Whom an address of /calls chooses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from calls.breakdown import leads_of
from leads.filters import LARGEST_ID, LeadFilter
from leads.lead_pages import COUNTED_AT_MOST, Found
from leads.models import Lead
from leads.verdict import Rule
from leads.window import WindowError

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import QueryDict

    from calls.models import Campaign

PLACE_VARS = ("page", "after", "before", "end")
# Of the page around the table, or of how the table is drawn: they choose nobody.
FRAME_VARS = ("campaign", "size", "lead", "csrfmiddlewaretoken")
WHY = "why"


class Choice:
    """Whom an address of /calls chooses: nobody, unless all of it is understood."""

    def __init__(
        self, address: QueryDict, *, campaign: Campaign, now: datetime
    ) -> None:
        self.address = cleaned(address)
        self.campaign = campaign
        self.why = self.address.get(WHY, "")
        self.why_error = ""
        self.filter = LeadFilter(self.address, queryset=self._queue(now), now=now)
        known = {*LeadFilter.base_filters, *PLACE_VARS, *FRAME_VARS, WHY}
        self.unknown = sorted(set(self.address) - known)

    @property
    def is_understood(self) -> bool:
        return self.filter.is_valid() and not self.unknown and not self.why_error

    @property
    def leads(self) -> QuerySet[Lead]:
        return self.filter.qs if self.is_understood else Lead.objects.none()

    @property
    def narrowed(self) -> Found:
        if not self.is_understood:
            return Found(leads=Lead.objects.none())
        return self.filter.narrowed(at_most=COUNTED_AT_MOST)

    @property
    def filters(self) -> bool:
        return bool(self.filter.active() or self.why or self.unknown)

    @property
    def query(self) -> str:
        """What chooses, alone: neither the place in the list nor the frame."""
        rest = self.address.copy()
        for name in (*PLACE_VARS, *FRAME_VARS):
            rest.pop(name, None)
        return rest.urlencode()

    def _queue(self, now: datetime) -> QuerySet[Lead]:
        """All leads, or those of the queue that the rule named decides."""
        if not self.why:
            return Lead.objects.all()
        if self.why not in Rule.values:
            self.why_error = _("Este motivo no existe.")
            return Lead.objects.none()
        try:
            return leads_of(self.campaign, Rule(self.why), now=now)
        except WindowError as exc:
            self.why_error = str(exc.reason)
            return Lead.objects.none()


def cleaned(address: Mapping[str, Any]) -> QueryDict:
    """A choice left open arrives as an empty value: it says nothing."""
    kept: QueryDict = address.copy()  # type: ignore[attr-defined]
    for name in list(kept):
        values = [value for value in kept.getlist(name) if value.strip()]
        if values:
            kept.setlist(name, values)
        else:
            del kept[name]
    return kept


def number_of(text: str | None, *, default: int = 0) -> int:
    """What an address says; `default` if that is no number or no database holds it."""
    is_number = text and text.isascii() and text.isdigit() and len(text) < 20
    return min(int(text), LARGEST_ID) if text and is_number else default
