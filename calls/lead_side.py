"""What stands beside a lead's data, in the admin and on the dashboard alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from calls import board, lead_page, timeline
from calls.appointment_calendar import of_lead
from calls.lead_forms import CallNowForm, DispositionForm, NoteForm, PromiseForm
from leads.models import Lead

if TYPE_CHECKING:
    from django import forms
    from django.contrib.auth.models import AnonymousUser, User


APPOINTMENTS_SHOWN = 5


def side_context(
    lead: Lead,
    *,
    user: User | AnonymousUser,
    urls: Mapping[str, str],
    forms_shown: Mapping[str, forms.Form] | None = None,
    before: str = "",
) -> dict[str, Any]:
    """`urls`: where each form and the history are; one without a URL is not shown."""
    now = timezone.now()
    known = board.campaigns()
    common: dict[str, Any] = {"lead": lead, "campaigns": known}
    blank: dict[str, Any] = {
        "note_form": NoteForm(auto_id="note_%s"),
        "call_now_form": CallNowForm(auto_id="now_%s", **common),
        "promise_form": PromiseForm(auto_id="promise_%s", now=now, **common),
        "disposition_form": DispositionForm(
            auto_id="result_%s",
            now=now,
            initial={
                "disposition": lead.disposition,
                "reason": lead.disposition_reason,
            },
            **common,
        ),
    }
    may_see = user.has_perm("calls.view_appointment")
    return {
        **blank,
        **(forms_shown or {}),
        **history_context(lead, user=user, urls=urls, before=before),
        "stands": lead_page.situation(lead, campaigns=known, now=now),
        "appointments": of_lead(lead.pk, at_most=APPOINTMENTS_SHOWN) if may_see else [],
        "may_book": user.has_perm("calls.add_appointment"),
        "may_change": user.has_perm("leads.change_lead"),
        "may_select": user.has_perm("leads.select_lead"),
        "may_merge": user.has_perm("leads.merge_lead"),
    }


def history_context(
    lead: Lead,
    *,
    user: User | AnonymousUser,
    urls: Mapping[str, str],
    before: str,
) -> dict[str, Any]:
    with_calls = user.has_perm("calls.view_callattempt")
    found = timeline.page(
        lead,
        before=before,
        with_calls=with_calls,
        with_listens=with_calls and user.has_perm("calls.view_listen"),
        with_appointments=user.has_perm("calls.view_appointment"),
    )
    return {
        "lead": lead,
        "urls": urls,
        "history": found,
        "is_older_part": bool(before),
    }
