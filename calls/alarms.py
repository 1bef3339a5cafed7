"""What must not go unseen on any screen: promises not kept, calls that are tests,
appointments that nobody confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from calls.models import Appointment, Campaign
from leads.models import Lead
from leads.phones import group

if TYPE_CHECKING:
    from django.http import HttpRequest

CACHED_SECONDS = 5
COUNTED_AT_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One line above the page; `action` is the name of the link to what to do.

    `for_staff`: the link is to the admin, where not everybody may enter.
    """

    kind: str
    text: str
    url: str
    action: str
    for_staff: bool = True


def alarms_on_page(request: HttpRequest) -> dict[str, Any]:
    """For every template; asked only by those that show them, to people who are in."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"alarms": SimpleLazyObject(lambda: alarms(now=timezone.now()))}


def alarms(*, now: datetime) -> list[Alarm]:
    """At most five seconds old, in three queries."""
    key = f"alarms:{get_language()}"
    known: list[Alarm] | None = cache.get(key)
    if known is None:
        known = [*_tests(), *_missed(now=now), *_unconfirmed(now=now)]
        cache.set(key, known, CACHED_SECONDS)
    return known


def forget() -> None:
    """After a change that its author must see at once."""
    cache.delete(f"alarms:{get_language()}")


def _tests() -> list[Alarm]:
    words = _("Modo de prueba: las llamadas de «%(campaign)s» van todas al %(phone)s.")
    return [
        Alarm(
            kind="test",
            text=words % {"campaign": one.name, "phone": group(one.test_phone)},
            url=reverse("admin:calls_campaign_test_mode", args=[one.pk]),
            action=_("Quitarlo"),
        )
        for one in Campaign.objects.exclude(test_phone="").order_by("name", "id")
    ]


def _missed(*, now: datetime) -> list[Alarm]:
    count = Lead.objects.missed_callbacks(now=now)[:COUNTED_AT_MOST].count()
    if not count:
        return []
    text = ngettext(
        "%d rellamada prometida no se ha hecho a su hora.",
        "%d rellamadas prometidas no se han hecho a su hora.",
        count,
    )
    if count == COUNTED_AT_MOST:
        text = _("%d o más rellamadas prometidas no se han hecho a su hora.")
    where = reverse("admin:leads_lead_changelist")
    return [
        Alarm(
            kind="missed",
            text=text % count,
            url=f"{where}?callback=missed",
            action=_("Verlas"),
        )
    ]


def _unconfirmed(*, now: datetime) -> list[Alarm]:
    found = Appointment.objects.unconfirmed(now=now)
    count = found.order_by()[:COUNTED_AT_MOST].count()
    if not count:
        return []
    text = ngettext(
        "%d cita prometida sin confirmar.", "%d citas prometidas sin confirmar.", count
    )
    if count == COUNTED_AT_MOST:
        text = _("%d o más citas prometidas sin confirmar.")
    return [
        Alarm(
            kind="unconfirmed",
            text=text % count,
            url=f"{reverse('calls:appointments')}?unconfirmed=1",
            action=_("Verlas"),
            for_staff=False,
        )
    ]
