"""The active filters of a list in words, each with the list's address without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from leads.filters import LeadFilter
from leads.models import Lead

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from django.db.models import QuerySet

# Values are typed with suggestions: a list to choose from would have thousands.
SUGGESTED = ("city", "province", "clinic", "source")


@dataclass(frozen=True, kw_only=True)
class Chip:
    """`without` is the list's address once it is gone."""

    name: str
    label: str
    value: str
    without: str
    errors: tuple[str, ...] = ()


def chips_of(
    leads: LeadFilter, *, address: QueryDict, campaigns: Mapping[str, str] | None = None
) -> list[Chip]:
    """`address` is the list's, without its page; `campaigns` are names by outbound."""
    return [
        _chip(leads, name, value, address=address, campaigns=campaigns or {})
        for name in leads.active()
        for value in leads.data.getlist(name)
    ]


def chips_of_unknown(names: Iterable[str], *, address: QueryDict) -> list[Chip]:
    return [
        Chip(
            name=name,
            label=name,
            value="",
            without=without(address, name),
            errors=(_("Este filtro no existe."),),
        )
        for name in names
    ]


def nowhere(leads: LeadFilter, *, address: QueryDict) -> list[Chip]:
    """Of a filter that finds nobody: the typed values that no lead has at all."""
    return [
        _chip(leads, name, value, address=address, campaigns={})
        for name in (*SUGGESTED, "lead_import")
        if name in leads.active()
        for value in leads.data.getlist(name)
        if not _is_somewhere(name, value)
    ]


def without(address: QueryDict, name: str, value: str | None = None) -> str:
    """The address with no such filter; or, of a filter of many, without that value."""
    rest = address.copy()
    kept = [v for v in rest.getlist(name) if value is not None and v != value]
    rest.setlist(name, kept)
    return f"?{rest.urlencode()}"


def _chip(
    leads: LeadFilter,
    name: str,
    value: str,
    *,
    address: QueryDict,
    campaigns: Mapping[str, str],
) -> Chip:
    words = campaigns.get(value, value) if name == "outbound" else ""
    return Chip(
        name=name,
        label=str(leads.filters[name].label),
        value=words or _words(leads, name, value),
        without=without(address, name, value),
        errors=tuple(str(error) for error in leads.form[name].errors),
    )


def _words(leads: LeadFilter, name: str, value: str) -> str:
    choices = dict(getattr(leads.form.fields[name], "choices", ()))
    if value in choices:
        return str(choices[value])
    cleaned = getattr(leads.form, "cleaned_data", {}).get(name)
    if name in ("last_from", "last_to") and cleaned:
        day: date = cleaned
        return date_format(day, "d/m/Y")
    by_number = {str(key): label for key, label in choices.items()}
    return str(by_number.get(value, value))


def _is_somewhere(name: str, value: str) -> bool:
    query = QueryDict(mutable=True)
    query[name] = value
    found: QuerySet[Lead] = LeadFilter(query, queryset=Lead.objects.all()).qs
    return found.order_by().exists()
