"""How numbers are written in sentences."""

from __future__ import annotations

from django.utils.translation import get_language


def number(count: int) -> str:
    """ "1.284" in Spanish, where Django's own formats have a blank."""
    text = f"{count:,}"
    return text if get_language() == "en" else text.replace(",", ".")
