"""A call as it is told: what was said, turn by turn, and whether it can be heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from calls.models import Recording

if TYPE_CHECKING:
    from calls.models import CallAttempt

State = Recording.State
# Pearl measures the call, and its recording may be somewhat longer.
BEYOND_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Something said in a call. `at`: seconds from its beginning, if that is known."""

    who: str
    text: str
    is_agent: bool = False
    at: float | None = None

    @property
    def clock(self) -> str:
        """ "1:05"; "" if its time is not known."""
        if self.at is None:
            return ""
        seconds = int(self.at)
        return f"{seconds // 60}:{seconds % 60:02d}"

    @property
    def mark(self) -> str:
        """For a program: a dot whatever the language."""
        return f"{self.at or 0:.2f}"


@dataclass(frozen=True, kw_only=True)
class Talk:
    """`is_timed`: it can be followed, for all turns have times that can be true."""

    turns: Sequence[Turn] = ()
    is_timed: bool = False
    recording: Recording | None = None

    @property
    def is_kept(self) -> bool:
        return self.recording is not None and self.recording.state == State.KEPT

    @property
    def recorded(self) -> str:
        """In a few words; "" when there never was a recording."""
        if self.recording is None:
            return ""
        return {
            State.WAITING: _("la grabación se está copiando"),
            State.KEPT: _("grabación disponible"),
            State.GONE: _("la grabación ya no existe"),
            State.REFUSED: _("grabación rechazada"),
            State.FAILED: _("la grabación no se pudo copiar"),
        }[State(self.recording.state)]


def talk_of(attempt: CallAttempt) -> Talk:
    """It needs `recording` selected with the attempt, or asks for it."""
    turns = turns_of(attempt)
    return Talk(
        turns=turns,
        is_timed=any(turn.at is not None for turn in turns),
        recording=getattr(attempt, "recording", None),
    )


def turns_of(attempt: CallAttempt) -> list[Turn]:
    """What is no turn is left out. Either all of them have their times, or none."""
    told = attempt.transcript if isinstance(attempt.transcript, list) else []
    turns = [turn for turn in told if isinstance(turn, dict)]
    times = _times(turns, lasted=attempt.duration_seconds) or [None] * len(turns)
    return [_turn(turn, at=at) for turn, at in zip(turns, times, strict=True)]


def _turn(turn: dict[str, Any], *, at: float | None) -> Turn:
    """Which role is the agent is not settled at Pearl: a setting says it."""
    role = str(turn.get("role") or "")
    is_agent = role.casefold() in (settings.PEARL_AGENT_ROLE, "pearl")
    who = _("Agente") if is_agent else _("Persona") if role else ""
    return Turn(who=who, text=str(turn.get("text") or ""), is_agent=is_agent, at=at)


def _times(
    turns: Sequence[dict[str, Any]], *, lasted: int | None
) -> list[float | None]:
    """When each turn begins, in seconds. None at all if one is missing, or if together
    they cannot be true: a wrong time would lead to other words."""
    starts = [turn.get("start") for turn in turns]
    times = [
        start / settings.TRANSCRIPT_TICKS
        for start in starts
        if isinstance(start, int | float) and start >= 0
    ]
    if len(times) < len(starts) or any(one > next_ for one, next_ in pairwise(times)):
        return []
    is_beyond = lasted and times and times[-1] > lasted + BEYOND_SECONDS
    # Several turns at one and the same instant are no times.
    is_one_instant = len(times) > 1 and times[0] == times[-1]
    return [] if is_beyond or is_one_instant else [*times]
