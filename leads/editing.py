"""Changing the data of one lead: what follows from it, and a line on its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from leads import suppressions
from leads.models import Lead, LeadEvent
from leads.phones import NotAPhone, normalise
from leads.places import Place, place_of
from leads.search_text import search_text

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FOLLOWING = ("phone_e164", "phone_alt_e164", "community", "time_zone", "search_text")
# They repeat what another column says: the timeline tells it once.
UNTOLD = ("phone_e164", "phone_alt_e164", "search_text")


@transaction.atomic
def edit(
    lead_id: int,
    columns: Mapping[str, Any],
    *,
    by: User | None,
    now: datetime,
    forget: Iterable[str] = (),
) -> dict[str, list[Any]]:
    """Write these columns and those that follow; returns what really changed, by
    column, before and after. Nothing else of the row is written: the dialer writes too.

    `forget`: columns that follow from the address alone, and go with it.
    """
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    before = {name: getattr(lead, name) for name in (*columns, *FOLLOWING)}
    for name, value in columns.items():
        setattr(lead, name, value)
    for name in forget:
        setattr(lead, name, "")
    follow(lead)
    after = {name: getattr(lead, name) for name in before}
    changed = {name: value for name, value in after.items() if value != before[name]}
    if changed:
        Lead.objects.filter(pk=lead_id).update(**changed, updated_at=now)
        suppressions.revive(numbers_of(lead))
    told = {
        name: [as_json(before[name]), as_json(value)]
        for name, value in changed.items()
        if name not in UNTOLD
    }
    if told:
        LeadEvent.objects.create(
            lead_id=lead_id, kind=LeadEvent.Kind.EDITED, changes=told, by=by, at=now
        )
    return told


def follow(lead: Lead) -> None:
    """Set, on the object, the columns that follow from others."""
    lead.phone_e164 = e164_or_blank(lead.phone)
    lead.phone_alt_e164 = e164_or_blank(lead.phone_alt)
    place = place_by_address(lead)
    lead.community = place.community or lead.community
    lead.time_zone = place.time_zone or lead.time_zone
    lead.search_text = search_text(lead)


def place_by_address(lead: Lead) -> Place:
    return place_of(
        postal_code=lead.postal_code,
        province=lead.province,
        phone_e164=e164_or_blank(lead.phone),
    )


def numbers_of(lead: Lead) -> set[str]:
    return {lead.phone_e164, lead.phone_alt_e164} - {""}


def e164_or_blank(typed: str) -> str:
    try:
        return normalise(typed)
    except NotAPhone:
        return ""


def as_json(value: Any) -> Any:
    if isinstance(value, date):  # a datetime, too
        return value.isoformat()
    return value
