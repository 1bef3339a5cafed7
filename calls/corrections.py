"""A person says how a call really ended. What Pearl said stays beside it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from calls import claims, outcome_table
from calls.confirming import is_told
from calls.consequences import outcome_effects
from calls.evidence import Evidence
from calls.lead_ending import (
    Ending,
    heard_at_of,
    is_as_left,
    show,
    still_shows,
    turn_after,
)
from calls.models import CallAttempt, OutcomeChange
from calls.outcomes import lock_lead_of
from calls.states import Outcome, State
from leads.models import Lead

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

# Only Pearl can know these.
OF_PEARL_ALONE = (Outcome.NONE, Outcome.BLACKLISTED, Outcome.CANCELLED)
CHOOSABLE = [one for one in Outcome if one not in OF_PEARL_ALONE]


class CorrectionRefused(ValueError):
    """Nothing was changed. Show `reason`."""

    def __init__(self, reason: StrOrPromise) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def correct(
    attempt_id: int,
    outcome: Outcome,
    *,
    seen: str,
    reason: str,
    by: User | None,
    now: datetime,
) -> None:
    """Give an ended attempt another outcome, for good: no report changes it. Its lead
    follows. `seen`: the outcome that the person saw. Raises CorrectionRefused.

    To undo it is to correct it again.
    """
    lead = lock_lead_of(attempt_id)
    attempt = CallAttempt.objects.select_for_update().get(pk=attempt_id)
    _check(attempt, outcome, seen=seen, reason=reason)
    ending = Ending(outcome=outcome, table=outcome_table.current())
    shown = not attempt.is_test and still_shows(attempt, lead, now=now)
    corrected = claims.settle(
        attempt,
        State.ENDED,
        now=now,
        outcome=ending.outcome,
        outcome_version=ending.table.version,
        corrected_at=now,
        closed_at=attempt.closed_at,
    )
    if not corrected:
        raise CorrectionRefused(
            _("Otra persona lo cambió mientras tanto: vuelva a abrirlo.")
        )
    _note(attempt, ending, reason=reason, by=by, now=now)
    if shown:
        _show(attempt, lead, ending, now=now)
    outcome_effects(attempt, now=now)


def _note(
    attempt: CallAttempt, ending: Ending, *, reason: str, by: User | None, now: datetime
) -> None:
    """`attempt` as it was before."""
    OutcomeChange.objects.create(
        attempt=attempt,
        before=attempt.outcome,
        after=ending.outcome,
        version=ending.table.version,
        at=now,
        by=by,
        reason=reason,
    )


def _check(attempt: CallAttempt, outcome: Outcome, *, seen: str, reason: str) -> None:
    if attempt.state != State.ENDED:
        raise CorrectionRefused(_("La llamada no ha terminado todavía."))
    if is_told(attempt):
        raise CorrectionRefused(
            _("Pearl aún no ha confirmado cómo acabó: espere un momento.")
        )
    if outcome in OF_PEARL_ALONE:
        raise CorrectionRefused(_("Ese resultado solo lo puede decir Pearl."))
    if attempt.outcome != seen:
        raise CorrectionRefused(
            _("El resultado ha cambiado mientras tanto: ahora es «%s». Revíselo.")
            % attempt.get_outcome_display()
        )
    if attempt.outcome == outcome:
        raise CorrectionRefused(_("Ya tiene ese resultado."))
    if not reason.strip():
        raise CorrectionRefused(_("Escriba el motivo."))


def _show(attempt: CallAttempt, lead: Lead, ending: Ending, *, now: datetime) -> None:
    """Its turn is the one that this ending has. A turn that is over is not given again:
    correcting an old call rings nobody."""
    lead.refresh_from_db()
    again_at = turn_after(
        attempt,
        lead,
        Evidence.of_attempt(attempt),
        ending,
        heard_at=heard_at_of(attempt),
        untouched=is_as_left(attempt, lead),
    )
    if again_at is not None and again_at <= now and not lead.selected_for_calling:
        again_at = None
    show(lead.pk, ending, again_at=again_at)


def pearl_says(attempt: CallAttempt) -> Outcome:
    """How its codes read now, where a person said otherwise; NONE: nothing else."""
    if attempt.corrected_at is None:
        return Outcome.NONE
    codes = Evidence(
        request_code=attempt.request_code,
        call_code=attempt.call_code,
        conversation_code=attempt.conversation_code,
        duration_seconds=attempt.duration_seconds,
    )
    read = codes.outcome_by(outcome_table.shown())
    return Outcome.NONE if read == attempt.outcome else read
