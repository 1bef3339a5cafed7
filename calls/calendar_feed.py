"""The appointments of a clinic as a calendar that other programs subscribe to.

Whoever has the address reads it: it tells initials, and how to find the rest.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from django.utils.crypto import constant_time_compare
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from calls import ical
from calls.models import Appointment, AppointmentState, Clinic
from leads.filters import midnight

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

BACK, AHEAD = timedelta(days=90), timedelta(days=400)
# Of more than these (4 MB), the oldest are left out.
EVENTS_AT_MOST = 10_000
REFRESH = "PT1H"
ASKED_A_MINUTE = 30
REMEMBERED_SECONDS = 7 * 24 * 3600
INITIALS_AT_MOST = 4

STATUS = {
    AppointmentState.PROPOSED: "TENTATIVE",
    AppointmentState.CONFIRMED: "CONFIRMED",
    AppointmentState.DONE: "CONFIRMED",
    AppointmentState.NO_SHOW: "CONFIRMED",
    AppointmentState.CANCELLED: "CANCELLED",
}


class Row(NamedTuple):
    """What the feed needs of an appointment."""

    pk: int
    uid: Any
    starts_at: datetime
    minutes: int
    state: str
    sequence: int
    created_at: datetime
    updated_at: datetime
    diary: str
    first_name: str
    last_name: str


COLUMNS = (
    *Row._fields[:8],
    "resource__name",
    "lead__first_name",
    "lead__last_name",
)


def renew(clinic: Clinic) -> None:
    """A new secret address; the old one, if any, is known no more."""
    Clinic.objects.filter(pk=clinic.pk).update(feed_token=secrets.token_urlsafe(32))


def stop(clinic: Clinic) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(feed_token=None)


@login_not_required
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """For Google Calendar, Outlook and others, which ask again now and then."""
    clinic = Clinic.objects.filter(feed_token=token).first()
    # MySQL takes an "a" for an "A".
    if clinic is None or not constant_time_compare(clinic.feed_token or "", token):
        return HttpResponse(status=404)
    if _asks_too_often(clinic):
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    now = timezone.now()
    rows = rows_of(clinic, now=now)
    base = request.build_absolute_uri(reverse("calls:appointments"))
    etag = _etag(clinic, rows, base=base)
    seen_at, is_known = _first_seen(clinic, etag, now=now)
    # What this process sees for the first time may be younger than it knows.
    unchanged = get_conditional_response(
        request, etag=etag, last_modified=seen_at if is_known else None
    )
    response = unchanged or HttpResponse(
        render(clinic, rows, base=base), content_type="text/calendar; charset=utf-8"
    )
    response["ETag"] = etag
    response["Last-Modified"] = http_date(seen_at)
    response["Cache-Control"] = "private, max-age=300"
    response["X-Robots-Tag"] = "noindex"
    return response


def rows_of(clinic: Clinic, *, now: datetime) -> Sequence[Row]:
    """By an index, in one query, however many appointments there have ever been."""
    today = midnight(timezone.localdate(now))
    found = (
        Appointment.objects.filter(clinic=clinic, review="")
        .between(today - BACK, today + AHEAD)
        .order_by("-starts_at", "-id")
        .values_list(*COLUMNS)[:EVENTS_AT_MOST]
    )
    return [Row(*row) for row in reversed(found)]


def render(clinic: Clinic, rows: Sequence[Row], *, base: str) -> bytes:
    """Always in the language of the centre: no person asks, but a program."""
    with translation.override(settings.LANGUAGE_CODE):
        events = [_event(clinic, row, base=base) for row in rows]
        name = _("Citas · %s") % clinic.name
    return ical.calendar(name, events, refresh=REFRESH)


def initials(first_name: str, last_name: str) -> str:
    """ "A. O. V." of Ana Ortiz de la Vega."""
    words = f"{first_name} {last_name}".split()
    named = [word for word in words if word[0].isupper()] or words
    letters = [word[0].upper() for word in named if word[0].isalpha()]
    return " ".join(f"{letter}." for letter in letters[:INITIALS_AT_MOST])


def _event(clinic: Clinic, row: Row, *, base: str) -> ical.Event:
    state = AppointmentState(row.state)
    url = f"{base}/{row.pk}"
    who = initials(row.first_name, row.last_name) or _("Cita")
    described = _("Estado: %(state)s. Quién es, en %(url)s")
    return ical.Event(
        uid=f"{row.uid}@tuotempo",
        starts_at=row.starts_at,
        ends_at=row.starts_at + timedelta(minutes=row.minutes),
        summary=f"{who} · {row.diary}{_remark(state)}",
        description=described % {"state": state.label.lower(), "url": url},
        location=clinic.address or clinic.name,
        url=url,
        status=STATUS[state],
        sequence=row.sequence,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _remark(state: AppointmentState) -> str:
    """Calendars show little of the status: what differs is said."""
    if state == AppointmentState.CONFIRMED:
        return ""
    if state == AppointmentState.PROPOSED:
        return f" ({_('sin confirmar')})"
    return f" ({state.label.lower()})"


def _etag(clinic: Clinic, rows: Sequence[Row], *, base: str) -> str:
    told = repr((clinic.name, clinic.address, base, [tuple(row) for row in rows]))
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def _first_seen(clinic: Clinic, etag: str, *, now: datetime) -> tuple[int, bool]:
    """Since when it is so, as far as this process knows, in whole seconds; two contents
    never have the same. The rows alone cannot say: one may have left the clinic."""
    key = f"feed-seen:{clinic.pk}"
    known, since = cache.get(key, ("", 0))
    if known == etag:
        return since, True
    since = max(int(now.timestamp()), since + 1)
    cache.set(key, (etag, since), REMEMBERED_SECONDS)
    return since, False


def _asks_too_often(clinic: Clinic) -> bool:
    key = f"feed-asked:{clinic.pk}"
    if cache.add(key, 1, 60):
        return False
    try:
        return cache.incr(key) > ASKED_A_MINUTE
    except ValueError:
        return False  # the minute ended just now
