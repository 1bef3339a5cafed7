"""Whose word counts: a webhook hints, and Pearl's own API confirms (design 5.7).

Until Pearl confirms an end, the attempt and its lead show what webhooks told, and
nothing follows from it (`effects`). From then on the attempt holds Pearl's answer
alone; a webhook that knows more only makes us ask again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from calls import claims
from calls.evidence import Evidence, corrected, join
from calls.models import CallAttempt, Campaign, RunState
from calls.states import CANCELED, FINAL_STATUSES, Outcome, State

if TYPE_CHECKING:
    from calls.outcome_table import Table

# How long Pearl's search may still show as going on a call that it told us is over.
LAG = timedelta(seconds=30)
WORDS_AFTER = timedelta(minutes=2)
WORTH_A_SEARCH = 10
OWED_FOR = timedelta(minutes=10)
CONFIRM_WITHIN = timedelta(hours=24)

logger = logging.getLogger(__name__)


def is_another_call(
    attempt: CallAttempt, evidence: Evidence, *, confirms: bool
) -> bool:
    """Whether it tells of a second call for one attempt. A call that only a webhook
    named gives way to the one that Pearl names."""
    ids = {attempt.pearl_call_id, evidence.pearl_call_id} - {None}
    return len(ids) > 1 and not (confirms and is_told(attempt))


def goes_on(attempt: CallAttempt, evidence: Evidence, *, now: datetime) -> bool:
    """Whether Pearl says that a call goes on which only a webhook has ended, and has
    had the time to know better."""
    if not is_told(attempt) or now - (attempt.end_heard_at or now) < LAG:
        return False
    over = {*FINAL_STATUSES, CANCELED, None}
    return evidence.is_dialled and evidence.call_code not in over


def weigh(
    attempt: CallAttempt, evidence: Evidence, *, confirms: bool, table: Table
) -> Evidence:
    """What is known of the attempt's call, with this evidence."""
    known = Evidence.of_attempt(attempt)
    if not confirms:
        return join(known, evidence)
    is_end = bool(corrected(known, evidence).outcome_by(table))
    if attempt.confirmed_at is None:
        return corrected(known, evidence) if is_end else join(known, evidence)
    # What is less than an end adds nothing to a confirmed one.
    return join(
        known, evidence if is_end else Evidence(request_code=evidence.request_code)
    )


def is_known(attempt: CallAttempt, joined: Evidence) -> bool:
    """Whether an attempt that is over would stay as it is."""
    return attempt.state == State.ENDED and joined == Evidence.of_attempt(attempt)


def changes(
    attempt: CallAttempt,
    evidence: Evidence,
    *,
    confirms: bool,
    table: Table,
    now: datetime,
    look_at: datetime | None,
) -> dict[str, Any]:
    """What an end leaves in the attempt: confirmed, with its effects due, or to be
    asked about."""
    known = Evidence.of_attempt(attempt)
    joined = weigh(attempt, evidence, confirms=confirms, table=table)
    is_end = bool(corrected(known, evidence).outcome_by(table))
    if not confirms:
        told_at = attempt.next_lookup_at if is_told(attempt) else None
        return {"next_lookup_at": told_at or (look_at or now) + _patience()}
    if not is_end and attempt.confirmed_at is None:
        return {"next_lookup_at": look_at or now}
    changed: dict[str, Any] = {
        "confirmed_at": attempt.confirmed_at or now,
        "next_lookup_at": _words_expected_at(attempt, joined, now=now),
    }
    if attempt.confirmed_at is None or joined != known:
        changed["effects_due_at"] = None if attempt.is_test else now
    fact = joined.outcome_by(table)
    if is_told(attempt) and attempt.corrected_at is None and fact != attempt.outcome:
        logger.warning("attempt %s: Pearl corrects its webhook", attempt.token)
        changed["error"] = _correction(attempt, fact)
    return changed


def ask_if_new(
    attempt: CallAttempt, evidence: Evidence, *, at: datetime, now: datetime
) -> None:
    """A webhook about a call whose end is confirmed: if it knows more, ask Pearl."""
    known = Evidence.of_attempt(attempt)
    if attempt.next_lookup_at is None and join(known, evidence) != known:
        claims.look_again(attempt, at=at, now=now)


def put_off(unconfirmed: QuerySet[CallAttempt], *, now: datetime) -> None:
    """Ends that webhooks told and Pearl's search did not show: asked about ever more
    rarely, and after a day left as they are, for people to see."""
    for attempt in unconfirmed:
        age = now - (attempt.end_heard_at or now)
        if age < CONFIRM_WITHIN:
            least = timedelta(seconds=settings.POLL_SECONDS)
            claims.look_again(attempt, at=now + max(age / 5, least), now=now)
            continue
        reason = str(_("Solo lo dijo un aviso: en 24 horas Pearl no lo confirmó."))
        claims.leave_unconfirmed(attempt, reason=reason, now=now)


def to_ask_about(campaign: Campaign, *, now: datetime) -> QuerySet[CallAttempt]:
    """The ends that the next search is to confirm: none before one has waited long
    enough, or a search pays, or the campaign stands still (the request budget)."""
    told = CallAttempt.objects.filter(campaign=campaign).told()
    is_due = Q(next_lookup_at__lte=now)
    is_fresh = Q(confirmed_at=None, end_heard_at__gt=now - _patience())
    pays = told.filter(is_fresh)[:WORTH_A_SEARCH].count() == WORTH_A_SEARCH
    stands_still = campaign.state == RunState.STOPPED
    if pays or stands_still or told.filter(is_due).exists():
        return told.filter(is_due | is_fresh)
    return told.none()


def is_owed(campaigns: QuerySet[Campaign], *, now: datetime) -> bool:
    """Whether ends told by webhook are to be confirmed yet, or followed by effects."""
    ours = CallAttempt.objects.filter(campaign__in=campaigns)
    fresh = ours.told().filter(confirmed_at=None, end_heard_at__gt=now - OWED_FOR)
    return fresh.exists() or ours.filter(effects_due_at__lte=now).exists()


def _patience() -> timedelta:
    """Longer than one poll, so that one search confirms several calls."""
    return timedelta(seconds=8 * settings.POLL_SECONDS)


def is_told(attempt: CallAttempt) -> bool:
    """Whether only a webhook said so far that it ended: Pearl's word is awaited."""
    return (
        attempt.state == State.ENDED
        and attempt.confirmed_at is None
        and attempt.next_lookup_at is not None
    )


def _words_expected_at(
    attempt: CallAttempt, joined: Evidence, *, now: datetime
) -> datetime | None:
    """Pearl writes what was said a while after the end (pearl-api.md 9.10); what comes
    later still is found by the sweep."""
    heard_at = attempt.end_heard_at or now
    is_silent = joined.duration_seconds and not (joined.summary or joined.transcript)
    due_at = heard_at + WORDS_AFTER
    return due_at if is_silent and now < due_at else None


def _correction(attempt: CallAttempt, fact: Outcome) -> str:
    words = _("Un aviso decía «%(told)s»; vale lo que confirma Pearl: «%(fact)s».")
    told = Outcome(attempt.outcome)
    return str(words % {"told": told.label, "fact": fact.label})
