"""How phones, processes and endings are written on screen."""

from __future__ import annotations

from django import template

from leads import phones
from leads.wording import number

register = template.Library()


@register.filter
def grouped(phone: str) -> str:
    return phones.group(phone)


@register.filter
def masked(phone: str) -> str:
    return phones.mask(phone)


@register.filter
def host(identity: str) -> str:
    """A process by its host and number, without what only makes it unique."""
    return identity.rpartition("/")[0]


@register.filter
def thousands(count: int | None) -> str:
    """ "1.284"; an ellipsis while it is being counted."""
    return "…" if count is None else number(count)
