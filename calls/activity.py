"""What happened lately: calls that ended, who switched what, and changes of many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls.models import CallAttempt, Campaign, ControlEvent
from calls.outcome_table import shown_status
from calls.states import State
from calls.wording import moment_words
from leads.models import BulkChange
from leads.wording import number

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHOWN = 8
KIND = ControlEvent.Kind


@dataclass(frozen=True, kw_only=True)
class Event:
    """A line of the activity. `who` is a lead's name, so it is only for those who may
    see leads; `status` gives the colour, and the words say the same."""

    key: str
    at: datetime
    text: str
    who: str = ""
    lead_id: int | None = None
    status: str = ""
    is_test: bool = False
    is_alarming: bool = False
    by_id: int | None = None


def recent(campaign: Campaign, *, now: datetime) -> list[Event]:
    """The newest first, in three queries."""
    ended = campaign.attempts.filter(closed_at__isnull=False)
    ended = ended.exclude(state=State.RELEASED).select_related("lead")
    switched = campaign.events.select_related("by")
    bulk = BulkChange.objects.select_related("by").order_by("-id")
    events = [
        *(_call(one, now=now) for one in ended.order_by("-closed_at", "-id")[:SHOWN]),
        *(_switch(one) for one in switched.order_by("-id")[:SHOWN]),
        *(_change(one) for one in bulk[:SHOWN]),
    ]
    return sorted(events, key=lambda one: (one.at, one.key), reverse=True)[:SHOWN]


def name_of(user: User | None) -> str:
    if user is None:
        return _("El sistema")
    return user.get_full_name() or user.get_username()


def _call(attempt: CallAttempt, *, now: datetime) -> Event:
    lead = attempt.lead
    text = attempt.get_outcome_display() or attempt.get_state_display()
    again = lead.next_call_at if lead.selected_for_calling else None
    if again and again > now and not attempt.is_test:
        when = moment_words(again, now=now)
        text = _("%(end)s; se reintenta %(when)s") % {"end": text, "when": when}
    return Event(
        key=f"call-{attempt.pk}",
        at=attempt.closed_at or attempt.updated_at,
        who=str(lead),
        lead_id=lead.pk,
        text=text,
        status=shown_status(attempt.outcome),
        is_test=attempt.is_test,
    )


def _switch(event: ControlEvent) -> Event:
    reason = str(event.values.get("reason", ""))
    return Event(
        key=f"switch-{event.pk}",
        at=event.at,
        text=_switch_words(event, reason=reason),
        is_alarming=bool(reason) or event.kind == KIND.PEARL_OFF,
        by_id=event.by_id,
    )


def _switch_words(event: ControlEvent, *, reason: str) -> str:
    if event.kind == KIND.STOPPED and reason and event.by is None:
        return _("Detenida: %s") % reason
    words = {
        KIND.STARTED: _("%(who)s inició las llamadas"),
        KIND.PAUSED: _("%(who)s puso la campaña en pausa"),
        KIND.RESUMED: _("%(who)s reanudó las llamadas"),
        KIND.STOPPED: _("%(who)s detuvo la campaña"),
        KIND.ENDED: _("La ejecución terminó: no queda ninguna llamada en curso"),
        KIND.LIMIT: _(
            "%(who)s cambió las llamadas simultáneas de %(before)s a %(after)s"
        ),
        KIND.PEARL_OFF: _("%(who)s pausó la campaña en Pearl"),
        KIND.PEARL_ON: _("%(who)s reactivó la campaña en Pearl"),
    }
    values = {
        "before": event.values.get("before"),
        "after": event.values.get("after"),
    }
    return words[KIND(event.kind)] % {"who": name_of(event.by), **values}


def _change(change: BulkChange) -> Event:
    leads = ngettext("%s lead", "%s leads", change.changed) % number(change.changed)
    text = _("%(who)s · %(what)s: %(leads)s") % {
        "who": name_of(change.by),
        "what": change.get_verb_display(),
        "leads": leads,
    }
    if change.undone_at:
        text = _("%s (deshecho)") % text
    return Event(key=f"change-{change.pk}", at=change.at, text=text, by_id=change.by_id)
