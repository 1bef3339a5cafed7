"""Asking Pearl what became of calls: the poll, UNKNOWN attempts, the sweep, orphans.

One search serves every call of a campaign (pearl-api.md 6.5, 9.10): a call carries our
marker, so nothing is ever matched by number, except an UNKNOWN attempt, for which one
unbound call to its number in its minutes is the only trace there can be.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min, Q
from django.utils.translation import gettext as _

from calls import budget, claims, confirming
from calls.evidence import Evidence, join
from calls.log_context import concerning
from calls.models import CallAttempt, Campaign, PearlEvent
from calls.outcomes import record
from calls.pearl import (
    CallReport,
    CallRequestReport,
    NotFound,
    PearlClient,
    RequestId,
)
from calls.pearl_search import (
    SKEW,
    Findings,
    Interrupted,
    Turn,
    pages,
    poll_after,
    search,
)
from calls.states import FINAL_STATUSES, State

logger = logging.getLogger(__name__)

# How far Pearl's clock may differ from ours without hiding a call from us.
UNKNOWN_MARGIN = timedelta(hours=1)
# Older calls are asked about one by one, so that one stuck call does not make every
# search start hours ago.
YOUNG = timedelta(minutes=15)
HORIZON = timedelta(hours=3)
ONE_BY_ONE = 10
SWEEP_EVERY = timedelta(minutes=10)
SWEEP_BACK = timedelta(hours=2)
POLL_SHARE = 10
FINAL_REQUESTS = frozenset({10, 20, 100})


def trust_webhook_until(now: datetime) -> datetime:
    """A call whose start was told by webhook will probably have its end told too."""
    return now + timedelta(seconds=15 * settings.POLL_SECONDS)


def poll(campaign: Campaign, *, pearl: PearlClient, turn: Turn, now: datetime) -> bool:
    """One round of questions about the calls of a campaign that are due for it.

    False: nothing was due, or another process is at it. Raises PearlError, Interrupted.
    """
    followed = CallAttempt.objects.filter(
        campaign=campaign, state__in=[State.ACCEPTED, State.UNKNOWN]
    )
    told = confirming.to_ask_about(campaign, now=now)
    is_due = Q(next_lookup_at__lte=now)
    if not (followed.filter(is_due).exists() or told.exists()):
        return False
    if not _take_round(campaign, now=now):
        return False
    young = followed.filter(send_started_at__gte=now - YOUNG)
    firsts = [rows.aggregate(at=Min("send_started_at"))["at"] for rows in (young, told)]
    found, since = Findings(), now
    if first := min(filter(None, firsts), default=None):
        since = first - SKEW
        found = search(campaign, since=since, pearl=pearl, turn=turn, now=now)
    _space_rounds(campaign, pages=found.pages, now=now)
    talking = [r.to for r in found.strays if r.to and r.status not in FINAL_STATUSES]
    # A webhook that told of the start may be trusted for longer.
    claims.expect_report(talking, at=poll_after(now), now=now, sooner=False)
    confirming.put_off(told.filter(is_due), now=now)
    due = list(followed.filter(is_due).order_by("next_lookup_at"))
    due = [attempt for attempt in due if attempt.pk not in found.seen]
    # A run may be waiting for these.
    due.sort(key=lambda attempt: attempt.state != State.UNKNOWN)
    asked = 0
    for attempt in due:
        with concerning(attempt):
            if attempt.state == State.UNKNOWN:
                seen = found if since <= _sent_at(attempt) - SKEW else None
                _clear_up(attempt, seen, pearl=pearl, turn=turn, now=now)
            elif asked < ONE_BY_ONE:
                _follow(attempt, pearl=pearl, turn=turn, now=now)
                asked += 1
    return True


def give_up_old(campaign: Campaign, *, now: datetime) -> int:
    """Calls that nothing can be learnt of any more are for a person."""
    old = CallAttempt.objects.filter(
        campaign=campaign,
        state__in=[State.ACCEPTED, State.UNKNOWN],
        send_started_at__lt=now - HORIZON - timedelta(hours=1),
    )
    reason = _("En 3 horas no se supo cómo acabó la llamada.")
    return sum(claims.mark_manual(attempt, reason=reason, now=now) for attempt in old)


def sweep(campaign: Campaign, *, pearl: PearlClient, turn: Turn, now: datetime) -> bool:
    """Read the last hours again: late summaries, lost webhooks, calls not ordered."""
    due = Q(next_sweep_at=None) | Q(next_sweep_at__lte=now)
    ours = Campaign.objects.filter(due, pk=campaign.pk)
    if not ours.update(next_sweep_at=now + SWEEP_EVERY):
        return False
    found = search(campaign, since=now - SWEEP_BACK, pearl=pearl, turn=turn, now=now)
    # A call shows our marker only when it is over, and is bound at the latest then.
    waiting = set(
        CallAttempt.objects.filter(campaign=campaign, pearl_call_id=None)
        .open()
        .values_list("phone", flat=True)
    )
    for report in found.strays:
        if report.status in FINAL_STATUSES and report.to not in waiting:
            _keep_orphan(report, now=now)
    return True


def read_since(
    campaign: Campaign,
    *,
    since: datetime,
    pearl: PearlClient,
    turn: Turn,
    now: datetime,
) -> None:
    """Let Pearl tell of every call since then, as after a restore. Raises PearlError,
    Interrupted."""
    start = since - UNKNOWN_MARGIN
    search(campaign, since=start, pearl=pearl, turn=turn, now=now)


def _take_round(campaign: Campaign, *, now: datetime) -> bool:
    due = Q(next_poll_at=None) | Q(next_poll_at__lte=now)
    ours = Campaign.objects.filter(due, pk=campaign.pk)
    return ours.update(next_poll_at=poll_after(now)) == 1


def _space_rounds(campaign: Campaign, *, pages: int, now: datetime) -> None:
    """Keep questions to about a tenth of what Pearl lets us send."""
    least = now + budget.interval() * pages * POLL_SHARE
    Campaign.objects.filter(pk=campaign.pk, next_poll_at__lt=least).update(
        next_poll_at=least
    )


# --- One by one ---------------------------------------------------------------------


def _follow(
    attempt: CallAttempt, *, pearl: PearlClient, turn: Turn, now: datetime
) -> None:
    """An accepted attempt that the search did not show: queued, unmarked, or old."""
    if now - (attempt.send_started_at or now) > HORIZON:
        reason = _("Pearl aceptó la llamada y no ha dicho en 3 horas cómo acabó.")
        claims.mark_manual(attempt, reason=reason, now=now)
        return
    if attempt.pearl_request_id is None:
        claims.look_again(attempt, at=poll_after(now), now=now)
        return
    if not turn():
        raise Interrupted
    logger.info("attempt %s is asked about by its request", attempt.token)
    try:
        request = pearl.call_request(attempt.pearl_request_id)
    except NotFound:
        claims.look_again(attempt, at=_later(attempt, now=now), now=now)
        return
    evidence = Evidence(
        pearl_call_id=request.call_id,
        request_code=request.status,
    )
    if request.call_id is not None:
        if not turn():
            raise Interrupted
        evidence = join(evidence, Evidence.of_report(pearl.call(request.call_id)))
    look_at = _later(attempt, now=now)
    record(attempt, evidence, now=now, look_at=look_at, confirms=True)


def _later(attempt: CallAttempt, *, now: datetime) -> datetime:
    """The older a call, the rarer the question: after a fifth of its age."""
    age = now - (attempt.send_started_at or now)
    return max(poll_after(now), now + age / 5)


# --- UNKNOWN ------------------------------------------------------------------------


def _clear_up(
    attempt: CallAttempt,
    seen: Findings | None,
    *,
    pearl: PearlClient,
    turn: Turn,
    now: datetime,
) -> None:
    """Find the call of an UNKNOWN attempt, or the proof that there is none.

    `seen`: the calls since it was sent, just read. Absence needs time and two witnesses
    (reliability.md 1.5): after the settle time, two looks apart, at all calls and at
    all requests of those minutes. Without proof within the horizon a person decides.
    """
    sent_at = _sent_at(attempt)
    found = seen
    if found is None or now >= sent_at + _settle():
        since = sent_at - UNKNOWN_MARGIN
        found = search(attempt.campaign, since=since, pearl=pearl, turn=turn, now=now)
    if attempt.pk in found.seen:
        return
    fitting = [report for report in found.strays if _fits(report, attempt, sent_at)]
    possible = [report for report in found.strays if _may_be_ours(report, attempt)]
    if now - sent_at > HORIZON:
        reason = _("No se sabe si se llamó: en 3 horas no hubo prueba de ello.")
        claims.mark_manual(attempt, reason=reason, now=now)
    elif any(report.status not in FINAL_STATUSES for report in fitting):
        # A call shows whose it is when it is over, if the marker is declared at all.
        claims.look_again(attempt, at=poll_after(now), now=now, absences=0)
    elif len(fitting) > 1:
        reason = _("Pearl muestra varias llamadas a este número y no se sabe cuál es.")
        logger.error("attempt %s: several calls fit", attempt.token)
        claims.mark_manual(attempt, reason=reason, now=now)
    elif fitting:
        _bind(attempt, fitting[0], now=now)
    elif possible:
        # Its clock or its number do not fit, yet it is no proof of absence.
        claims.look_again(attempt, at=_later(attempt, now=now), now=now, absences=0)
    else:
        _note_absence(attempt, found, pearl=pearl, turn=turn, now=now)


def _bind(attempt: CallAttempt, report: CallReport, *, now: datetime) -> None:
    logger.info("attempt %s is bound to the one call that fits", attempt.token)
    evidence = Evidence.of_report(report)
    record(attempt, evidence, now=now, look_at=poll_after(now), confirms=True)


def _sent_at(attempt: CallAttempt) -> datetime:
    return attempt.send_started_at or attempt.claimed_at


def _settle() -> timedelta:
    return timedelta(seconds=settings.UNKNOWN_SETTLE_SECONDS)


def _fits(report: CallReport, attempt: CallAttempt, sent_at: datetime) -> bool:
    """An unbound call, without anybody's marker, to this number since it was sent."""
    return (
        report.attempt_token is None
        and report.to == attempt.phone
        and report.started_at is not None
        and report.started_at >= sent_at - SKEW
    )


def _may_be_ours(report: CallReport, attempt: CallAttempt) -> bool:
    return report.attempt_token is None and report.to in (attempt.phone, None)


def _note_absence(
    attempt: CallAttempt,
    found: Findings,
    *,
    pearl: PearlClient,
    turn: Turn,
    now: datetime,
) -> None:
    sent_at, settle = _sent_at(attempt), _settle()
    logger.info("attempt %s is not found at Pearl", attempt.token)
    if now < sent_at + settle:
        claims.look_again(attempt, at=min(now + settle / 10, sent_at + settle), now=now)
    elif _may_be_waiting(attempt, found, pearl=pearl, turn=turn, now=now):
        claims.look_again(attempt, at=now + settle / 10, now=now, absences=0)
    elif attempt.absences == 0:
        claims.look_again(attempt, at=now + settle / 10, now=now, absences=1)
    else:
        reason = _("Pearl no tiene esta llamada: no se hizo.")
        claims.mark_not_placed(attempt, reason=reason, now=now)


def _may_be_waiting(
    attempt: CallAttempt,
    found: Findings,
    *,
    pearl: PearlClient,
    turn: Turn,
    now: datetime,
) -> bool:
    """Whether some request of those minutes is unaccounted for: it may be ours, queued.

    Requests carry no number (pearl-api.md 4.3), so any that is neither bound, nor over,
    nor that of a call we saw, counts.
    """
    if found.unreadable:
        return True
    sent_at = _sent_at(attempt)
    open_requests: set[RequestId] = set()
    for page in pages(
        lambda skip: pearl.search_call_requests(
            attempt.campaign.outbound_id,
            since=sent_at - UNKNOWN_MARGIN,
            until=now + SKEW,
            skip=skip,
        ),
        turn=turn,
    ):
        if page.unreadable:
            return True
        open_requests |= {
            request.request_id
            for request in page.items
            if _is_unaccounted(request, found)
        }
    # A call that is over has no request that waits: this one is another's, wherever
    # Pearl put its id.
    bound = CallAttempt.objects.filter(pearl_request_id__in=open_requests)
    bound = bound.exclude(state=State.ENDED)
    return len(open_requests) > bound.count()


def _is_unaccounted(request: CallRequestReport, found: Findings) -> bool:
    if request.call_id is not None:
        return request.call_id not in found.call_ids
    return request.status not in FINAL_REQUESTS


# --- Orphans ------------------------------------------------------------------------


def _keep_orphan(report: CallReport, *, now: datetime) -> None:
    """A call nobody here ordered: shown to people, bound to nobody."""
    body = json.dumps({"id": str(report.call_id), "orphan": True})
    _row, made = PearlEvent.objects.get_or_create(
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        defaults={
            "body": body,
            "received_at": now,
            "result": PearlEvent.Result.UNMATCHED,
            "error": str(_("Llamada en Pearl que no se pidió desde aquí.")),
        },
    )
    if made:
        logger.warning("call %s was not ordered here", report.call_id)
