"""The one door through which every ending enters: order-free and idempotent."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls import claims, confirming, outcome_table, recordings, said
from calls.evidence import Evidence, corrected
from calls.lead_ending import Ending, follow, is_as_left, still_shows
from calls.log_context import concerning, tell_once_committed
from calls.models import CallAttempt, PearlEvent
from calls.pearl import CallReport
from calls.states import HELD, SENT, State
from leads.models import Lead

if TYPE_CHECKING:
    from calls.outcome_table import Table

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
    with concerning(bound):
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
    with concerning(attempt):
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
    lead = lock_lead_of(attempt_id)
    attempt = CallAttempt.objects.select_for_update().get(pk=attempt_id)
    if confirming.is_another_call(attempt, evidence, confirms=confirms):
        _raise_incident(attempt)
        return False
    if attempt.confirmed_at and not confirms:
        confirming.ask_if_new(attempt, evidence, at=look_at or now, now=now)
        return True
    if confirms and confirming.goes_on(attempt, evidence, now=now):
        return _reopen(attempt, lead, evidence, now=now, look_at=look_at)
    return _join(attempt, lead, evidence, now=now, look_at=look_at, confirms=confirms)


def _join(
    attempt: CallAttempt,
    lead: Lead,
    evidence: Evidence,
    *,
    now: datetime,
    look_at: datetime | None,
    confirms: bool,
) -> bool:
    """What both say, as the newest table reads it; both rows are locked."""
    table = outcome_table.current()
    joined = confirming.weigh(attempt, evidence, confirms=confirms, table=table)
    ending = _ending_of(attempt, joined, table)
    if (state := _state_after(attempt, joined, ending)) is None:
        return False
    if not confirms and _is_known(attempt, joined, ending):
        return True
    if state in HELD and attempt.state not in HELD:
        _take_back_claims(attempt, now=now)
    changes = {f.name: getattr(joined, f.name) for f in fields(joined)}
    changes["next_lookup_at"] = look_at
    if state == State.ENDED:
        changes |= _closing(attempt, lead, joined, ending, now=now)
        changes |= confirming.changes(
            attempt,
            evidence,
            confirms=confirms,
            table=table,
            now=now,
            look_at=look_at,
        )
    if not claims.settle(attempt, state, now=now, **changes):
        return False
    _keep_what_was_said(attempt, joined, now=now)
    if attempt.confirmed_at is None and changes.get("confirmed_at"):
        tell_once_committed(logger, attempt, "confirmed")
    if state == State.ENDED:
        _tell_lead(attempt, lead, joined, ending, changes["end_heard_at"], now=now)
    return True


def _keep_what_was_said(attempt: CallAttempt, told: Evidence, *, now: datetime) -> None:
    """`attempt` as it was before it was told."""
    said.write(attempt.pk, before=attempt.transcript, after=told.transcript)
    if told.recording_url and told.recording_url != attempt.recording_url:
        recordings.expect(attempt, now=now)


def _tell_lead(
    attempt: CallAttempt,
    lead: Lead,
    joined: Evidence,
    ending: Ending,
    heard_at: datetime,
    *,
    now: datetime,
) -> None:
    if not attempt.is_test:
        follow(attempt, lead, joined, ending, heard_at=heard_at, now=now)
    elif attempt.state != State.ENDED:
        claims.end_test(attempt, now=now, text=str(ending.outcome.label))


def _ending_of(attempt: CallAttempt, joined: Evidence, table: Table) -> Ending:
    """What the newest table reads in it. A person's word stands, and so does an end
    that the table does not understand."""
    outcome = joined.outcome_by(table)
    if attempt.corrected_at is not None or not outcome:
        return Ending.of_attempt(attempt)
    return Ending(outcome=outcome, table=table)


def _reopen(
    attempt: CallAttempt,
    lead: Lead,
    evidence: Evidence,
    *,
    now: datetime,
    look_at: datetime | None,
) -> bool:
    """A webhook had ended a call that goes on: its lead and number are taken again."""
    untouched = still_shows(attempt, lead, now=now) and is_as_left(attempt, lead)
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


def lock_lead_of(attempt_id: int) -> Lead:
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


def _is_known(attempt: CallAttempt, joined: Evidence, ending: Ending) -> bool:
    """Whether nothing would change, by the newest table either."""
    known = confirming.is_known(attempt, joined)
    return known and ending.does_as(Ending.of_attempt(attempt))


def _state_after(
    attempt: CallAttempt, joined: Evidence, ending: Ending
) -> State | None:
    state = State(attempt.state)
    if state not in SENT and state not in (State.NOT_SENT, State.REJECTED):
        return None
    if ending.outcome or state == State.ENDED:
        return State.ENDED
    if joined.is_dialled or joined.request_code is not None:
        return State.MANUAL if state == State.MANUAL else State.ACCEPTED
    return state


def _closing(
    attempt: CallAttempt,
    lead: Lead,
    joined: Evidence,
    ending: Ending,
    *,
    now: datetime,
) -> dict[str, Any]:
    first_time = attempt.state != State.ENDED
    heard_at = now if first_time else attempt.end_heard_at or now
    return {
        "outcome": ending.outcome,
        "outcome_version": ending.table.version,
        "end_heard_at": heard_at,
        "closed_at": joined.ended_at(at_latest=heard_at),
        # A doubt is over; an incident stays.
        "error": "" if attempt.state in DOUBTFUL else attempt.error,
        "lead_was_wanted": (
            lead.selected_for_calling if first_time else attempt.lead_was_wanted
        ),
    }


def _take_back_claims(attempt: CallAttempt, *, now: datetime) -> None:
    """A call thought not made is under way: nobody else may dial its lead or number."""
    theirs = CallAttempt.objects.filter(
        Q(open_lead_id=attempt.lead_id) | Q(open_phone=attempt.phone),
        state=State.CLAIMED,
    )
    for claimed in theirs:
        claims.release(claimed, now=now)
