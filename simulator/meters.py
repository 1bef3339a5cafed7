"""Counters for assertions: what the provider saw (pearl-api.md 11.9)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

LOG_LENGTH = 20_000
WEBHOOK_COUNTS = (
    *("sent", "delivered", "failed", "lost", "duplicated"),
    *("retried", "pending"),
)


class Meters:
    """Counts since the last reset; averages since the last mark."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.in_flight = 0  # survives a reset: those requests still end
        self.reset()

    def reset(self) -> None:
        self.requests: Counter[str] = Counter()
        self.make_call_posts = 0
        self.make_call_accepted = 0
        self.posts_per_number: Counter[str] = Counter()
        self.posts_per_marker: Counter[str] = Counter()
        self.accepted_per_number: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.webhooks: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.ended = 0
        self.throttled = 0
        self.in_course = 0
        self.log: deque[tuple[float, str, int]] = deque(maxlen=LOG_LENGTH)
        self._recent: deque[float] = deque()
        self.mark()

    def mark(self) -> None:
        """Restart the averages and the peaks."""
        self._marked = self._touched = self._now()
        self._area = 0.0
        self.peak_in_course = self.in_course
        self.peak_in_flight = self.in_flight
        self.peak_per_second = 0

    def line_taken(self) -> None:
        self._integrate()
        self.in_course += 1
        self.peak_in_course = max(self.peak_in_course, self.in_course)

    def line_freed(self, outcome: str) -> None:
        self._integrate()
        self.in_course -= 1
        self.ended += 1
        self.outcomes[outcome] += 1

    def request_arrived(self, route: str) -> None:
        now = self._now()
        self.requests[route] += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self._recent.append(now)
        while self._recent[0] <= now - 1:
            self._recent.popleft()
        self.peak_per_second = max(self.peak_per_second, len(self._recent))

    def request_answered(self, at: float, route: str, status: int) -> None:
        self.log.append((at, route, status))

    def request_left(self) -> None:
        self.in_flight -= 1

    def make_call_arrived(self, to: object, marker: object) -> None:
        self.make_call_posts += 1
        if isinstance(to, str):
            self.posts_per_number[to] += 1
        if marker is not None:
            self.posts_per_marker[str(marker)] += 1

    def as_json(self, *, queued: int) -> dict[str, Any]:
        self._integrate()
        elapsed = self._now() - self._marked
        return {
            "requests": dict(self.requests),
            "total_requests": self.requests.total(),
            "make_call_posts": self.make_call_posts,
            "make_call_accepted": self.make_call_accepted,
            "make_calls_per_number": _repeated(self.accepted_per_number),
            "make_call_posts_per_number": _repeated(self.posts_per_number),
            "make_call_posts_per_marker": _repeated(self.posts_per_marker),
            "peak_in_course": self.peak_in_course,
            "in_course": self.in_course,
            "average_in_course": self._area / elapsed if elapsed else 0.0,
            "elapsed_seconds": elapsed,
            "queued": queued,
            "ended": self.ended,
            "outcomes": dict(self.outcomes),
            "throttled_429": self.throttled,
            "requests_in_flight": self.in_flight,
            "peak_requests_in_flight": self.peak_in_flight,
            "requests_per_second_peak": self.peak_per_second,
            "faults": dict(self.faults),
            "webhooks": {name: self.webhooks[name] for name in WEBHOOK_COUNTS},
        }

    def _integrate(self) -> None:
        now = self._now()
        self._area += self.in_course * (now - self._touched)
        self._touched = now


def _repeated(counts: Counter[str]) -> dict[str, int]:
    return {key: n for key, n in counts.items() if n > 1}
