"""/metrics: the figures of `vitals` in Prometheus' text format 0.0.4.

All are read from the database, so any web process tells the same of all processes; each
keeps them for a few seconds, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from calls import budget, counts, vitals
from calls.models import Campaign, RunState
from calls.queue import opens_anywhere
from calls.shared import shared
from calls.vitals import Waiting
from leads.window import WindowError

CACHED_SECONDS = 5.0
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[dict[str, object], float]


@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """404 unless METRICS_TOKEN is set, 401 without it, 503 without a database."""
    if not settings.METRICS_TOKEN:
        return HttpResponse(status=404)
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not constant_time_compare(request.headers.get("Authorization", ""), wanted):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    try:
        text = shared("metrics", _text, seconds=CACHED_SECONDS)
    except DatabaseError:
        return HttpResponse("no database\n", status=503, content_type=CONTENT_TYPE)
    return HttpResponse(text, content_type=CONTENT_TYPE)


@dataclass(frozen=True, kw_only=True)
class Metric:
    name: str
    help: str
    samples: list[Sample] = field(default_factory=list)
    kind: Literal["gauge", "counter"] = "gauge"

    def lines(self) -> Iterator[str]:
        """None at all if there is nothing to tell."""
        if not self.samples:
            return
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            told = ",".join(f'{key}="{_escaped(x)}"' for key, x in labels.items())
            name = f"{self.name}{{{told}}}" if told else self.name
            yield f"{name} {value:.15g}"


def _escaped(value: object) -> str:
    text = str(value).replace("\\", "\\\\")
    return text.replace('"', '\\"').replace("\n", "\\n")


def _text() -> str:
    now = timezone.now()
    told = (_campaigns, _attempts, _workers, _work, _pearl)
    lines = (line for of in told for metric in of(now) for line in metric.lines())
    return "".join(f"{line}\n" for line in lines)


def _one(name: str, help: str, value: float | None) -> Metric:
    return Metric(name=name, help=help, samples=[] if value is None else [({}, value)])


def _of_each(
    name: str,
    help: str,
    values: Iterable[tuple[Campaign, float]],
    kind: Literal["gauge", "counter"] = "gauge",
) -> Metric:
    samples: list[Sample] = [({"campaign": one.pk}, value) for one, value in values]
    return Metric(name=name, help=help, samples=samples, kind=kind)


def _campaigns(now: datetime) -> Iterator[Metric]:
    every = list(Campaign.objects.order_by("id"))
    yield Metric(
        name="tuotempo_campaign_info",
        help="The name of each campaign.",
        samples=[({"campaign": one.pk, "name": one.name}, 1) for one in every],
    )
    yield _of_each(
        "tuotempo_campaign_running",
        "1: switched on here.",
        ((one, one.state == RunState.RUNNING) for one in every),
    )
    yield _of_each(
        "tuotempo_campaign_open",
        "1: its calling hours are open somewhere.",
        ((one, _is_open(one, now=now)) for one in every),
    )
    yield _of_each(
        "tuotempo_campaign_lines",
        "Calls that it may hold at once.",
        ((one, one.limit) for one in every),
    )
    yield _of_each(
        "tuotempo_claims_total",
        "Leads taken from the queue to be called.",
        ((one, one.claims_made) for one in every),
        kind="counter",
    )
    yield Metric(
        name="tuotempo_queue_leads",
        help="Leads in the queue, by the rule that decides about them now.",
        samples=[
            ({"campaign": one.pk, "rule": rule.value}, count)
            for one in every
            if (known := counts.counts(one, now=now)) is not None
            for rule, count in known.rules.items()
        ],
    )


def _is_open(campaign: Campaign, *, now: datetime) -> bool:
    try:
        return opens_anywhere(now, window=campaign.window)
    except WindowError:
        return False


def _attempts(now: datetime) -> Iterator[Metric]:
    held = vitals.held_attempts()
    labels: list[dict[str, object]] = [
        {"campaign": one.campaign_id, "state": one.state.value} for one in held
    ]
    yield Metric(
        name="tuotempo_attempts",
        help="Attempts in a state that is not the last one.",
        samples=[(of, one.count) for of, one in zip(labels, held, strict=True)],
    )
    yield Metric(
        name="tuotempo_attempts_oldest_seconds",
        help="Age of the oldest attempt in such a state.",
        samples=[
            (of, (now - one.since).total_seconds())
            for of, one in zip(labels, held, strict=True)
        ],
    )
    yield Metric(
        name="tuotempo_attempts_closed_last_hour",
        help="Attempts closed within the last hour, by state and outcome.",
        samples=[
            (
                {
                    "campaign": one.campaign_id,
                    "state": one.state.value,
                    "outcome": one.outcome,
                },
                one.count,
            )
            for one in vitals.closed_since(now - timedelta(hours=1))
        ],
    )


def _workers(now: datetime) -> Iterator[Metric]:
    alive, lost = vitals.workers(now=now)
    yield _one("tuotempo_workers", "Processes at work.", len(alive))
    yield Metric(
        name="tuotempo_worker_heartbeat_age_seconds",
        help="Since the last heartbeat of each process that has not signed off.",
        samples=[
            ({"worker": one.identity}, (now - one.heartbeat_at).total_seconds())
            for one in [*alive, *lost]
        ],
    )


def _work(now: datetime) -> Iterator[Metric]:
    for name, what, waiting in (
        ("webhooks", "Webhooks kept and not read", vitals.webhooks_waiting()),
        ("effects", "Confirmed calls not followed", vitals.effects_waiting(now=now)),
        ("recordings", "Recordings to be copied", vitals.recordings_waiting(now=now)),
    ):
        yield from _waiting(name, what, waiting, now=now)


def _waiting(name: str, what: str, waiting: Waiting, *, now: datetime) -> list[Metric]:
    seconds = waiting.age(now=now).total_seconds()
    at_most = f"at most {vitals.COUNTED_AT_MOST} are counted"
    return [
        _one(f"tuotempo_{name}_waiting", f"{what}; {at_most}.", waiting.count),
        _one(f"tuotempo_{name}_oldest_seconds", f"{what}: the oldest.", seconds),
    ]


def _pearl(now: datetime) -> Iterator[Metric]:
    row = budget.account()
    wait = max((row.blocked_until or now) - now, timedelta(0))
    since = now - row.checked_at if row.checked_at else None
    yield _one(
        "tuotempo_pearl_failures",
        "Requests to Pearl without an answer since the last one that had one.",
        row.failures,
    )
    yield _one(
        "tuotempo_pearl_breaker_open",
        "1: Pearl does not answer, nobody is called.",
        budget.breaker_is_open(row),
    )
    yield _one(
        "tuotempo_pearl_blocked_seconds",
        "What is left of the pause that Pearl's last 429 asked for.",
        wait.total_seconds(),
    )
    yield _one("tuotempo_pearl_credit", "Credit, as last read.", row.credit_balance)
    yield _one("tuotempo_pearl_agents", "Agents, as last read.", row.total_agents)
    yield _one(
        "tuotempo_pearl_checked_age_seconds",
        "Since Pearl was last asked about the account.",
        since.total_seconds() if since else None,
    )
