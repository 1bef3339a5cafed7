"""The second witness of every dial: a line on this host's disk before a byte is sent.

If the database ever loses a committed claim (a failover, a restored backup), the
journal still knows that the phone may have rung, and no run starts until that is
cleared up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings

from calls.models import CallAttempt
from calls.pearl import RequestId
from calls.states import State
from leads.phones import phone_hash

KEPT_DAYS = 30
CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One dial as the journal saw it."""

    token: UUID
    lead_id: int
    phone_hash: str
    outbound_id: str
    sent_at: datetime


class DialJournal:
    """An append-only folder with a file a day. Safe with several processes and threads:
    each line is one write to a file opened for appending."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def from_settings(cls) -> DialJournal:
        return cls(settings.DIAL_JOURNAL)

    def write_before(self, attempt: CallAttempt, *, now: datetime) -> None:
        """On disk when this returns. Raises OSError: then nothing may be sent."""
        self._append(
            {
                "token": str(attempt.token),
                "lead": attempt.lead_id,
                "phone": phone_hash(attempt.phone),
                "outbound": attempt.campaign.outbound_id,
                "at": now.isoformat(),
            },
            now=now,
        )

    def write_after(
        self, attempt: CallAttempt, *, request_id: RequestId, now: datetime
    ) -> None:
        """The id Pearl answered with, in case the database cannot be told."""
        line = {"token": str(attempt.token), "request": request_id}
        self._append(line, now=now)

    def entries(self, *, since: datetime) -> Iterator[Entry]:
        """Every dial since then; lines cut short by a crash are passed over, since
        nothing was sent before the whole line was on disk."""
        for line in self._lines(since=since):
            entry = _parse(line)
            if entry is not None and entry.sent_at >= since:
                yield entry

    def missing(self, *, now: datetime, days: int = KEPT_DAYS) -> list[Entry]:
        """Dials of the last `days` that the database does not know of: it has lost
        commits."""
        since = now - timedelta(days=days)
        seen = set(self._dismissed(since=since))
        entries = [e for e in self.entries(since=since) if str(e.token) not in seen]
        lost: list[Entry] = []
        for start in range(0, len(entries), CHUNK):
            chunk = entries[start : start + CHUNK]
            known = _known([entry.token for entry in chunk])
            lost += [entry for entry in chunk if entry.token not in known]
        return lost

    def dismiss(self, entry: Entry, *, now: datetime) -> None:
        """A person looked into this dial; it no longer keeps runs from starting."""
        self._append({"dismissed": str(entry.token)}, now=now)

    def drop_old(self, *, now: datetime) -> None:
        oldest = (now - timedelta(days=KEPT_DAYS + 1)).date().isoformat()
        for path in self.folder.glob("*.jsonl"):
            if path.stem < oldest:
                path.unlink(missing_ok=True)

    def _lines(self, *, since: datetime) -> Iterator[str]:
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.stem >= since.date().isoformat():
                with path.open(encoding="utf-8", errors="replace") as lines:
                    yield from lines

    def _dismissed(self, *, since: datetime) -> Iterator[str]:
        for line in self._lines(since=since):
            if line.startswith('{"dismissed"'):
                # One cut short by a crash was not dismissed.
                with suppress(ValueError, KeyError, TypeError):
                    yield json.loads(line)["dismissed"]

    def _append(self, line: Mapping[str, object], *, now: datetime) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{now.date().isoformat()}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # The newline in front keeps a line whole after one that a crash cut short.
            text = f"\n{json.dumps(line)}\n".encode()
            if os.write(handle, text) != len(text):
                raise OSError("the disk is full: the line was cut short")
            os.fsync(handle)
        finally:
            os.close(handle)


def is_known(token: UUID) -> bool:
    """Whether the database knows of this dial."""
    return token in _known([token])


def _known(tokens: Sequence[UUID]) -> set[UUID]:
    """Of a claim alone it does not know that it was dialled."""
    rows = CallAttempt.objects.filter(token__in=tokens)
    dialled = rows.exclude(state__in=[State.CLAIMED, State.RELEASED])
    return set(dialled.values_list("token", flat=True))


def _parse(line: str) -> Entry | None:
    try:
        raw = json.loads(line)
        return Entry(
            token=UUID(raw["token"]),
            lead_id=int(raw["lead"]),
            phone_hash=raw["phone"],
            outbound_id=str(raw.get("outbound", "")),
            sent_at=datetime.fromisoformat(raw["at"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
