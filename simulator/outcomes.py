"""How a dial can end, and which ending a number gets (pearl-api.md 9.11, 11.5)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from simulator.codes import CallStatus, Conversation, RequestStatus

if TYPE_CHECKING:
    from simulator.config import Config


@dataclass(frozen=True, slots=True)
class Outcome:
    """An ending: the codes Pearl reports and what the patient's phone feels."""

    name: str
    call_status: CallStatus = CallStatus.COMPLETED
    conversation: Conversation = Conversation.SUCCESS
    felt: str = "rang"
    answered: bool = True
    request_status: RequestStatus = RequestStatus.COMPLETED
    live_status: CallStatus = CallStatus.IN_PROGRESS
    reported: bool = True

    @property
    def is_dialled(self) -> bool:
        """False: Pearl refuses before any line is taken."""
        return self.request_status == RequestStatus.COMPLETED


OUTCOMES = {
    outcome.name: outcome
    for outcome in (
        Outcome("success"),
        Outcome("not_successful", conversation=Conversation.NOT_SUCCESSFUL),
        Outcome("completed", conversation=Conversation.COMPLETED),
        Outcome("need_retry", conversation=Conversation.NEED_RETRY),
        Outcome("voicemail", conversation=Conversation.VOICE_MAIL_LEFT),
        Outcome(
            "no_answer", CallStatus.NO_ANSWER, Conversation.NEED_RETRY, answered=False
        ),
        Outcome("busy", CallStatus.BUSY, Conversation.NEED_RETRY, "engaged", False),
        Outcome("failed", CallStatus.FAILED, Conversation.ERROR, "nothing", False),
        Outcome(
            "cancelled", CallStatus.CANCELED, Conversation.NEED_RETRY, answered=False
        ),
        Outcome("stuck", reported=False),
        Outcome("cancelled_then_completed", live_status=CallStatus.CANCELED),
        Outcome("blacklisted", request_status=RequestStatus.BLACK_LISTED),
        Outcome("request_error", request_status=RequestStatus.ERROR),
    )
}

DEFAULT_WEIGHTS = {
    "success": 0.20,
    "not_successful": 0.15,
    "completed": 0.10,
    "no_answer": 0.30,
    "busy": 0.12,
    "voicemail": 0.08,
    "failed": 0.05,
}

SUFFIXES = {
    "01": "success",
    "02": "no_answer",
    "03": "busy",
    "04": "failed",
    "05": "voicemail",
    "06": "blacklisted",
    "07": "request_error",
    "08": "stuck",
    "09": "cancelled_then_completed",
    "10": "completed",
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What will become of one dial, in simulated seconds."""

    outcome: Outcome
    setup_seconds: float
    ring_seconds: float
    talk_seconds: float
    reports_zero_duration: bool


def decide(number: str, nth: int, *, config: Config, ring_limit: float) -> Fate:
    """The fate of the nth dial to a number: a hash, whatever happened elsewhere."""
    dice = Random(f"{config.seed}:{number}:{nth}")
    outcome = OUTCOMES[_name(number, nth, config, dice)]
    ring = dice.uniform(*config.ring_seconds)
    if outcome.name == "no_answer":
        ring = ring_limit
    return Fate(
        outcome=outcome,
        setup_seconds=dice.uniform(*config.setup_seconds),
        ring_seconds=min(ring, ring_limit) if outcome.felt == "rang" else 0.0,
        talk_seconds=_talk_seconds(outcome, config, dice),
        reports_zero_duration=dice.random() < config.completed_with_zero_duration,
    )


def _name(number: str, nth: int, config: Config, dice: Random) -> str:
    chosen = dice.choices(list(config.outcomes), list(config.outcomes.values()))[0]
    script = config.scripted.get(number)
    if isinstance(script, str):
        return script
    if script:
        return script[min(nth, len(script)) - 1]
    if config.suffixes:
        return SUFFIXES.get(number[-2:], chosen)
    return chosen


def _talk_seconds(outcome: Outcome, config: Config, dice: Random) -> float:
    if not outcome.answered:
        return 0.0
    if outcome.name == "voicemail":
        return dice.uniform(*config.voicemail_seconds)
    talk = dice.uniform(*config.talk_seconds)
    return min(talk, 4.0) if outcome.name == "need_retry" else talk
