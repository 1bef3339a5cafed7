"""Calls that have a recording, and the ways to ask for it."""

from __future__ import annotations

import struct
import wave
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from calls import recordings
from calls.models import Campaign, Recording, Run
from calls.pearl import PearlClient
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.hostile_server import Act, answer, http
from calls.tests.names import ACCOUNT_ID, SECRET_KEY

CALL_ID = "68d2f0ad8a2fc8e5ce030042"
OGG = b"OggS\x00\x02" + bytes(range(256)) * 40
WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(400)
MP3 = b"\xff\xfb\x90\x00" + bytes(400)


def call_with(url: str, **facts):
    """An ended call, whose recording waits to be copied."""
    over = {
        "state": State.ENDED,
        "outcome": Outcome.SUCCESS,
        "open_lead_id": None,
        "open_phone": None,
        "duration_seconds": 60,
    }
    run = Run.objects.first() or RunFactory(
        campaign=Campaign.objects.first() or CampaignFactory(), generation=1
    )
    attempt = AttemptFactory(run=run, recording_url=url, **over | facts)
    recordings.expect(attempt, now=timezone.now() - timedelta(seconds=1))
    return attempt


def silence(seconds: int) -> bytes:
    """A WAV that a browser plays."""
    data = BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000 * seconds))
    return data.getvalue()


def ways(url: str, **over) -> recordings.Ways:
    pearl = PearlClient(base_url=url, account_id=ACCOUNT_ID, secret_key=SECRET_KEY)
    usual = {"turn": lambda: True, "goes_on": lambda: True}
    return recordings.Ways(pearl=pearl, **usual | over)


def copy(url: str, **over) -> Recording:
    """One try at the one that is due."""
    recording = recordings.claim_next(now=timezone.now())
    assert recording is not None
    recordings.copy(recording, ways=ways(url, **over))
    recording.refresh_from_db()
    return recording


def keep(attempt, data: bytes = OGG, content_type: str = "audio/ogg") -> Recording:
    """As if it had been copied."""
    name = recordings.folder().save(f"2026-11/{attempt.pk}-1.ogg", ContentFile(data))
    recording = attempt.recording
    Recording.objects.filter(pk=recording.pk).update(
        state=Recording.State.KEPT,
        next_try_at=None,
        stored_as=name,
        content_type=content_type,
        size=len(data),
        sha256="a" * 64,
        kept_at=timezone.now(),
    )
    recording.refresh_from_db()
    return recording


@pytest.fixture
def some_hosts(settings):
    settings.RECORDING_HOSTS = ["localhost", ".audio.example"]


def files(settings) -> list[Path]:
    folder = Path(settings.RECORDING_FOLDER)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def sound(data: bytes = OGG, kind: str = "audio/ogg") -> Act:
    return answer(http(200, data, kind=kind))


def by_path(**acts: bytes):
    """Another answer for each first part of the path."""

    def play(server, conn):
        server.read(conn)
        first = server.requests[-1].path.strip("/").split("/")[0]
        conn.sendall(acts[first])

    return Act(play)


def call_json(recording: str | None) -> bytes:
    return http(200, {"id": CALL_ID, "status": 4, "recording": recording})
