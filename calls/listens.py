"""Who listened to which recording, and when: one row for each time somebody does.

A player asks for many parts of one recording; those that follow one another within a
while are one listen.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from calls.models import Listen, Recording

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Longer than a pause to answer the phone; a new listen after it is a new one.
GOES_ON = timedelta(minutes=30)
# How late `last_at` may be: not every part that is read needs a write.
NOTED_EVERY = timedelta(minutes=1)


def note(recording: Recording, *, by: User, now: datetime) -> None:
    """Before a byte of it is sent."""
    if _goes_on(recording, by=by, now=now):
        return
    with transaction.atomic():
        # Its first two parts may be asked for at once: they are one listen.
        Recording.objects.select_for_update().get(pk=recording.pk)
        if _goes_on(recording, by=by, now=now):
            return
        Listen.objects.create(
            recording=recording,
            by=by,
            username=by.get_username(),
            at=now,
            last_at=now,
        )


def _goes_on(recording: Recording, *, by: User, now: datetime) -> bool:
    mine = Listen.objects.filter(recording=recording, by=by, last_at__gt=now - GOES_ON)
    last = mine.order_by("-last_at").first()
    if last is None:
        return False
    if now - last.last_at > NOTED_EVERY:
        Listen.objects.filter(pk=last.pk).update(last_at=now)
    return True
