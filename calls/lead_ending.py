"""What the end of a call makes of its lead, unless staff decided otherwise since."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Q

from calls import claims, outcome_table
from calls.evidence import Evidence, as_text
from calls.models import CallAttempt
from calls.retry import next_try
from calls.states import HELD, Outcome, State
from leads.models import (
    BulkChange,
    CallStatus,
    Disposition,
    Lead,
    LeadEvent,
)
from leads.places import Place
from leads.window import WindowError

if TYPE_CHECKING:
    from calls.outcome_table import Meaning, Table

Verb = BulkChange.Verb
# From these no call came, so the lead shows the one before.
NO_CALL = (State.RELEASED, State.NOT_SENT, State.NOT_PLACED, State.REJECTED)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a call ended, and the table by which it is understood."""

    outcome: Outcome
    table: Table

    @classmethod
    def of_attempt(cls, attempt: CallAttempt) -> Ending:
        """As its row says."""
        table = outcome_table.of_version(attempt.outcome_version)
        return cls(outcome=Outcome(attempt.outcome), table=table)

    @property
    def meaning(self) -> Meaning:
        return self.table.meaning(self.outcome)

    @property
    def status(self) -> CallStatus:
        return self.table.status_of(self.outcome)

    def does_as(self, other: Ending) -> bool:
        """Whether both make the same of a lead."""
        if self.outcome != other.outcome:
            return False
        mine, theirs = self.meaning, other.meaning
        return (mine.call_status, mine.retry) == (theirs.call_status, theirs.retry)


def follow(
    attempt: CallAttempt,
    lead: Lead,
    joined: Evidence,
    ending: Ending,
    *,
    heard_at: datetime,
    now: datetime,
) -> None:
    """The lead shows its latest call, unless staff changed it since. `attempt` is as it
    was before this report."""
    if not still_shows(attempt, lead, now=now):
        return
    Lead.objects.filter(pk=lead.pk).update(pearl_call_response=_response(joined))
    first_time = attempt.state != State.ENDED
    if attempt.corrected_at is not None:
        return
    if not first_time and _changes_nothing(attempt, joined, ending):
        return
    untouched = not first_time and is_as_left(attempt, lead)
    lead.refresh_from_db()
    again_at = turn_after(
        attempt, lead, joined, ending, heard_at=heard_at, untouched=untouched
    )
    changes: dict[str, Any] = {"call_now": False}
    if first_time and ending.status != CallStatus.ERROR:
        changes |= _keep_promise(attempt, lead, now=now)
    show(lead.pk, ending, again_at=again_at, **changes)


def show(
    lead_id: int, ending: Ending, *, again_at: datetime | None, **changes: Any
) -> None:
    is_error = ending.status == CallStatus.ERROR
    Lead.objects.filter(pk=lead_id).update(
        call_status=ending.status,
        selected_for_calling=again_at is not None,
        next_call_at=again_at,
        call_error_message=str(ending.outcome.label) if is_error else None,
        **changes,
    )


def turn_after(
    attempt: CallAttempt,
    lead: Lead,
    joined: Evidence,
    ending: Ending,
    *,
    heard_at: datetime,
    untouched: bool,
) -> datetime | None:
    """When the lead is called again; None: it leaves the queue, or stays out of it.

    What staff decided since stands: nothing turns a wish on that they ended.
    """
    wanted = lead.selected_for_calling
    if untouched and not wanted:
        wanted = _may_come_back(attempt, lead)
    if not wanted:
        return None
    if lead.callback_at and lead.callback_at > attempt.claimed_at:
        return lead.callback_at  # promised for later, perhaps during the call
    return _again_at(attempt, lead, joined, ending, heard_at=heard_at)


def is_as_left(attempt: CallAttempt, lead: Lead) -> bool:
    """Whether the lead's place is still the one that this attempt's ending gave it."""
    again_at = None
    if attempt.lead_was_wanted:
        known, before = Evidence.of_attempt(attempt), Ending.of_attempt(attempt)
        again_at = _again_at(
            attempt, lead, known, before, heard_at=heard_at_of(attempt)
        )
    place = (lead.selected_for_calling, lead.next_call_at)
    return place == (again_at is not None, again_at)


def heard_at_of(attempt: CallAttempt) -> datetime:
    return attempt.end_heard_at or attempt.updated_at


def still_shows(attempt: CallAttempt, lead: Lead, *, now: datetime) -> bool:
    """Whether the lead's status comes from this attempt. A later claim of the same
    lead that has sent nothing yet is taken back: this call was its call."""
    later = CallAttempt.objects.filter(lead=lead, pk__gt=attempt.pk)
    later = later.exclude(state__in=NO_CALL)
    for claimed in later.filter(state=State.CLAIMED):
        claims.release(claimed, now=now)
    if later.exclude(state=State.CLAIMED).exists():
        if attempt.state not in (*HELD, State.ENDED):
            logger.error("attempt %s ended after a later one began", attempt.token)
        return False
    if attempt.state != State.ENDED:
        return True
    return lead.call_status == Ending.of_attempt(attempt).status


def decided_since(attempt: CallAttempt) -> Any:
    """Staff took the lead off the queue while it waited for a person's answer."""
    return _decisions(Verb.DISPOSITION, Verb.EXCLUDE).filter(
        lead_id=OuterRef("pk"), at__gte=attempt.claimed_at
    )


def was_decided_since(attempt: CallAttempt, lead_id: int) -> bool:
    """Whether staff have done anything since that says whether to call the lead."""
    verbs = (Verb.DISPOSITION, Verb.EXCLUDE, Verb.DESELECT, Verb.MANUAL)
    since = _decisions(*verbs).filter(lead_id=lead_id, at__gte=attempt.claimed_at)
    return bool(since.exists())


def _may_come_back(attempt: CallAttempt, lead: Lead) -> bool:
    """It is out of the queue by how its call ended, and by nothing else."""
    if lead.disposition != Disposition.NONE or lead.manual_management:
        return False
    return bool(attempt.lead_was_wanted) and not was_decided_since(attempt, lead.pk)


def _decisions(*verbs: str) -> Any:
    return LeadEvent.objects.filter(
        Q(kind=LeadEvent.Kind.CALLBACK_DROPPED) | Q(bulk_change__verb__in=verbs)
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


def _changes_nothing(attempt: CallAttempt, joined: Evidence, ending: Ending) -> bool:
    """The same is made of the lead, and a retry counts from the same moment."""
    known = Evidence.of_attempt(attempt)
    if not Ending.of_attempt(attempt).does_as(ending):
        return False
    return (known.started_at, known.duration_seconds) == (
        joined.started_at,
        joined.duration_seconds,
    )


def _again_at(
    attempt: CallAttempt,
    lead: Lead,
    joined: Evidence,
    ending: Ending,
    *,
    heard_at: datetime,
) -> datetime | None:
    if not ending.meaning.retry:
        return None
    campaign = attempt.campaign
    try:
        return next_try(
            ending.outcome,
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
