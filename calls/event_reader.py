"""The thread of a worker that reads webhooks, and does what follows from calls."""

from __future__ import annotations

import logging
from threading import Event

from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from calls import effects, webhooks

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
IDLE_SECONDS = 1.0


def keep_reading(stop: Event) -> None:
    """Until `stop`; what is left then is the next worker's."""
    pause = LOOK_SECONDS
    while not stop.wait(pause):
        pause = LOOK_SECONDS
        try:
            close_old_connections()
            webhooks.process_kept(now=timezone.now())
            effects.follow_due(now=timezone.now())
        except (OperationalError, InterfaceError):
            logger.warning("the database does not answer; no webhooks are read")
            pause = IDLE_SECONDS
        except Exception:
            logger.exception("webhooks were not read")
            pause = IDLE_SECONDS
    close_old_connections()
