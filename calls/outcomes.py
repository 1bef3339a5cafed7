"""The one door through which every ending enters: order-free and idempotent.

What is known of an attempt only ever grows: each report is joined to it field by field,
and the join of two reports is the same whichever came first and however often.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from calls import claims
from calls.models import CallAttempt, Campaign
from calls.pearl import CallReport
from calls.retry import next_try
from calls.states import (
    CALL_STATUS_OF,
    CANCELED,
    FINAL_REQUEST_OUTCOMES,
    FINAL_STATUSES,
    HELD,
    SENT,
    Outcome,
    State,
    outcome_of,
)
from leads.models import CallStatus, Lead, Suppression
from leads.places import Place
from leads.window import WindowError

logger = logging.getLogger(__name__)

# When two final reports of one call disagree, the one further down is believed.
STRENGTH = (
    Outcome.NONE,
    Outcome.CANCELLED,
    Outcome.PROVIDER_ERROR,
    Outcome.FAILED,
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.UNREACHABLE,
    Outcome.TOO_BRIEF,
    Outcome.VOICEMAIL,
    Outcome.CONVERSATION,
    Outcome.NOT_SUCCESSFUL,
    Outcome.SUCCESS,
    Outcome.BLACKLISTED,
)
LARGEST = 32_767  # of a small integer; the longest call has 7,200 seconds
FINAL_CONVERSATIONS = frozenset({70, 100, 110, 130, 150, 200, 220, 300, 500})


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of one attempt's call. The names are those of CallAttempt."""

    pearl_call_id: str | None = None
    request_code: int | None = None
    call_code: int | None = None
    conversation_code: int | None = None
    duration_seconds: int | None = None
    started_at: datetime | None = None
    recording_url: str = ""
    summary: str = ""
    transcript: list[dict[str, Any]] = field(default_factory=list)
    collected_info: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    sentiment: int | None = None

    @classmethod
    def of_attempt(cls, attempt: CallAttempt) -> Evidence:
        return cls(**{f.name: getattr(attempt, f.name) for f in fields(cls)})

    @classmethod
    def of_report(cls, report: CallReport) -> Evidence:
        return cls(
            pearl_call_id=str(report.call_id),
            call_code=_small(report.status),
            conversation_code=_small(report.conversation_status),
            duration_seconds=_small(report.duration_seconds),
            started_at=report.started_at,
            recording_url=(report.recording_url or "")[:500],
            summary=report.summary or "",
            transcript=[asdict(turn) for turn in report.transcript],
            collected_info=dict(report.collected_info),
            tags=sorted(report.tags),
            sentiment=_small(report.sentiment),
        )

    @property
    def outcome(self) -> Outcome:
        """How the call ended; NONE while that is not certain."""
        by_call = outcome_of(
            status=self.call_code,
            conversation=self.conversation_code,
            duration=self.duration_seconds,
        )
        if by_call:
            return by_call
        if self.call_code == CANCELED and (
            self.request_code in (10, 20, 100)
            or self.conversation_code in FINAL_CONVERSATIONS
        ):
            return Outcome.CANCELLED
        return FINAL_REQUEST_OUTCOMES.get(self.request_code or 0, Outcome.NONE)

    @property
    def is_dialled(self) -> bool:
        return self.pearl_call_id is not None

    def ended_at(self, *, at_latest: datetime) -> datetime:
        if self.started_at is None:
            return at_latest
        end = self.started_at + timedelta(seconds=self.duration_seconds or 0)
        return min(end, at_latest)


def _small(number: int | None) -> int | None:
    """A number that every column holds; Pearl's mistakes are as good as silence."""
    return number if number is not None and 0 <= number <= LARGEST else None


def join(one: Evidence, other: Evidence) -> Evidence:
    """What both say together: commutative, associative, and joining twice is joining
    once. The codes and the duration of the more conclusive report go together."""
    told = max(one, other, key=_conclusiveness)
    return Evidence(
        pearl_call_id=one.pearl_call_id or other.pearl_call_id,
        request_code=_most(one.request_code, other.request_code),
        call_code=told.call_code,
        conversation_code=told.conversation_code,
        duration_seconds=told.duration_seconds,
        started_at=_most(one.started_at, other.started_at),
        recording_url=_richest(one.recording_url, other.recording_url),
        summary=_richest(one.summary, other.summary),
        transcript=_richest(one.transcript, other.transcript),
        collected_info=_union(one.collected_info, other.collected_info),
        tags=sorted({*one.tags, *other.tags}),
        sentiment=_most(one.sentiment, other.sentiment),
    )


def _conclusiveness(evidence: Evidence) -> tuple[int, ...]:
    said = outcome_of(
        status=evidence.call_code,
        conversation=evidence.conversation_code,
        duration=evidence.duration_seconds,
    )
    numbers = (
        evidence.call_code,
        evidence.conversation_code,
        evidence.duration_seconds,
    )
    return (
        STRENGTH.index(said),
        evidence.call_code in FINAL_STATUSES,
        *(-1 if number is None else number for number in numbers),
    )


def _most(one: Any, other: Any) -> Any:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)


def _richest(one: Any, other: Any) -> Any:
    return max(one, other, key=lambda value: (len(value), _text(value)))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for key, value in other.items():
        merged[key] = max(merged.get(key, value), value, key=_text)
    return dict(sorted(merged.items()))


# --- Finding the attempt ------------------------------------------------------------


def find_attempt(report: CallReport) -> CallAttempt | None:
    """The attempt a call belongs to: by Pearl's call id, else by our marker. Never by
    number: relatives share one."""
    known = CallAttempt.objects.filter(pearl_call_id=str(report.call_id)).first()
    if known is not None:
        return known
    try:
        token = UUID(report.attempt_token or "")
    except ValueError:
        return None
    return CallAttempt.objects.filter(token=token).first()


# --- Recording ----------------------------------------------------------------------


def record(
    attempt: CallAttempt,
    evidence: Evidence,
    *,
    now: datetime,
    look_at: datetime | None = None,
) -> bool:
    """Join the evidence to the attempt, and let attempt and lead follow from it.

    False: it tells of a call that is not this attempt's. `look_at`: when to ask Pearl
    again if the call is not over.
    """
    try:
        with transaction.atomic():
            return _record(attempt.pk, evidence, now=now, look_at=look_at)
    except IntegrityError:
        # The call id is bound to another attempt, or the lead is in another call.
        logger.exception("attempt %s: evidence does not fit", attempt.token)
        return False


def _record(
    attempt_id: int, evidence: Evidence, *, now: datetime, look_at: datetime | None
) -> bool:
    lead_id = CallAttempt.objects.values_list("lead_id", flat=True).get(pk=attempt_id)
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    attempt = CallAttempt.objects.select_for_update().get(pk=attempt_id)
    known = Evidence.of_attempt(attempt)
    ids = {known.pearl_call_id, evidence.pearl_call_id} - {None}
    if len(ids) > 1:
        _raise_incident(attempt)
        return False
    joined = join(known, evidence)
    state = _state_after(attempt, joined)
    if state is None:
        return False
    changes = {f.name: getattr(joined, f.name) for f in fields(joined)}
    changes["next_lookup_at"] = look_at
    if state == State.ENDED:
        changes |= _ending(attempt, lead, joined, now=now)
    if not claims.settle(attempt, state, now=now, **changes):
        return False
    if state == State.ENDED:
        heard_at = changes["end_heard_at"]
        _follow_lead(attempt, lead, joined, heard_at=heard_at, now=now)
    return True


def _raise_incident(attempt: CallAttempt) -> None:
    """Two calls for one attempt: a person may have been rung twice."""
    logger.error("attempt %s: Pearl made a second call for it", attempt.token)
    CallAttempt.objects.filter(pk=attempt.pk).update(
        error=str(_("Pearl hizo más de una llamada para este intento."))
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
        "next_lookup_at": None,
        "error": attempt.error if not first_time else "",
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
    lead.refresh_from_db()
    outcome = joined.outcome
    wanted = (
        lead.selected_for_calling
        if attempt.state != State.ENDED
        else bool(attempt.lead_was_wanted)
    )
    again_at = None
    if wanted:
        again_at = _again_at(attempt.campaign, lead, joined, heard_at=heard_at)
    status = CALL_STATUS_OF[outcome]
    Lead.objects.filter(pk=lead.pk).update(
        call_status=status,
        selected_for_calling=again_at is not None,
        next_call_at=again_at,
        call_error_message=(str(outcome.label) if status == CallStatus.ERROR else None),
        pearl_call_response=_text(
            {
                "callId": joined.pearl_call_id,
                "status": joined.call_code,
                "conversationStatus": joined.conversation_code,
                "requestStatus": joined.request_code,
                "duration": joined.duration_seconds,
            }
        ),
    )
    if outcome == Outcome.BLACKLISTED:
        Suppression.objects.get_or_create(
            phone_e164=attempt.phone,
            defaults={
                "reason": str(_("Bloqueado en Pearl")),
                "source": "Pearl",
                "proposed": True,
            },
        )


def _lead_still_shows(attempt: CallAttempt, lead: Lead, *, now: datetime) -> bool:
    """Whether the lead's status comes from this attempt. A later claim of the same
    lead that has sent nothing yet is taken back: this call was its call."""
    later = CallAttempt.objects.filter(lead=lead, pk__gt=attempt.pk).exclude(
        state__in=[State.RELEASED, State.NOT_SENT]
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


@transaction.atomic
def _put_back(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    if not claims.mark_not_placed(attempt, reason=reason, now=now):
        return False
    shown = Lead.objects.filter(pk=attempt.lead_id, call_status=CallStatus.ERROR)
    shown.update(
        call_status=CallStatus.SELECTED,
        selected_for_calling=True,
        next_call_at=now,
        call_error_message=None,
    )
    return True


def close_by_hand(
    attempt: CallAttempt, *, rang: bool, reason: str, now: datetime
) -> bool:
    """A person settles a MANUAL attempt: the phone rang (it ends, unanswered), or it
    did not (the lead may be called again). False: it is no longer MANUAL."""
    if attempt.state != State.MANUAL:
        return False
    if not rang:
        return _put_back(attempt, reason=reason, now=now)
    with transaction.atomic():
        done = claims.settle(
            attempt,
            State.ENDED,
            now=now,
            outcome=Outcome.NO_ANSWER,
            error=reason,
            lead_was_wanted=False,
        )
        if done:
            Lead.objects.filter(
                pk=attempt.lead_id, call_status=CallStatus.ERROR
            ).update(call_status=CallStatus.NO_ANSWER, call_error_message=None)
    return done
