"""One search at Pearl for all calls of a campaign since a moment, page by page.

What it tells of our calls is recorded as it comes (pearl-api.md 6.5, 9.10): a call
carries our marker, so nothing is matched by number here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Q

from calls.evidence import Evidence, join
from calls.log_context import ids_of
from calls.models import CallAttempt, Campaign
from calls.outcomes import record, rightful
from calls.pearl import CallId, CallReport, NoAnswer, Page, PearlClient
from calls.states import FINAL_STATUSES

logger = logging.getLogger(__name__)

# How far Pearl's clock may differ from ours.
SKEW = timedelta(minutes=1)

T = TypeVar("T")

DatabaseGone = (OperationalError, InterfaceError)

# Waits for a turn to send a request; False: do not ask, the process is stopping.
Turn = Callable[[], bool]


class Interrupted(Exception):
    """The process is stopping: what was learnt so far is kept, the rest comes later."""


@dataclass(kw_only=True)
class Findings:
    """What a search brought: attempts seen, and calls that nobody here ordered."""

    seen: set[int] = field(default_factory=set)
    strays: list[CallReport] = field(default_factory=list)
    call_ids: set[CallId] = field(default_factory=set)
    pages: int = 0
    unreadable: int = 0


def poll_after(now: datetime) -> datetime:
    """When a call not heard of by webhook is next asked about."""
    return now + timedelta(seconds=settings.POLL_SECONDS)


def search(
    campaign: Campaign,
    *,
    since: datetime,
    pearl: PearlClient,
    turn: Turn,
    now: datetime,
) -> Findings:
    """Record what Pearl tells of our calls. Raises PearlError, Interrupted."""
    found = Findings()
    limits = [100, 25, 5, 1]

    def ask(skip: int) -> Page[CallReport]:
        """A page, or a smaller one if its transcripts are too much for one answer."""
        while True:
            try:
                return pearl.bulk_calls(
                    campaign.pearl_id,
                    since=since,
                    until=now + SKEW,
                    skip=skip,
                    limit=limits[0],
                )
            except NoAnswer as exc:
                if exc.code != "too-big" or len(limits) == 1:
                    raise
                limits.pop(0)
                if not turn():
                    raise Interrupted from None

    for page in pages(ask, turn=turn):
        found.pages += 1
        found.unreadable += page.unreadable
        _read_page(page.items, found=found, now=now)
    return found


def pages(ask: Callable[[int], Page[T]], *, turn: Turn) -> Iterable[Page[T]]:
    skip: int | None = 0
    while skip is not None:
        if not turn():
            raise Interrupted
        page = ask(skip)
        yield page
        skip = page.next_skip


def _read_page(
    reports: Sequence[CallReport], *, found: Findings, now: datetime
) -> None:
    attempts = _attempts_of(reports)
    for report in reports:
        found.call_ids.add(report.call_id)
        try:
            attempt = rightful(
                attempts.get(report.call_id),
                attempts.get(report.attempt_token or ""),
                now=now,
            )
            if attempt is None:
                found.strays.append(report)
            elif _take_in(report, attempt, now=now):
                found.seen.add(attempt.pk)
            else:
                found.unreadable += 1
        except DatabaseGone:
            raise
        except Exception:
            # One report that cannot be written must not keep the others from us.
            logger.exception("call %s: its report was not recorded", report.call_id)
            found.unreadable += 1


def _take_in(report: CallReport, attempt: CallAttempt, *, now: datetime) -> bool:
    evidence, known = Evidence.of_report(report), Evidence.of_attempt(attempt)
    is_settled = attempt.confirmed_at and attempt.next_lookup_at is None
    if is_settled and join(known, evidence) == known:
        return True
    if report.status in FINAL_STATUSES:
        logger.info(
            "attempt %s is over by Pearl's search",
            attempt.token,
            extra=ids_of(attempt),
        )
    look_at = poll_after(now)
    return record(attempt, evidence, now=now, look_at=look_at, confirms=True)


def _attempts_of(reports: Sequence[CallReport]) -> dict[str, CallAttempt]:
    """By Pearl's call id and by our token, in one query."""
    ids = [report.call_id for report in reports]
    tokens = [token for report in reports if (token := _token(report))]
    rows = CallAttempt.objects.filter(Q(pearl_call_id__in=ids) | Q(token__in=tokens))
    known: dict[str, CallAttempt] = {}
    for attempt in rows:
        known[str(attempt.token)] = attempt
        if attempt.pearl_call_id:
            known[attempt.pearl_call_id] = attempt
    return known


def _token(report: CallReport) -> UUID | None:
    try:
        return UUID(report.attempt_token or "")
    except ValueError:
        return None
