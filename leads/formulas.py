"""Cells of a CSV that a spreadsheet would run: how they are kept text, and read back.

A quote before the cell, as OWASP's ASVS (1.2.10) has it. It is put before every cell
that would be unsafe without its leading quotes, so taking one away is exact: a number
keeps its plus, and a text that had a quote of its own keeps that one.
"""

from __future__ import annotations

import unicodedata
from itertools import dropwhile

QUOTE = "'"
# Also in the forms that some programs take for the same: full-width, small, raised.
BEGIN_FORMULAS = frozenset("=+-@−")


def escaped(text: str) -> str:
    return QUOTE + text if is_risky(text) else text


def unescaped(cell: str) -> str:
    rest = cell.removeprefix(QUOTE)
    return rest if rest != cell and is_risky(rest) else cell


def is_risky(text: str) -> bool:
    """Whether the text would be run, or begins with what hides that it would."""
    if text[:1].isalnum():  # nearly all; none of them begins a formula
        return False
    rest = "".join(dropwhile(_is_passed_over, text))
    skipped = text[: len(text) - len(rest)]
    return (
        any(unicodedata.category(char) == "Cc" for char in skipped)
        or unicodedata.normalize("NFKC", rest[:1])[:1] in BEGIN_FORMULAS
    )


def _is_passed_over(char: str) -> bool:
    """Quotes, spaces, control characters and marks that nobody sees."""
    return char == QUOTE or char.isspace() or unicodedata.category(char) in ("Cc", "Cf")
