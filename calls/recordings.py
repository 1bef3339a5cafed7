"""The recordings of calls: copied to a folder of ours, kept for a time, forgotten.

A row is claimed by counting up its `tries`, and whoever claimed it writes only while
they are still as he left them; his file is named after them too. So two processes never
keep the same recording, and one that died leaves nothing but a file that goes with the
next try.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls.models import CallAttempt, Recording
from calls.pearl import (
    Audio,
    CallId,
    NotFound,
    PearlClient,
    PearlError,
    RecordingFailed,
    RecordingRefused,
    RecordingUnavailable,
    Throttled,
)

logger = logging.getLogger(__name__)

State = Recording.State

MEGABYTE = 1024 * 1024
# Longer than a try can take: an exchange, the question for a fresh address, another.
LEASE = timedelta(minutes=5)
# A recording may be late, and Pearl away for a day.
PAUSES = [
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
]
ENDS_AS = {
    "absent": State.GONE,
    "wrong-id": State.GONE,
    "denied": State.REFUSED,
    "not-audio": State.REFUSED,
}
SUFFIXES = (".part", ".ogg", ".wav", ".mp3")
BATCH = 100


class Interrupted(Exception):
    """The process is stopping: the recording is for another one."""


def folder() -> FileSystemStorage:
    """Private, and at no address: only calls/recording_page.py reads it out."""
    return FileSystemStorage(
        location=settings.RECORDING_FOLDER,
        file_permissions_mode=0o600,
        directory_permissions_mode=0o700,
    )


# --- Which ones ---------------------------------------------------------------------


def expect(attempt: CallAttempt, *, now: datetime) -> None:
    """A call has a recording, here or now elsewhere: it will be copied, unless it is
    kept already or has been deleted."""
    row, made = Recording.objects.get_or_create(
        attempt_id=attempt.pk,
        defaults={"called_at": attempt.claimed_at, "next_try_at": now},
    )
    if not made:
        copy_again(ids=[row.pk], now=now)


def claim_next(*, now: datetime) -> Recording | None:
    """The one that has been due for longest. None: there is none, or another process
    was faster."""
    due = Recording.objects.filter(state=State.WAITING, next_try_at__lte=now)
    recording = due.order_by("next_try_at", "pk").first()
    if recording is None:
        return None
    mine = due.filter(pk=recording.pk, tries=recording.tries)
    tries, until = recording.tries + 1, now + LEASE
    if not mine.update(tries=tries, next_try_at=until):
        return None
    recording.tries, recording.next_try_at = tries, until
    return recording


def _write(recording: Recording, **changes: object) -> bool:
    """False: the recording is no longer ours."""
    mine = Recording.objects.filter(
        pk=recording.pk, state=State.WAITING, tries=recording.tries
    )
    return mine.update(**changes) == 1


# --- Copying ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How a recording is asked for. `turn` waits for leave to send a request to Pearl;
    False: the process is stopping, as `goes_on` says while it comes."""

    pearl: PearlClient
    turn: Callable[[], bool]
    goes_on: Callable[[], bool]


def copy(recording: Recording, *, ways: Ways) -> None:
    """One try at a claimed recording; the row says what came of it. Raises Throttled,
    once the row is given back, for the caller to slow everybody down."""
    if recording.called_at < timezone.now() - _kept_for():
        words = _("La llamada es de hace más de %d días: no se copia.")
        _end(recording, State.GONE, words % settings.RECORDING_DAYS)
        return
    try:
        with _passing_file(recording) as (path, file):
            audio = _bring(recording.attempt, into=file, ways=ways)
            file.flush()
            os.fsync(file.fileno())
            _keep(recording, path, audio)
    except Interrupted:
        _give_back(recording)
    except Throttled:
        _give_back(recording)
        raise
    except RecordingRefused as exc:
        _end(recording, State.REFUSED, str(exc))
    except PearlError as exc:
        _try_again(recording, exc)
    except OSError:
        logger.exception("recording %s cannot be written", recording.pk)
        _try_again(recording, None)


def _bring(attempt: CallAttempt, *, into: IO[bytes], ways: Ways) -> Audio:
    """From where it was said to be or, if its address is over, from a fresh one."""
    try:
        return _fetch(attempt.recording_url, into=into, ways=ways)
    except RecordingUnavailable:
        fresh = _fresh_address(attempt, ways=ways)
        if fresh in ("", attempt.recording_url):
            raise
    return _fetch(fresh, into=into, ways=ways)


def _fetch(url: str, *, into: IO[bytes], ways: Ways) -> Audio:
    downloads = ways.pearl.downloads(
        hosts=settings.RECORDING_HOSTS, max_bytes=settings.RECORDING_MAX_MB * MEGABYTE
    )
    if downloads.asks_pearl(url) and not ways.turn():
        raise Interrupted
    try:
        return downloads.fetch(url, into=into, goes_on=ways.goes_on)
    except RecordingFailed as exc:
        if exc.code == "closed":
            raise Interrupted from None
        raise


def _fresh_address(attempt: CallAttempt, *, ways: Ways) -> str:
    call_id = CallId.read(attempt.pearl_call_id)
    if call_id is None:
        return ""
    if not ways.turn():
        raise Interrupted
    try:
        return ways.pearl.call(call_id).recording_url or ""
    except NotFound:
        return ""


@contextmanager
def _passing_file(recording: Recording) -> Iterator[tuple[Path, IO[bytes]]]:
    """In the same folder, so that it only needs a new name once it is whole. Those of
    earlier tries go: whoever made them is gone, or has lost the recording to us."""
    place = Path(settings.RECORDING_FOLDER) / f"{recording.called_at:%Y-%m}"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    for earlier in range(1, recording.tries):
        for suffix in SUFFIXES:
            left = place / f"{recording.pk}-{earlier}{suffix}"
            left.unlink(missing_ok=True)
    path = place / f"{recording.pk}-{recording.tries}.part"
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(path, flags, 0o600), "w+b") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def _keep(recording: Recording, path: Path, audio: Audio) -> None:
    stored_as = path.with_suffix(audio.suffix)
    path.replace(stored_as)
    kept = _write(
        recording,
        state=State.KEPT,
        reason="",
        next_try_at=None,
        stored_as=f"{stored_as.parent.name}/{stored_as.name}",
        content_type=audio.content_type,
        size=audio.size,
        sha256=audio.sha256,
        kept_at=timezone.now(),
    )
    if not kept:
        stored_as.unlink(missing_ok=True)


def _give_back(recording: Recording) -> None:
    """As if it had not been tried."""
    at = timezone.now() + PAUSES[0]
    _write(recording, tries=recording.tries - 1, next_try_at=at)


def _try_again(recording: Recording, why: PearlError | None) -> None:
    reason = str(why) if why else _("No se ha podido guardar en el disco.")
    if recording.tries > len(PAUSES):
        _end(recording, ENDS_AS.get(why.code if why else "", State.FAILED), reason)
        return
    at = timezone.now() + PAUSES[recording.tries - 1]
    _write(recording, next_try_at=at, reason=reason)


def _end(recording: Recording, state: Recording.State, reason: str) -> None:
    if _write(recording, state=state, reason=reason, next_try_at=None):
        logger.info("recording %s is %s", recording.pk, state)


# --- Forgetting ---------------------------------------------------------------------


def forget_old(*, now: datetime) -> int:
    """Those of calls older than they are kept; how many. At most BATCH at a time."""
    old = Recording.objects.filter(
        state=State.KEPT, called_at__lt=now - _kept_for()
    ).order_by("called_at", "pk")
    reason = _too_old()
    return sum(forget(recording, reason=reason) for recording in old[:BATCH])


def forget(recording: Recording, *, reason: str) -> bool:
    """The file first: a row may lie for a moment, a voice may not stay behind. False:
    it was not kept."""
    if not recording.stored_as:
        return False
    folder().delete(recording.stored_as)
    mine = Recording.objects.filter(pk=recording.pk, state=State.KEPT)
    blank = {"stored_as": "", "sha256": "", "size": None, "content_type": ""}
    return mine.update(state=State.GONE, reason=reason, **blank) == 1


def copy_again(*, ids: list[int], now: datetime) -> int:
    """Of those that were refused or not copied; how many will be tried anew."""
    over = Recording.objects.filter(pk__in=ids, state__in=[State.REFUSED, State.FAILED])
    return over.update(state=State.WAITING, tries=0, next_try_at=now, reason="")


def _kept_for() -> timedelta:
    return timedelta(days=settings.RECORDING_DAYS)


def _too_old() -> str:
    days: int = settings.RECORDING_DAYS
    words = ngettext(
        "Se borró: las grabaciones se guardan %d día.",
        "Se borró: las grabaciones se guardan %d días.",
        days,
    )
    return words % days
