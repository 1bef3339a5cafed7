"""iCalendar (RFC 5545) as Google Calendar and Outlook take it: times in UTC, so that no
description of a time zone is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

# RFC 5545 3.1: octets of a line, without its end.
LONGEST_LINE = 75
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
PRODUCT = "-//TuoTempo Llamadas//Citas//ES"


@dataclass(frozen=True, kw_only=True)
class Event:
    uid: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    location: str
    url: str
    status: str
    sequence: int
    created_at: datetime
    updated_at: datetime

    @property
    def is_over(self) -> bool:
        """Nobody's time is taken by it."""
        return self.status == "CANCELLED"


def calendar(name: str, events: Iterable[Event], *, refresh: str) -> bytes:
    """`refresh`: how often to ask again, as PT1H."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{refresh}",
        f"X-PUBLISHED-TTL:{refresh}",
    ]
    for event in events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _event(event: Event) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.uid}"
    yield f"DTSTAMP:{_moment(event.updated_at)}"
    yield f"DTSTART:{_moment(event.starts_at)}"
    yield f"DTEND:{_moment(event.ends_at)}"
    yield f"SUMMARY:{_text(event.summary)}"
    yield f"DESCRIPTION:{_text(event.description)}"
    if event.location:
        yield f"LOCATION:{_text(event.location)}"
    yield f"URL:{event.url}"
    yield f"STATUS:{event.status}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"CREATED:{_moment(event.created_at)}"
    yield f"LAST-MODIFIED:{_moment(event.updated_at)}"
    yield f"TRANSP:{'TRANSPARENT' if event.is_over else 'OPAQUE'}"
    yield "CLASS:PRIVATE"
    yield "END:VEVENT"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    value = CONTROLS.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    value = value.replace("\\", "\\\\").replace(";", r"\;").replace(",", r"\,")
    return value.replace("\n", r"\n")


def _folded(line: str) -> bytes:
    """With its end; broken where it is too long, never inside of a character."""
    octets = line.encode()
    parts = []
    start, room = 0, LONGEST_LINE
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(octets[start:end])
        start, room = end, LONGEST_LINE - 1
    parts.append(octets[start:])
    return b"\r\n ".join(parts) + b"\r\n"
