"""The rate limit of the account: a token bucket and a ceiling in flight (1.8)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from simulator.config import RateLimit
from simulator.exchange import Answer


class Bucket:
    """Fills by `per_second` in real seconds up to `burst`."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._filled_at: float | None = None

    def take(self, limit: RateLimit, *, now: float, in_flight: int) -> bool:
        """Whether this request may pass. False: answer 429."""
        if self._filled_at is None:
            self._tokens = limit.burst
        else:
            self._tokens += (now - self._filled_at) * limit.per_second
        self._tokens = min(self._tokens, limit.burst)
        self._filled_at = now
        if limit.in_flight is not None and in_flight > limit.in_flight:
            return False
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def too_many(retry_after: float | Literal["date"] | None, *, delay: float) -> Answer:
    """A 429, with Retry-After in seconds, as an HTTP date, or not at all."""
    headers = {}
    if retry_after == "date":
        moment = datetime.now(UTC) + timedelta(seconds=math.ceil(delay) + 1)
        headers["Retry-After"] = format_datetime(moment, usegmt=True)
    elif retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    return Answer({"error": "rate limit"}, 429, headers=headers)
