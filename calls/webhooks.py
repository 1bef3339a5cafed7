"""What Pearl tells us unasked: kept as it came, answered at once, thought about."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from calls import claims, outcomes, runs
from calls.evidence import Evidence
from calls.models import PearlEvent
from calls.pearl import LeadReport, UnreadableEvent, parse_webhook
from calls.reconciling import poll_after, trust_webhook_until
from calls.states import FINAL_STATUSES

logger = logging.getLogger(__name__)

Result = PearlEvent.Result
# The web process has this long before a worker takes an event over.
GIVEN_TIME = timedelta(seconds=5)


@csrf_exempt
@login_not_required
@require_POST
def pearl_webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the body, answer 200, process. Only a failure to keep it is an error, the
    one case in which a repetition by Pearl helps (reliability.md 2.2)."""
    known = settings.PEARL_WEBHOOK_TOKEN
    if not known or not constant_time_compare(token, known):
        return HttpResponse(status=404)
    body = request.read(settings.WEBHOOK_MAX_BYTES + 1)
    if len(body) > settings.WEBHOOK_MAX_BYTES:
        return HttpResponse(status=413)
    event = keep(body, now=timezone.now())
    if event is not None:
        try:
            process(event, now=timezone.now())
        except Exception:
            # A worker tries again (`process_kept`); Pearl need not.
            logger.exception("event %s is kept, to be processed later", event.pk)
    return HttpResponse(status=200)


def keep(body: bytes, *, now: datetime) -> PearlEvent | None:
    """Store the raw body. None: the same one came before, and is only counted."""
    digest = hashlib.sha256(body).hexdigest()
    event, is_new = PearlEvent.objects.get_or_create(
        sha256=digest,
        defaults={
            "body": body.decode("utf-8", "replace").replace("\x00", "\ufffd"),
            "received_at": now,
        },
    )
    if is_new:
        return event
    PearlEvent.objects.filter(pk=event.pk).update(times_seen=F("times_seen") + 1)
    return None


def process_kept(*, now: datetime, at_most: int = 50) -> int:
    """Events that were kept but could not be processed when they came."""
    kept = PearlEvent.objects.filter(
        result=Result.NEW, received_at__lte=now - GIVEN_TIME
    )
    events = list(kept.order_by("id")[:at_most])
    for event in events:
        try:
            process(event, now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("event %s cannot be processed", event.pk)
            PearlEvent.objects.filter(pk=event.pk).update(
                result=Result.UNREADABLE, error=str(_("No se pudo procesar."))
            )
    return len(events)


def process(event: PearlEvent, *, now: datetime) -> None:
    """Let the event say what it knows. Doing it again changes nothing."""
    rows = PearlEvent.objects.filter(pk=event.pk)
    try:
        report = parse_webhook(event.body.encode())
    except UnreadableEvent as exc:
        rows.update(result=Result.UNREADABLE, error=str(exc)[:200])
        return
    if isinstance(report, LeadReport):
        # We place calls, not leads, at Pearl (pearl-api.md 9.1): kept, not used.
        rows.update(result=Result.UNMATCHED)
        return
    # A start is trusted to be followed by its end; a doubtful end is read again soon.
    over = report.status in FINAL_STATUSES
    look_at = poll_after(now) if over else trust_webhook_until(now)
    attempt = outcomes.find_attempt(report)
    if attempt is None:
        # A start does not show our marker yet; an end without it makes us ask Pearl.
        claims.expect_report([report.to or ""], at=now if over else look_at, now=now)
        rows.update(result=Result.UNMATCHED)
        return
    evidence = Evidence.of_report(report)
    applied = outcomes.record(attempt, evidence, now=now, look_at=look_at)
    runs.finish_if_idle(attempt.campaign_id, now=now)
    rows.update(result=Result.APPLIED if applied else Result.UNMATCHED, attempt=attempt)
