"""The one text a lead is found by: its words without case or accents, its digits."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leads.models import Lead

LONGEST = 400
LONGEST_WORD = 60  # what follows does not help to find it
# What the text is made of: whoever changes one of these writes the text anew.
SOURCES = (
    "first_name",
    "last_name",
    "national_id",
    "policy_number",
    "phone",
    "phone_alt",
    "phone_e164",
    "phone_alt_e164",
)
SPAIN = "+34"


def search_text(lead: Lead) -> str:
    """Every word after a blank: `contains " gar"` finds words by their start."""
    words = fold(
        f"{lead.first_name} {lead.last_name} {lead.national_id} {lead.policy_number}"
    ).split()
    for number, typed in (
        (lead.phone_e164, lead.phone),
        (lead.phone_alt_e164, lead.phone_alt),
    ):
        digits = number.removeprefix(SPAIN).removeprefix("+") or re.sub(
            r"\D", "", typed
        )
        if digits:
            words.append(digits)
    return "".join(f" {word}" for word in words)[:LONGEST]


def fold(text: str) -> str:
    """Without case, accents or signs: "García-Núñez" is "garcia nunez"."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in bare if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^\w]+|_", " ", kept).split())
