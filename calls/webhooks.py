"""What Pearl tells us unasked: kept as it came, answered at once, thought about later.

Under uvicorn `webhook_door` takes the requests in before Django does; this view answers
the same wherever Django is asked. Workers read what was kept.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    transaction,
)
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from calls import claims, outcomes, runs
from calls.evidence import Evidence
from calls.log_context import ids_of
from calls.models import CallAttempt, PearlEvent
from calls.pearl import LeadReport, UnreadableEvent, parse_webhook
from calls.pearl_search import poll_after
from calls.reconciling import trust_webhook_until
from calls.states import FINAL_STATUSES

logger = logging.getLogger(__name__)

Result = PearlEvent.Result
PAGE = 50  # a body may have a megabyte


# --- Keeping ------------------------------------------------------------------------


@csrf_exempt
@login_not_required
@require_POST
def pearl_webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the body and answer 200. Only a failure to keep it is an error, the one case
    in which a repetition by Pearl helps (reliability.md 2.2)."""
    if refused := refusal(token, request.headers.get):
        return HttpResponse(status=refused)
    body = request.read(settings.WEBHOOK_MAX_BYTES + 1)
    if len(body) > settings.WEBHOOK_MAX_BYTES:
        return HttpResponse(status=413)
    (is_kept,) = keep_all([body], now=timezone.now())
    return HttpResponse(status=200 if is_kept else 503)


def refusal(token: str, header: Callable[[str], str | None]) -> int | None:
    """The status for who is not Pearl: 404 without one of the two tokens, 401 without
    the credential, if one is configured (pearl-api.md 8.5). None: it may be Pearl."""
    tokens = (settings.PEARL_WEBHOOK_TOKEN, settings.PEARL_WEBHOOK_TOKEN_PREVIOUS)
    fitting = [bool(known) & constant_time_compare(token, known) for known in tokens]
    if not any(fitting):
        return 404
    if settings.PEARL_WEBHOOK_CREDENTIAL is None:
        return None
    name, secret = settings.PEARL_WEBHOOK_CREDENTIAL
    if constant_time_compare(header(name) or "", secret):
        return None
    logger.warning("a webhook came without the credential")
    return 401


def keep_all(bodies: Sequence[bytes], *, now: datetime) -> list[bool]:
    """Store raw bodies in one transaction, each distinct one once; which are kept."""
    for _once_more in range(2):
        try:
            _store(bodies, now=now)
        except (OperationalError, InterfaceError):
            # A connection that was lost, a deadlock: the second time is another one.
            close_old_connections()
        except DatabaseError:
            if len(bodies) == 1:
                break
            # One is the cause, or another process keeps the same one: each alone.
            return [kept for body in bodies for kept in keep_all([body], now=now)]
        else:
            return [True] * len(bodies)
    logger.error("%s webhooks could not be kept", len(bodies))
    return [False] * len(bodies)


@transaction.atomic
def _store(bodies: Sequence[bytes], *, now: datetime) -> None:
    by_digest = {hashlib.sha256(body).hexdigest(): body for body in bodies}
    times = Counter(hashlib.sha256(body).hexdigest() for body in bodies)
    rows = PearlEvent.objects.filter(sha256__in=[*by_digest])
    known = {*rows.values_list("sha256", flat=True)}
    PearlEvent.objects.bulk_create(
        PearlEvent(
            sha256=digest,
            body=body.decode("utf-8", "replace").replace("\x00", "\ufffd"),
            received_at=now,
            times_seen=times[digest],
        )
        for digest, body in by_digest.items()
        if digest not in known
    )
    again = defaultdict(list)
    for digest in known:
        again[times[digest]].append(digest)
    for count, digests in again.items():
        seen = PearlEvent.objects.filter(sha256__in=digests)
        seen.update(times_seen=F("times_seen") + count)


# --- Reading ------------------------------------------------------------------------


def process_kept(
    *, now: datetime, at_most: int = 50, kept_for: timedelta = timedelta(0)
) -> int:
    """Read what was kept, at least `kept_for` ago. Two processes may read the same: it
    changes nothing. Returns how many."""
    kept = PearlEvent.objects.filter(result=Result.NEW, received_at__lte=now - kept_for)
    events = list(kept.order_by("id")[:at_most])
    for event in events:
        process_safely(event, now=now)
    return len(events)


def from_pearl() -> QuerySet[PearlEvent]:
    """Without the notes that we keep beside them: incidents, and calls not ordered."""
    return PearlEvent.objects.exclude(~Q(error=""), result=Result.UNMATCHED)


def replay(
    events: QuerySet[PearlEvent], *, now: datetime, dry_run: bool = False
) -> Counter[str]:
    """Read again, oldest first, what was kept; how many became what. Replaying twice is
    replaying once. `dry_run`: nothing is changed."""
    became: Counter[str] = Counter()
    last = 0
    while page := list(events.filter(pk__gt=last).order_by("pk")[:PAGE]):
        for event in page:
            with rolled_back() if dry_run else nullcontext():
                process_safely(event, now=now)
                event.refresh_from_db(fields=["result"])
            became[event.result] += 1
        last = page[-1].pk
    return became


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def process_safely(event: PearlEvent, *, now: datetime) -> None:
    """Whatever an event holds, it keeps none after it from being read."""
    try:
        process(event, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("event %s cannot be processed", event.pk)
        _note(event, Result.UNREADABLE, error=str(_("No se pudo procesar.")))


def process(event: PearlEvent, *, now: datetime) -> None:
    """Let the event say what it knows. Doing it again changes nothing: when Pearl is
    asked next is counted from when the event came."""
    try:
        report = parse_webhook(event.body.encode())
    except UnreadableEvent as exc:
        _note(event, Result.UNREADABLE, error=str(exc))
        return
    heard_at = event.received_at
    if isinstance(report, LeadReport):
        attempt = _attempt_of_lead(report)
        if attempt is not None:
            # It tells no ending (pearl-api.md 8.3), only that there is one to ask for.
            claims.ask_sooner(attempt, at=poll_after(heard_at), now=now)
        _note(event, Result.APPLIED if attempt else Result.UNMATCHED, attempt=attempt)
        return
    # A start is trusted to be followed by its end; a doubtful end is read again soon.
    over = report.status in FINAL_STATUSES
    look_at = poll_after(heard_at) if over else trust_webhook_until(heard_at)
    attempt = outcomes.find_attempt(report)
    if attempt is None:
        # A start does not show our marker yet; an end without it makes us ask Pearl.
        at = heard_at if over else look_at
        claims.expect_report([report.to or ""], at=at, now=now)
        _note(event, Result.UNMATCHED)
        return
    evidence = Evidence.of_report(report)
    applied = outcomes.record(attempt, evidence, now=now, look_at=look_at)
    if over:
        runs.finish_if_idle(attempt.campaign_id, now=now)
    _note(event, Result.APPLIED if applied else Result.UNMATCHED, attempt=attempt)


def _attempt_of_lead(report: LeadReport) -> CallAttempt | None:
    """We place calls, not leads, at Pearl (pearl-api.md 9.1); a lead may name one."""
    found = outcomes.find_marked(report.attempt_token)
    if found is None and report.call_ids:
        found = CallAttempt.objects.filter(pearl_call_id__in=report.call_ids).last()
    return found


def _note(
    event: PearlEvent,
    result: PearlEvent.Result,
    *,
    attempt: CallAttempt | None = None,
    error: str = "",
) -> None:
    PearlEvent.objects.filter(pk=event.pk).update(
        result=result, attempt=attempt, error=error[:200]
    )
    ids = ids_of(attempt) if attempt else {}
    logger.info("event %s is %s", event.pk, result, extra=ids)
