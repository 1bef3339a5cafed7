"""How phones, processes and endings are written on screen."""

from __future__ import annotations

from django import template

from calls.models import CallAttempt
from calls.outcome_table import shown_status
from calls.states import OPEN, State
from calls.wording import lasted_words
from leads import phones
from leads.models import CallStatus
from leads.wording import number

register = template.Library()

NEVER_RANG = (State.RELEASED, State.NOT_SENT, State.NOT_PLACED)


@register.filter
def grouped(phone: str) -> str:
    return phones.group(phone)


@register.filter
def masked(phone: str) -> str:
    return phones.mask(phone)


@register.filter
def host(identity: str) -> str:
    """A process by its host and number, without what only makes it unique."""
    return identity.rpartition("/")[0]


@register.filter
def attempt_tone(attempt: CallAttempt) -> str:
    """The call status whose colour an attempt has."""
    if attempt.state in OPEN:
        return CallStatus.CALLING
    if attempt.state in NEVER_RANG:
        return CallStatus.NO_SELECTED
    return shown_status(attempt.outcome)


@register.filter
def lasted(seconds: int | None) -> str:
    return lasted_words(seconds)


@register.filter
def thousands(count: int | None) -> str:
    """ "1.284"; an ellipsis while it is being counted."""
    return "…" if count is None else number(count)
