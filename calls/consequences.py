"""What an outcome brings about beyond the call: a disposition, a proposed exclusion."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from calls.lead_ending import Ending, still_shows, was_decided_since
from calls.models import CallAttempt
from calls.states import Outcome, State
from leads import selection, suppressions
from leads.models import Disposition, Lead, LeadEvent, Suppression

Kind = LeadEvent.Kind
# What each event is known by afterwards: whose effect it is.
BY_ATTEMPT = "attempt"


@transaction.atomic
def outcome_effects(attempt: CallAttempt, *, now: datetime) -> None:
    """Let the lead have what the outcome of its ended call means; doing it again
    changes nothing, and after a correction it follows. Tests have no effects."""
    lead = Lead.objects.select_for_update().filter(pk=attempt.lead_id).first()
    attempt = CallAttempt.objects.get(pk=attempt.pk)
    if lead is None or attempt.state != State.ENDED or attempt.is_test:
        return
    ending, done = Ending.of_attempt(attempt), _done_by(attempt)
    if ending.meaning.do_not_call and ending.outcome != Outcome.BLACKLISTED:
        # A blocked number was proposed when it was heard of (`lead_ending`).
        _propose_exclusion(attempt, ending, done, now=now)
    if still_shows(attempt, lead, now=now):
        _dispose(attempt, lead, ending, done, now=now)


def _done_by(attempt: CallAttempt) -> list[LeadEvent]:
    """The effects it has had already, oldest first."""
    told = LeadEvent.objects.filter(
        lead_id=attempt.lead_id,
        kind__in=[Kind.DISPOSITION, Kind.EXCLUDED],
        at__gte=attempt.claimed_at,
    )
    return [
        event
        for event in told.order_by("pk")
        if isinstance(event.changes, dict)
        and event.changes.get(BY_ATTEMPT) == attempt.pk
    ]


def _propose_exclusion(
    attempt: CallAttempt, ending: Ending, done: list[LeadEvent], *, now: datetime
) -> None:
    """Once: who reviewed the proposal and took it off is not asked again."""
    if any(event.kind == Kind.EXCLUDED for event in done):
        return
    label = str(ending.outcome.label)
    suppressions.propose(
        attempt.phone,
        list=selection.EXCLUDING.get(
            Disposition(ending.meaning.disposition), Suppression.List.REQUEST
        ),
        reason=_("Por el resultado de la llamada: %s") % label,
        source=_("Tabla de resultados"),
        now=now,
    )
    text = _("Se propone no llamarlo más, por el resultado de la llamada: %s") % label
    _note(attempt, Kind.EXCLUDED, text, {}, now=now)


def _dispose(
    attempt: CallAttempt,
    lead: Lead,
    ending: Ending,
    done: list[LeadEvent],
    *,
    now: datetime,
) -> None:
    wanted = ending.meaning.disposition
    if lead.disposition == wanted:
        return
    mine = [event for event in done if event.kind == Kind.DISPOSITION]
    is_mine = bool(mine) and mine[-1].changes["disposition"][1] == lead.disposition
    if lead.disposition != Disposition.NONE and not is_mine:
        return
    if lead.callback_at is not None or was_decided_since(attempt, lead.pk):
        return
    before = lead.disposition
    values = {"disposition": wanted, "reason": ""}
    if selection.change_one(lead.pk, selection.Verb.DISPOSITION, values, now=now):
        label = str(ending.outcome.label)
        text = _("Por el resultado de la llamada: %s") % label
        changes = {"disposition": [before, wanted]}
        _note(attempt, Kind.DISPOSITION, text, changes, now=now)


def _note(
    attempt: CallAttempt,
    kind: str,
    text: str,
    changes: dict[str, Any],
    *,
    now: datetime,
) -> None:
    LeadEvent.objects.create(
        lead_id=attempt.lead_id,
        kind=kind,
        at=now,
        text=text,
        changes=changes | {BY_ATTEMPT: attempt.pk},
    )
