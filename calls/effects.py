"""What follows from a call, once Pearl's own API has confirmed how it ended.

`outcomes.record` writes in the attempt, together with the confirmed end, that effects
are due (`effects_due_at`); a worker takes them up, and again if one of them fails or
the process dies. They are due once more when Pearl tells more of the call (a late
summary, a corrected ending). So an effect must bear being repeated, and must find what
to do in the attempt alone. Tests (`is_test`) have no effects.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from calls import appointments, collected
from calls.consequences import outcome_effects
from calls.evidence import Evidence
from calls.log_context import concerning
from calls.models import CallAttempt
from calls.outcome_table import BUILT_IN
from calls.states import Outcome
from leads import suppressions
from leads.models import Suppression

logger = logging.getLogger(__name__)

# Who takes effects up has this long; whatever fails is tried again then.
AGAIN_AFTER = timedelta(minutes=2)


def follow(attempt_id: int, *, now: datetime) -> None:
    """All that follows from this confirmed end. Raises EffectsFailed: try again."""
    attempt = CallAttempt.objects.select_related("campaign", "lead").get(pk=attempt_id)
    with concerning(attempt):
        _follow(attempt, now=now)


def _follow(attempt: CallAttempt, *, now: datetime) -> None:
    failed = 0
    for effect in EFFECTS:
        try:
            with transaction.atomic():
                effect(attempt, now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("attempt %s: an effect failed", attempt.token)
            failed += 1
    if failed:
        raise EffectsFailed(f"{failed} of {len(EFFECTS)}")
    logger.info("attempt %s is followed by its effects", attempt.token)


class EffectsFailed(Exception):
    """The others were done; all are tried again later."""


def follow_due(*, now: datetime, at_most: int = 50) -> int:
    """Take up the effects that are due; returns of how many attempts."""
    due = CallAttempt.objects.filter(effects_due_at__lte=now)
    first = due.order_by("effects_due_at", "id")[:at_most]
    rows = list(first.values_list("pk", "effects_due_at"))
    for pk, due_at in rows:
        mine = CallAttempt.objects.filter(pk=pk, effects_due_at=due_at)
        again_at = now + AGAIN_AFTER
        if not mine.update(effects_due_at=again_at):
            continue
        try:
            follow(pk, now=now)
        except EffectsFailed:
            continue
        # Unless Pearl told more of the call meanwhile.
        CallAttempt.objects.filter(pk=pk, effects_due_at=again_at).update(
            effects_due_at=None
        )
    return len(rows)


def propose_exclusion(attempt: CallAttempt, now: datetime) -> None:
    """A number that Pearl has on its blacklist is held until somebody reviews it,
    whatever a person said of the call."""
    if Evidence.of_attempt(attempt).outcome_by(BUILT_IN) != Outcome.BLACKLISTED:
        return
    suppressions.propose(
        attempt.phone,
        list=Suppression.List.PROVIDER,
        reason=str(_("Bloqueado en Pearl")),
        source="Pearl",
        now=now,
    )


def take_in(attempt: CallAttempt, now: datetime) -> None:
    """What the person said: typed values, and whether they asked for no more calls."""
    collected.take_in(attempt, now=now)


def book(attempt: CallAttempt, now: datetime) -> None:
    """Who reached the goal of the call, or says so, and named a day and an hour, has
    an appointment proposed."""
    said = collected.values_of(attempt)
    is_agreed = said.is_interested
    if is_agreed is None and not said.interest_is_unclear:
        is_agreed = attempt.outcome == Outcome.SUCCESS
    if is_agreed and said.wished_date and said.wished_time:
        appointments.agree(attempt, on=said.wished_date, at=said.wished_time, now=now)


def bring_about(attempt: CallAttempt, now: datetime) -> None:
    """What its outcome means by the table."""
    outcome_effects(attempt, now=now)


EFFECTS: tuple[Callable[[CallAttempt, datetime], None], ...] = (
    propose_exclusion,
    take_in,
    book,
    bring_about,
)
