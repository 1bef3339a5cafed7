"""How many leads stand where: exact while they are few; when they are very many,
counted in the background, so that no page waits and the database has other work too."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import Error, connection
from django.db.models import Count
from django.utils import timezone

from calls.breakdown import breakdown
from calls.models import Campaign
from leads.verdict import Rule
from leads.window import WindowError

logger = logging.getLogger(__name__)

# Counted within the request: a few hundredths of a second.
AT_ONCE_AT_MOST = 20_000
# Of the database's time, counting takes a fifth at most.
REST = 4
KEPT_SECONDS = 24 * 3600
GIVEN_UP_SECONDS = 120
_pool = ThreadPoolExecutor(1, "counts")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Of a campaign's leads: `by_status` all of them, `rules` those in the queue."""

    by_status: dict[str, int] = field(default_factory=dict)
    rules: dict[Rule, int] = field(default_factory=dict)
    at: datetime
    took: timedelta = timedelta(0)

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    def is_fresh(self, *, now: datetime) -> bool:
        return now - self.at < max(timedelta(seconds=1), REST * self.took)


def are_few(campaign: Campaign) -> bool:
    some = campaign.leads.order_by().values("pk")[: AT_ONCE_AT_MOST + 1]
    return some.count() <= AT_ONCE_AT_MOST


def counts(campaign: Campaign, *, now: datetime) -> Counts | None:
    """The latest count. None: very many leads, and the first count is under way."""
    if are_few(campaign):
        return count(campaign, now=now)
    known: Counts | None = cache.get(_key(campaign.pk))
    is_stale = known is None or not known.is_fresh(now=now)
    # Whoever adds the mark counts; the others show what is known.
    if is_stale and cache.add(_mark(campaign), True, GIVEN_UP_SECONDS):
        _pool.submit(_count_and_keep, campaign)
    return known


def latest(campaign_id: int) -> tuple[dict[str, int], dict[Rule, int]] | None:
    """What was counted last in the background, if anything was."""
    known: Counts | None = cache.get(_key(campaign_id))
    return None if known is None else (known.by_status, known.rules)


def count(campaign: Campaign, *, now: datetime) -> Counts:
    """Exactly, now; it takes seconds with a million leads."""
    began = time.monotonic()
    rows = campaign.leads.values_list("call_status").annotate(Count("id")).order_by()
    by_status = dict(rows)
    try:
        rules = breakdown(campaign, now=now)
    except WindowError:
        rules = {}
    took = timedelta(seconds=time.monotonic() - began)
    return Counts(by_status=by_status, rules=rules, at=now, took=took)


def _count_and_keep(campaign: Campaign) -> None:
    try:
        known = count(campaign, now=timezone.now())
        cache.set(_key(campaign.pk), known, KEPT_SECONDS)
    except Error as exc:
        logger.warning("leads cannot be counted: %s", type(exc).__name__)
    except Exception:
        logger.exception("campaign %s: its leads cannot be counted", campaign.pk)
    finally:
        cache.delete(_mark(campaign))
        connection.close()


def _key(campaign_id: int) -> str:
    return f"counts:{campaign_id}"


def _mark(campaign: Campaign) -> str:
    return f"counting:{campaign.pk}"
