"""The one door through which every ending enters: order-free and idempotent."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls import claims, confirming, recordings, said
from calls.evidence import Evidence, as_text, corrected
from calls.models import CallAttempt, Campaign, PearlEvent
from calls.pearl import CallReport
from calls.retry import next_try
from calls.states import (
    CALL_STATUS_OF,
    HELD,
    SENT,
    Outcome,
    State,
)
from leads.models import CallStatus, Lead, LeadEvent
from leads.places import Place
from leads.window import WindowError

DOUBTFUL = (State.DIALING, State.UNKNOWN, State.NOT_PLACED, State.MANUAL)

logger = logging.getLogger(__name__)

# --- Finding the attempt ------------------------------------------------------------


def find_attempt(report: CallReport) -> CallAttempt | None:
    """The attempt that a webhook speaks of: by our marker, else by Pearl's call id.
    Never by number: relatives share one. None too if Pearl itself says otherwise."""
    bound = CallAttempt.objects.filter(pearl_call_id=report.call_id).first()
    marked = find_marked(report.attempt_token)
    if bound and marked and bound.pk != marked.pk and bound.confirmed_at:
        return None
    return rightful(bound, marked, now=timezone.now())


def find_marked(token: str | None) -> CallAttempt | None:
    """The attempt that carries this marker."""
    try:
        return CallAttempt.objects.filter(token=UUID(token or "")).first()
    except ValueError:
        return None


def rightful(
    bound: CallAttempt | None, marked: CallAttempt | None, *, now: datetime
) -> CallAttempt | None:
    """Whose the call is: its marker decides. An attempt that it was bound to by number
    alone gives it up, and is for a person."""
    if bound is None or marked is None or bound.pk == marked.pk:
        return marked or bound
    reason = str(_("La llamada que se le atribuyó era de otro intento."))
    logger.error("attempt %s: its call belongs to %s", bound.token, marked.token)
    claims.unbind(bound, reason=reason, now=now)
    return marked


# --- Recording ----------------------------------------------------------------------


def record(
    attempt: CallAttempt,
    evidence: Evidence,
    *,
    now: datetime,
    look_at: datetime | None = None,
    confirms: bool = False,
) -> bool:
    """Join the evidence to the attempt, and let attempt and lead follow from it.

    False: it tells of a call that is not this attempt's. `look_at`: when to ask Pearl
    (again) if the call is not over, or if its end is not confirmed. `confirms`: Pearl's
    own API says so, in answer to us; what a webhook says is a hint (`confirming`).
    """
    try:
        with transaction.atomic():
            return _record(
                attempt.pk, evidence, now=now, look_at=look_at, confirms=confirms
            )
    except IntegrityError:
        # The call id is bound to another attempt, or the lead is in another call.
        logger.exception("attempt %s: evidence does not fit", attempt.token)
        return False


def _record(
    attempt_id: int,
    evidence: Evidence,
    *,
    now: datetime,
    look_at: datetime | None,
    confirms: bool,
) -> bool:
    lead = _lock_lead_of(attempt_id)
    attempt = CallAttempt.objects.select_for_update().get(pk=attempt_id)
    if confirming.is_another_call(attempt, evidence, confirms=confirms):
        _raise_incident(attempt)
        return False
    if attempt.confirmed_at and not confirms:
        confirming.ask_if_new(attempt, evidence, at=look_at or now, now=now)
        return True
    if confirms and confirming.goes_on(attempt, evidence, now=now):
        return _reopen(attempt, lead, evidence, now=now, look_at=look_at)
    joined = confirming.weigh(attempt, evidence, confirms=confirms)
    state = _state_after(attempt, joined)
    if state is None:
        return False
    if not confirms and confirming.is_known(attempt, joined):
        return True
    if state in HELD and attempt.state not in HELD:
        _take_back_claims(attempt, now=now)
    changes = {f.name: getattr(joined, f.name) for f in fields(joined)}
    changes["next_lookup_at"] = look_at
    if state == State.ENDED:
        changes |= _ending(attempt, lead, joined, now=now)
        changes |= confirming.changes(
            attempt, evidence, confirms=confirms, now=now, look_at=look_at
        )
    if not claims.settle(attempt, state, now=now, **changes):
        return False
    _keep_what_was_said(attempt, joined, now=now)
    if state == State.ENDED and not attempt.is_test:
        heard_at = changes["end_heard_at"]
        _follow_lead(attempt, lead, joined, heard_at=heard_at, now=now)
    elif state == State.ENDED and attempt.state != State.ENDED:
        claims.end_test(attempt, now=now, text=str(joined.outcome.label))
    return True


def _keep_what_was_said(attempt: CallAttempt, told: Evidence, *, now: datetime) -> None:
    """`attempt` as it was before it was told."""
    said.write(attempt.pk, before=attempt.transcript, after=told.transcript)
    if told.recording_url and told.recording_url != attempt.recording_url:
        recordings.expect(attempt, now=now)


def _reopen(
    attempt: CallAttempt,
    lead: Lead,
    evidence: Evidence,
    *,
    now: datetime,
    look_at: datetime | None,
) -> bool:
    """A webhook had ended a call that goes on: its lead and number are taken again."""
    untouched = _lead_still_shows(attempt, lead, now=now) and _is_as_left(attempt, lead)
    _take_back_claims(attempt, now=now)
    told = corrected(Evidence.of_attempt(attempt), evidence)
    changes = {f.name: getattr(told, f.name) for f in fields(told)}
    reason = str(_("Un aviso la dio por terminada; Pearl dice que sigue."))
    if not claims.reopen(
        attempt, reason=reason, now=now, next_lookup_at=look_at or now, **changes
    ):
        return False
    _keep_what_was_said(attempt, told, now=now)
    if untouched and attempt.lead_was_wanted and not attempt.is_test:
        Lead.objects.filter(pk=lead.pk).update(selected_for_calling=True)
    return True


def _lock_lead_of(attempt_id: int) -> Lead:
    """While it waits for the lock, the lead may be merged into another, which then has
    the attempt."""
    attempts = CallAttempt.objects.values_list("lead_id", flat=True)
    while True:
        lead_id = attempts.get(pk=attempt_id)
        lead = Lead.objects.select_for_update().filter(pk=lead_id).first()
        if lead is not None:
            return lead


def _raise_incident(attempt: CallAttempt) -> None:
    """Two calls for one attempt: a person may have been rung twice."""
    logger.error("attempt %s: Pearl made a second call for it", attempt.token)
    error = str(_("Pearl hizo más de una llamada para este intento."))
    CallAttempt.objects.filter(pk=attempt.pk).update(error=error)
    body = f"incident: second call, attempt {attempt.token}"
    PearlEvent.objects.get_or_create(
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        defaults={
            "body": body,
            "received_at": timezone.now(),
            "result": PearlEvent.Result.UNMATCHED,
            "attempt": attempt,
            "error": error,
        },
    )


def _state_after(attempt: CallAttempt, joined: Evidence) -> State | None:
    state = State(attempt.state)
    if state not in SENT and state not in (State.NOT_SENT, State.REJECTED):
        return None
    if joined.outcome or state == State.ENDED:
        return State.ENDED
    if joined.is_dialled or joined.request_code is not None:
        return State.MANUAL if state == State.MANUAL else State.ACCEPTED
    return state


def _ending(
    attempt: CallAttempt, lead: Lead, joined: Evidence, *, now: datetime
) -> dict[str, Any]:
    first_time = attempt.state != State.ENDED
    heard_at = now if first_time else attempt.end_heard_at or now
    return {
        "outcome": joined.outcome,
        "end_heard_at": heard_at,
        "closed_at": joined.ended_at(at_latest=heard_at),
        # A doubt is over; an incident stays.
        "error": "" if attempt.state in DOUBTFUL else attempt.error,
        "lead_was_wanted": (
            lead.selected_for_calling if first_time else attempt.lead_was_wanted
        ),
    }


# --- What it means for the lead -----------------------------------------------------


def _follow_lead(
    attempt: CallAttempt,
    lead: Lead,
    joined: Evidence,
    *,
    heard_at: datetime,
    now: datetime,
) -> None:
    """The lead shows its latest call, unless staff changed it since."""
    if not _lead_still_shows(attempt, lead, now=now):
        return
    Lead.objects.filter(pk=lead.pk).update(pearl_call_response=_response(joined))
    outcome, first_time = joined.outcome, attempt.state != State.ENDED
    if not first_time and outcome == attempt.outcome and _same_end(attempt, joined):
        return
    untouched = not first_time and _is_as_left(attempt, lead)
    lead.refresh_from_db()
    # What staff decided since stands: a report never turns a wish on that they ended.
    wanted = bool(attempt.lead_was_wanted) if untouched else lead.selected_for_calling
    again_at = None
    if wanted and lead.callback_at and lead.callback_at > attempt.claimed_at:
        again_at = lead.callback_at  # promised for later, perhaps during the call
    elif wanted:
        again_at = _again_at(attempt.campaign, lead, joined, heard_at=heard_at)
    status = CALL_STATUS_OF[outcome]
    changes: dict[str, Any] = {"call_now": False}
    if first_time and status != CallStatus.ERROR:
        changes |= _keep_promise(attempt, lead, now=now)
    Lead.objects.filter(pk=lead.pk).update(
        call_status=status,
        selected_for_calling=again_at is not None,
        next_call_at=again_at,
        call_error_message=(str(outcome.label) if status == CallStatus.ERROR else None),
        **changes,
    )


def _keep_promise(attempt: CallAttempt, lead: Lead, *, now: datetime) -> dict[str, Any]:
    """The promised call has been made. One promised since, for later, stands."""
    if lead.callback_at is None or lead.callback_at > attempt.claimed_at:
        return {}
    LeadEvent.objects.create(
        lead=lead,
        kind=LeadEvent.Kind.CALLBACK_KEPT,
        at=now,
        changes={"callback_at": [lead.callback_at.isoformat(), None]},
    )
    return {"callback_at": None}


def _response(joined: Evidence) -> str:
    return as_text(
        {
            "callId": joined.pearl_call_id,
            "status": joined.call_code,
            "conversationStatus": joined.conversation_code,
            "requestStatus": joined.request_code,
            "duration": joined.duration_seconds,
        }
    )


def _same_end(attempt: CallAttempt, joined: Evidence) -> bool:
    """Whether the retry would be counted from the same moment as before."""
    known = Evidence.of_attempt(attempt)
    return (known.started_at, known.duration_seconds) == (
        joined.started_at,
        joined.duration_seconds,
    )


def _is_as_left(attempt: CallAttempt, lead: Lead) -> bool:
    """Whether the lead's place is still the one that this attempt's ending gave it."""
    again_at = None
    if attempt.lead_was_wanted:
        heard_at = attempt.end_heard_at or attempt.updated_at
        known = Evidence.of_attempt(attempt)
        again_at = _again_at(attempt.campaign, lead, known, heard_at=heard_at)
    place = (lead.selected_for_calling, lead.next_call_at)
    return place == (again_at is not None, again_at)


def _take_back_claims(attempt: CallAttempt, *, now: datetime) -> None:
    """A call thought not made is under way: nobody else may dial its lead or number."""
    theirs = CallAttempt.objects.filter(
        Q(open_lead_id=attempt.lead_id) | Q(open_phone=attempt.phone),
        state=State.CLAIMED,
    )
    for claimed in theirs:
        claims.release(claimed, now=now)


def _lead_still_shows(attempt: CallAttempt, lead: Lead, *, now: datetime) -> bool:
    """Whether the lead's status comes from this attempt. A later claim of the same
    lead that has sent nothing yet is taken back: this call was its call."""
    later = CallAttempt.objects.filter(lead=lead, pk__gt=attempt.pk).exclude(
        state__in=[
            State.RELEASED,
            State.NOT_SENT,
            State.NOT_PLACED,
            State.REJECTED,
        ]
    )
    for claimed in later.filter(state=State.CLAIMED):
        claims.release(claimed, now=now)
    if later.exclude(state=State.CLAIMED).exists():
        if attempt.state not in (*HELD, State.ENDED):
            logger.error("attempt %s ended after a later one began", attempt.token)
        return False
    if attempt.state != State.ENDED:
        return True
    shown = CALL_STATUS_OF[Outcome(attempt.outcome)]
    return lead.call_status == shown


def _again_at(
    campaign: Campaign, lead: Lead, joined: Evidence, *, heard_at: datetime
) -> datetime | None:
    try:
        return next_try(
            joined.outcome,
            attempts=lead.call_attempts_count,
            ended_at=joined.ended_at(at_latest=heard_at),
            minutes=campaign.retry_minutes,
            max_attempts=campaign.max_attempts,
            place=Place(community=lead.community, time_zone=lead.time_zone),
            window=campaign.window,
        )
    except (WindowError, TypeError, ValueError, AttributeError):
        logger.exception("campaign %s: hours or retries are unreadable", campaign.pk)
        return None
