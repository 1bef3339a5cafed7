"""How the pages of an import write numbers."""

from __future__ import annotations

from django import template

from leads import wording

register = template.Library()


@register.filter
def number(count: int) -> str:
    return wording.number(count)
