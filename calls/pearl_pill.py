"""Pearl's state in two words, in the header of every page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from calls import budget
from calls.models import PearlAccount

CACHED_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class PearlPill:
    """`kind`: ok, unknown, waits or problem. The detail is left out on a phone."""

    kind: str
    text: str
    detail: str = ""


def pill_on_page(request: HttpRequest) -> dict[str, Any]:
    """For every template; asked only by the header, and for people who are in."""
    return {"pearl_pill": SimpleLazyObject(lambda: pearl_pill(now=timezone.now()))}


@require_GET
@permission_required("calls.view_campaign", raise_exception=True)
def pearl_pill_fragment(request: HttpRequest) -> HttpResponse:
    """The pill alone, for htmx to swap in."""
    return render(request, "_pearl_pill.html")


def pearl_pill(*, now: datetime) -> PearlPill:
    """At most five seconds old, in one query."""
    key = f"pearl_pill:{get_language()}"
    known: PearlPill | None = cache.get(key)
    if known is None:
        row = PearlAccount.objects.filter(account_id=settings.PEARL_ACCOUNT_ID).first()
        known = _say(row, now=now)
        cache.set(key, known, CACHED_SECONDS)
    return known


def _say(row: PearlAccount | None, *, now: datetime) -> PearlPill:
    if row is not None and budget.breaker_is_open(row):
        return PearlPill(kind="problem", text=_("Pearl no responde"))
    if row is not None and row.problem:
        return PearlPill(kind="problem", text=_("Pearl: no se puede llamar"))
    if row is not None and budget.is_blocked(row, now=now):
        until = date_format(timezone.localtime(row.blocked_until), "H:i:s")
        detail = _("hasta las %s") % until
        return PearlPill(kind="waits", text=_("Pearl pide esperar"), detail=detail)
    if row is None or row.checked_at is None:
        return PearlPill(kind="unknown", text=_("Pearl: sin comprobar"))
    return PearlPill(kind="ok", text=_("Pearl conectado"), detail=_credit(row))


def _credit(row: PearlAccount) -> str:
    if row.credit_balance is None:
        return ""
    credit = int(row.credit_balance)
    shown = number_format(credit, force_grouping=True)
    return ngettext("%s crédito", "%s créditos", credit) % shown
