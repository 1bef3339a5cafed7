"""Attempts of which nobody knows yet whether a phone rang."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from calls.claims.sending import mark_unknown
from calls.claims.writes import (
    count,
    end_test,
    give_back,
    lock_lead,
    move,
    show_calling,
    uncount,
    write,
)
from calls.log_context import ids_of
from calls.models import CallAttempt, Campaign, Run
from calls.states import State
from leads.models import CallStatus, Lead
from leads.verdict import Rule

logger = logging.getLogger(__name__)


def mark_not_placed(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """Proof of absence: no phone rang and none will. The lead may be called again."""
    with transaction.atomic():
        if not give_back(attempt, State.NOT_PLACED, now=now, lead_at=now, error=reason):
            return False
        uncount(attempt)
    return True


@transaction.atomic
def mark_manual(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """No proof either way: a person decides, and until then nobody calls the lead."""
    lead = lock_lead(attempt)
    if not move(
        attempt,
        State.MANUAL,
        now=now,
        error=reason,
        next_lookup_at=None,
        lead_was_wanted=lead is not None and lead.selected_for_calling,
    ):
        return False
    if attempt.is_test:
        return end_test(attempt, now=now, text=reason)
    Lead.objects.filter(pk=attempt.lead_id, call_status=CallStatus.CALLING).update(
        call_status=CallStatus.ERROR,
        selected_for_calling=False,
        call_now=False,
        next_call_at=None,
        call_error_message=reason,
    )
    return True


@transaction.atomic
def unbind(attempt: CallAttempt, *, reason: str, now: datetime) -> None:
    """The call this attempt was bound to is another's: what became of its own is not
    known, so a person decides."""
    lock_lead(attempt)
    bound = CallAttempt.objects.filter(
        pk=attempt.pk,
        token=attempt.token,
        state=attempt.state,
        pearl_call_id=attempt.pearl_call_id,
    )
    if bound.update(pearl_call_id=None, error=reason):
        mark_manual(attempt, reason=reason, now=now)


@transaction.atomic
def look_again(
    attempt: CallAttempt, *, at: datetime, now: datetime, absences: int | None = None
) -> bool:
    """Nothing new was learnt; ask Pearl again at `at`. False: it is not as it was."""
    lock_lead(attempt)
    changes: dict[str, Any] = {"next_lookup_at": at}
    if absences is not None:
        changes["absences"] = absences
    rows = CallAttempt.objects.filter(
        pk=attempt.pk,
        token=attempt.token,
        state=attempt.state,
    )
    return rows.update(updated_at=now, **changes) == 1


@transaction.atomic
def ask_sooner(attempt: CallAttempt, *, at: datetime, now: datetime) -> None:
    """Ask Pearl at `at` about a call under way, unless it will be asked before."""
    lock_lead(attempt)
    rows = CallAttempt.objects.filter(
        pk=attempt.pk,
        token=attempt.token,
        state__in=[State.ACCEPTED, State.UNKNOWN],
    )
    later = Q(next_lookup_at=None) | Q(next_lookup_at__gt=at)
    rows.filter(later).update(next_lookup_at=at, updated_at=now)


@transaction.atomic
def reopen(attempt: CallAttempt, *, reason: str, now: datetime, **changes: Any) -> bool:
    """A webhook had ended a call that goes on, says Pearl: its lead and its number are
    taken again. Raises IntegrityError if either is in another call."""
    told = CallAttempt.objects.filter(pk=attempt.pk, confirmed_at=None).told()
    if not told.exists():
        return False
    changes |= {"outcome": "", "end_heard_at": None, "error": reason}
    # Whoever said how it ended spoke too soon.
    changes |= {"outcome_version": None, "corrected_at": None}
    if not write(attempt, [State.ENDED], State.ACCEPTED, now=now, **changes):
        return False
    show_calling(attempt)
    return True


def leave_unconfirmed(attempt: CallAttempt, *, reason: str, now: datetime) -> bool:
    """Nobody asks any more about an end that only a webhook told."""
    told = CallAttempt.objects.filter(pk=attempt.pk).told()
    is_open = told.filter(confirmed_at=None)
    if is_open.update(next_lookup_at=None, error=reason, updated_at=now):
        return True
    return bool(told.update(next_lookup_at=None, updated_at=now))


def expect_report(
    phones: Sequence[str], *, at: datetime, now: datetime, sooner: bool = True
) -> int:
    """A call to these numbers shows, unnamed, that Pearl is at it: ask about the
    attempts at `at`, or later if not `sooner`. It binds nothing, for relatives share
    numbers."""
    rows = CallAttempt.objects.filter(
        open_phone__in=phones, state__in=[State.DIALING, State.ACCEPTED]
    )
    if not sooner:
        rows = rows.exclude(next_lookup_at__gt=at)
    return rows.update(next_lookup_at=at, updated_at=now)


@transaction.atomic
def restore_unknown(
    lead: Lead,
    *,
    campaign: Campaign,
    token: UUID,
    sent_at: datetime,
    phone: str,
    is_over: bool = False,
) -> CallAttempt:
    """An attempt that the database lost and the journal remembers. Raises
    IntegrityError if the lead or its number is in another call.

    `is_over`: the same lead was dialled again later, so this dial was over by then; it
    takes no line, and stands as not made until Pearl tells how it ended.
    """
    gate = Campaign.objects.select_for_update().get(pk=campaign.pk)
    held = {"open_lead_id": lead.pk, "open_phone": phone, "next_lookup_at": sent_at}
    attempt = CallAttempt.objects.create(
        token=token,
        lead=lead,
        campaign=gate,
        run=_run_of(gate, at=sent_at),
        generation=gate.generation,
        phone=phone,
        is_test=phone != lead.phone_e164,
        state=State.NOT_PLACED if is_over else State.UNKNOWN,
        verdict=Rule.ALLOWED,
        owner="journal",
        lease_expires_at=sent_at,
        lead_status_before=lead.call_status,
        claimed_at=sent_at,
        send_started_at=sent_at,
        **({"closed_at": sent_at} if is_over else held),
    )
    if not is_over:
        count(attempt)
        show_calling(attempt)
    return attempt


def _run_of(gate: Campaign, *, at: datetime) -> Run:
    """The one of the gate's generation, which may be lost as well."""
    run, _made = Run.objects.get_or_create(
        campaign=gate,
        generation=gate.generation,
        defaults={"started_at": at, "ended_at": at},
    )
    return run


@transaction.atomic
def revive_unknown(token: UUID, *, sent_at: datetime) -> bool:
    """The journal remembers a dial of which the database knows the claim alone. False:
    it knows nothing of it, or more. Raises IntegrityError if the lead or its number is
    in another call."""
    attempt = CallAttempt.objects.filter(token=token).first()
    if attempt is None:
        return False
    lock_lead(attempt)
    sent = {"send_started_at": sent_at, "next_lookup_at": sent_at}
    unsent = [State.CLAIMED, State.RELEASED]
    if not write(attempt, unsent, State.UNKNOWN, now=sent_at, **sent):
        return False
    count(attempt)
    show_calling(attempt)
    return True


def reap_leases(*, now: datetime, at_most: int = 100) -> int:
    """Attempts whose owner fell silent: claims are released, dials become UNKNOWN.

    It starts from the attempts, not from the workers: a missing worker is a dead one.
    """
    over = CallAttempt.objects.filter(
        state__in=[State.CLAIMED, State.DIALING], lease_expires_at__lte=now
    ).order_by("lease_expires_at", "id")[:at_most]
    silent = str(_("El proceso que llamaba dejó de responder."))
    changed = 0
    for attempt in over:
        ids = ids_of(attempt)
        logger.warning("attempt %s: its lease is over", attempt.token, extra=ids)
        if attempt.state == State.CLAIMED:
            # To the end of its line: if it is the lead that breaks workers, others go
            # first.
            changed += give_back(
                attempt, State.RELEASED, now=now, lead_at=now, error=silent
            )
        else:
            changed += mark_unknown(attempt, reason=silent, now=now)
    return changed
