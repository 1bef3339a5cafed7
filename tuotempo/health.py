"""Is this process alive, and can it work? For load balancers and supervisors."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from threading import Thread

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls import vitals
from calls.doctor import database

logger = logging.getLogger(__name__)

# Less than a probe usually waits.
PATIENCE_SECONDS = 2.0
Checks = dict[str, str | int]
_asked: Future[Checks] | None = None


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200: the database answers and every migration is applied; else 503. How many
    workers there are decides nothing, for the site works without them."""
    checks = _checks_in_time()
    is_ready = checks["database"] == checks.get("migrations") == "ok"
    state = "ok" if is_ready else "unavailable"
    return JsonResponse({"status": state, **checks}, status=200 if is_ready else 503)


def _checks_in_time() -> Checks:
    """In a thread, for a database may accept a connection and answer nothing. While one
    question hangs, no other is asked."""
    global _asked
    if _asked is None or _asked.done():
        _asked = Future()
        # A daemon: what hangs must not keep the process from ending.
        Thread(target=_check, args=(_asked,), name="readyz", daemon=True).start()
    try:
        return _asked.result(PATIENCE_SECONDS)
    except NotInTime:
        return {"database": "no answer"}


def _check(asked: Future[Checks]) -> None:
    try:
        asked.set_result(_checks())
    except Exception as exc:
        logger.warning("not ready: %s", type(exc).__name__)
        asked.set_result({"database": "no answer"})
    finally:
        connection.close()


def _checks() -> Checks:
    if database.pending_migrations():
        return {"database": "ok", "migrations": "pending"}
    alive, _lost = vitals.workers(now=timezone.now())
    return {"database": "ok", "migrations": "ok", "workers": len(alive)}
