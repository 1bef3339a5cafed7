"""Idempotency-Key: what a program asks again, for want of an answer, is done once.

The work and its answer are written in one transaction, so that after a crash either
both are there or neither; the key is then free again once its lease is over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial, wraps
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Status
from ninja.responses import NinjaJSONEncoder
from pydantic import BaseModel

from calls import alarms, board
from calls.api.problems import Busy, Unprocessable
from calls.models import KeptAnswer
from leads.locks import is_lock

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 100
VISIBLE = re.compile(r"[!-~]+")
KEPT_FOR = timedelta(hours=24)
# Longer than any request takes: then whoever was at it is no more.
LEASE = timedelta(minutes=2)
FORGOTTEN_AT_ONCE = 100
TRIES = 3

View = TypeVar("View", bound=Callable[..., Any])
Written = tuple[int, str]


def asks_others(view: View) -> View:
    """It waits for Pearl, so it may hold no transaction; done twice it is as once."""
    view.asks_others = True  # type: ignore[attr-defined]
    return view


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Around every endpoint; it touches those POSTs that come with a key."""

    @wraps(view)
    def answered(request: HttpRequest, **options: Any) -> Any:
        key = request.headers.get(HEADER)
        if request.method != "POST" or key is None:
            return view(request, **options)
        if len(key) > LONGEST_KEY or not VISIBLE.fullmatch(key):
            words = _("De 1 a %d caracteres ASCII visibles.") % LONGEST_KEY
            raise Unprocessable({HEADER: words})
        return _once(request, key, view, options)

    return answered


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """Ours to do; or what was answered before."""

    pk: int
    owner: UUID
    before: Written | None = None


def _once(
    request: HttpRequest, key: str, view: Callable[..., Any], options: dict[str, Any]
) -> HttpResponse:
    _forget_old()
    claim = _claim(_digest(_who(request), key), asked=_asked(request))
    if claim.before is not None:
        return _response(claim.before, replayed=True)
    try:
        written = _do(claim, partial(view, request, **options), view=view)
    except BaseException:
        # What was refused, or failed, was not done: it may be asked anew.
        mine = KeptAnswer.objects.filter(pk=claim.pk, owner=claim.owner, status=None)
        mine.delete()
        raise
    board.forget_all()
    alarms.forget()
    return _response(written)


def _claim(key: str, *, asked: str) -> _Claim:
    """Raises Busy or Unprocessable."""
    now, owner = timezone.now(), uuid4()
    fresh = {
        "asked": asked,
        "owner": owner,
        "lease_expires_at": now + LEASE,
        "expires_at": now + KEPT_FOR,
    }
    row, is_new = KeptAnswer.objects.get_or_create(key=key, defaults=fresh)
    claim = _Claim(pk=row.pk, owner=owner)
    if is_new:
        return claim
    is_old = row.expires_at <= now
    if row.asked != asked and not is_old:
        words = _("Esa clave ya se usó para pedir otra cosa.")
        raise Unprocessable({HEADER: words})
    if row.status is not None and not is_old:
        return replace(claim, before=(row.status, row.body))
    is_free = is_old or row.lease_expires_at <= now
    # Whoever was so slow may be done at this very moment.
    same = KeptAnswer.objects.filter(pk=row.pk, owner=row.owner, status=row.status)
    if not is_free or not same.update(**fresh, status=None, body=""):
        raise Busy
    return claim


def _do(claim: _Claim, work: Callable[[], Any], *, view: Callable[..., Any]) -> Written:
    waits = getattr(view, "asks_others", False)
    for left in reversed(range(TRIES)):
        try:
            with nullcontext() if waits else transaction.atomic():
                return _keep(claim, _written(work()))
        except OperationalError as exc:
            if waits or not left or connection.in_atomic_block or not is_lock(exc):
                raise
    raise AssertionError("the last try returned or raised")


def _keep(claim: _Claim, written: Written) -> Written:
    """Raises Busy: it took so long that somebody else is at it, so this is undone."""
    mine = KeptAnswer.objects.filter(pk=claim.pk, owner=claim.owner)
    if not mine.update(status=written[0], body=written[1]):
        raise Busy
    return written


def _written(result: Any) -> Written:
    status = 200
    if isinstance(result, Status):
        status, result = result.status_code, result.value
    told = result.model_dump() if isinstance(result, BaseModel) else result
    return status, json.dumps(told, cls=NinjaJSONEncoder)


def _response(written: Written, *, replayed: bool = False) -> HttpResponse:
    status, body = written
    response = HttpResponse(body, status=status, content_type="application/json")
    if replayed:
        response.headers[REPLAYED] = "true"
    return response


def _who(request: HttpRequest) -> str:
    token = getattr(request, "api_token", None)
    return f"token {token.pk}" if token is not None else f"user {request.user.pk}"


def _asked(request: HttpRequest) -> str:
    return _digest(
        f"{request.method} {request.get_full_path()}", sha256(request.body).hexdigest()
    )


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()


def _forget_old() -> None:
    old = KeptAnswer.objects.filter(expires_at__lte=timezone.now())
    if pks := [*old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]]:
        KeptAnswer.objects.filter(pk__in=pks).delete()
