"""How far an attempt got, how a call ended, and what each step may follow."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """How far one attempt got (design, section 5)."""

    CLAIMED = "claimed", _("Preparada")
    RELEASED = "released", _("Devuelta a la cola")
    DIALING = "dialing", _("Enviándose")
    NOT_SENT = "not_sent", _("No enviada")
    REJECTED = "rejected", _("Rechazada por Pearl")
    ACCEPTED = "accepted", _("En curso")
    UNKNOWN = "unknown", _("Sin confirmar")
    NOT_PLACED = "not_placed", _("No realizada")
    MANUAL = "manual", _("Por revisar")
    ENDED = "ended", _("Terminada")


# A line of the campaign is taken: these are counted against the limit.
OPEN = (State.CLAIMED, State.DIALING, State.ACCEPTED, State.UNKNOWN)
# A further ring cannot be excluded: neither the lead nor the number may be claimed.
HELD = (*OPEN, State.MANUAL)
# Pearl may know of it, so reports about it can arrive.
SENT = (
    State.DIALING,
    State.ACCEPTED,
    State.UNKNOWN,
    State.NOT_PLACED,
    State.MANUAL,
    State.ENDED,
)

# Time alone leads out of CLAIMED only; whatever was sent leaves by evidence. Evidence
# may come late, so even a state that looked over can still end with an outcome.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.CLAIMED: frozenset({State.RELEASED, State.DIALING}),
    State.DIALING: frozenset(
        {State.NOT_SENT, State.REJECTED, State.ACCEPTED, State.UNKNOWN, State.ENDED}
    ),
    State.UNKNOWN: frozenset(
        {State.ACCEPTED, State.NOT_PLACED, State.MANUAL, State.ENDED}
    ),
    State.ACCEPTED: frozenset({State.ENDED, State.MANUAL}),
    State.NOT_PLACED: frozenset({State.ACCEPTED, State.ENDED}),
    State.MANUAL: frozenset({State.ENDED, State.NOT_PLACED}),
    State.RELEASED: frozenset(),
    State.NOT_SENT: frozenset({State.ACCEPTED, State.ENDED}),
    State.REJECTED: frozenset({State.ACCEPTED, State.ENDED}),
    State.ENDED: frozenset({State.ENDED}),
}


class Outcome(models.TextChoices):
    """How the call ended, in our words."""

    NONE = "", _("Sin resultado")
    SUCCESS = "success", _("Objetivo logrado")
    NOT_SUCCESSFUL = "not_successful", _("Atendida sin éxito")
    CONVERSATION = "conversation", _("Atendida")
    VOICEMAIL = "voicemail", _("Buzón de voz")
    TOO_BRIEF = "too_brief", _("Sin conversación")
    BUSY = "busy", _("Ocupado")
    NO_ANSWER = "no_answer", _("No contesta")
    UNREACHABLE = "unreachable", _("Ilocalizable")
    FAILED = "failed", _("Fallida")
    BLACKLISTED = "blacklisted", _("Bloqueada en Pearl")
    PROVIDER_ERROR = "provider_error", _("Error de Pearl")
    CANCELLED = "cancelled", _("Cancelada")


# Pearl's numbers, pearl-api.md 2.2, 2.3, 2.4. Final call statuses are {4, 5, 6, 7}.
FINAL_STATUSES = frozenset({4, 5, 6, 7})
ANSWERED, CANCELED = 4, 8
BLOCKED = 220
# Of a line that was taken, but by nobody who talked: no duration is waited for.
NOBODY_TALKED = frozenset({10, 70, 150, 200, 220, 500})
FINAL_REQUEST_OUTCOMES = {20: Outcome.BLACKLISTED, 100: Outcome.PROVIDER_ERROR}

OF_STATUS = {5: Outcome.BUSY, 6: Outcome.FAILED, 7: Outcome.NO_ANSWER}
OF_CONVERSATION = {
    100: Outcome.SUCCESS,
    110: Outcome.NOT_SUCCESSFUL,
    130: Outcome.CONVERSATION,
    70: Outcome.VOICEMAIL,
    10: Outcome.TOO_BRIEF,
    150: Outcome.UNREACHABLE,
    500: Outcome.PROVIDER_ERROR,
    200: Outcome.PROVIDER_ERROR,
}


def lacks_duration(
    *, status: int | None, conversation: int | None, duration: int | None
) -> bool:
    """An answered call without a duration is not believed yet (pearl-api.md 2.2): its
    report is read again later."""
    return status == ANSWERED and conversation not in NOBODY_TALKED and not duration


def outcome_of(
    *, status: int | None, conversation: int | None, duration: int | None
) -> Outcome:
    """What Pearl documents of a call's codes, by which reports are ranked; NONE: it is
    not over, or not documented. What they mean to us is in `calls.outcome_table`."""
    if status not in FINAL_STATUSES:
        return Outcome.NONE
    if conversation == BLOCKED:
        return Outcome.BLACKLISTED
    if status in OF_STATUS:
        return Outcome.UNREACHABLE if conversation == 150 else OF_STATUS[status]
    if lacks_duration(status=status, conversation=conversation, duration=duration):
        return Outcome.NONE
    return OF_CONVERSATION.get(conversation or 0, Outcome.NONE)
