"""How the pages of an import write numbers."""

from __future__ import annotations

from django import template

from leads import staff_admin

register = template.Library()


@register.filter
def number(count: int) -> str:
    return staff_admin.number(count)
