"""Is a campaign open at this instant? (pearl-api.md 6.6 and 9.7)"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

# Pearl speaks Windows names. GMT Standard Time stands for the Canaries here (1.5).
ZONES = {
    "Romance Standard Time": "Europe/Madrid",
    "GMT Standard Time": "Atlantic/Canary",
    "W. Europe Standard Time": "Europe/Berlin",
    "Central Europe Standard Time": "Europe/Budapest",
    "Türkiye Standard Time": "Europe/Istanbul",
    "Pacific Standard Time": "America/Los_Angeles",
    "Eastern Standard Time": "America/New_York",
    "UTC": "UTC",
}


class Stretch(Protocol):
    day: int
    start: str
    end: str


def is_zone(name: str) -> bool:
    return name in ZONES


def offset(name: str) -> str | None:
    """Hours east of Greenwich in winter ("1", "-8"), as a lead reads back (1.5).

    None for a zone not known here.
    """
    if name not in ZONES:
        return None
    winter = datetime(2025, 1, 1, tzinfo=ZoneInfo(ZONES[name])).utcoffset()
    return f"{(winter or timedelta()).total_seconds() / 3600:g}"


def is_time(text: str) -> bool:
    return re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text) is not None


def is_open(stretches: Iterable[Stretch], *, zone: str, at: float) -> bool:
    """Whether calls may go out. No stretch at all means always open."""
    rows = list(stretches)
    if not rows:
        return True
    local = datetime.fromtimestamp(at, ZoneInfo(ZONES[zone]))
    day, clock = local.isoweekday() % 7, f"{local:%H:%M}"
    return any(row.day == day and row.start <= clock < row.end for row in rows)
