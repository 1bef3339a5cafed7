"""What is known of one call, and how two reports of it become one; pure.

What is known only ever grows: reports are joined field by field, and the join of two is
the same whichever came first and however often.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from calls.models import CallAttempt
from calls.pearl import CallId, CallReport
from calls.states import (
    CANCELED,
    FINAL_REQUEST_OUTCOMES,
    FINAL_STATUSES,
    Outcome,
    outcome_of,
)

if TYPE_CHECKING:
    from calls.outcome_table import Table

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

    pearl_call_id: CallId | None = None
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
            pearl_call_id=report.call_id,
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

    def outcome_by(self, table: Table) -> Outcome:
        """How the call ended; NONE while that is not certain, or not in the table."""
        by_call = table.outcome_of(
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
        try:
            end = self.started_at + timedelta(seconds=self.duration_seconds or 0)
        except OverflowError:
            return at_latest
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


def corrected(known: Evidence, told: Evidence) -> Evidence:
    """What Pearl's own answer leaves of what webhooks told: that answer alone. Of the
    request only Pearl's API speaks, so what is known of that stays."""
    alone = join(Evidence(request_code=known.request_code), told)
    return replace(alone, pearl_call_id=told.pearl_call_id or known.pearl_call_id)


def _conclusiveness(evidence: Evidence) -> tuple[int, ...]:
    """Of the codes alone: whichever table reads them, the same report wins."""
    codes = {
        "status": evidence.call_code,
        "conversation": evidence.conversation_code,
        "duration": evidence.duration_seconds,
    }
    return (
        STRENGTH.index(outcome_of(**codes)),
        # Withdrawn is an end as well: no answered call without a word undoes it.
        evidence.call_code in {*FINAL_STATUSES, CANCELED},
        evidence.conversation_code in FINAL_CONVERSATIONS,
        *(-1 if number is None else number for number in codes.values()),
    )


def _most(one: Any, other: Any) -> Any:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)


def _richest(one: Any, other: Any) -> Any:
    return max(one, other, key=lambda value: (len(value), as_text(value)))


def as_text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for key, value in other.items():
        merged[key] = max(merged.get(key, value), value, key=as_text)
    return dict(sorted(merged.items()))
