"""Who writes to attempts, leads and campaigns, each as its caller does it; and where
they may meet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from calls import by_hand, claims, corrections, effects, merging, reconciling, runs
from calls.evidence import Evidence
from calls.outcomes import record
from calls.queue import Wait
from calls.states import Outcome
from leads import editing, promises, selection, suppressions
from leads.models import BulkChange, Lead, Suppression
from leads.selection import Verb
from leads.tests.factories import OUTBOUND_ID
from reliability.interleavings import Again, Op
from reliability.tests.worlds import (
    LATER,
    MISSED,
    NOW,
    PHONE,
    REACHED,
    REQUEST,
    STARTED,
    TOLD_MORE,
    World,
)

TOKEN = UUID("68d2f0a1-b2c3-4d4e-8f6a-700000000001")


def _claim(at: World) -> int:
    claim = claims.claim(at.campaign.pk, worker="b", at_most=1, now=NOW)
    if claim.wait == Wait.LEADS_BUSY:
        raise Again
    return len(claim.attempts)


def _pre_send(at: World) -> str:
    answer = claims.pre_send(at.mine(), now=NOW)
    return "nothing" if answer is None else str(answer.rule)


def _reap(at: World) -> int:
    """It comes round again for what had no end yet when it looked."""
    reaped = claims.reap_leases(now=LATER)
    if not reaped:
        raise Again
    return reaped


def _accept(at: World) -> bool:
    return claims.mark_accepted(
        at.mine(), request_id=REQUEST, queue_position=0, now=NOW, look_at=LATER
    )


def _marks(mark: Callable[..., Any]) -> Callable[[World], Any]:
    return lambda w: mark(w.mine(), reason="x", now=NOW)


def _report(
    evidence: Evidence, *, confirms: bool = False, at: datetime = NOW
) -> Callable[[World], bool]:
    return lambda w: record(
        w.mine(), evidence, now=at, look_at=LATER, confirms=confirms
    )


def _hand(*, rang: bool) -> Callable[[World], bool]:
    return lambda w: by_hand.close_by_hand(w.mine(), rang=rang, reason="y", now=NOW)


def _correct(to: Outcome) -> Callable[[World], None]:
    def act(at: World) -> None:
        seen = at.mine().outcome
        corrections.correct(at.mine().pk, to, seen=seen, reason="x", by=None, now=NOW)

    return act


def _bulk(verb: str, **values: Any) -> Callable[[World], int]:
    def act(at: World) -> int:
        leads = Lead.objects.filter(pearl_outbound_id=OUTBOUND_ID)
        return selection.apply(leads, verb, values, now=NOW, by=None).changed

    return act


def _start(at: World) -> bool:
    seen = at.campaign.generation
    run = runs.start(at.campaign.pk, now=NOW, seen_generation=seen, seen_event=0)
    return run is not None


def _merge(at: World) -> None:
    merging.merge(
        at.lead.pk,
        at.other.pk,
        from_other=[],
        seen_as=at.seen,
        by=None,
        now=NOW,
    )


def _merge_away(at: World) -> None:
    seen = " ".join(reversed(at.seen.split(" ")))
    merging.merge(
        at.other.pk, at.lead.pk, from_other=[], seen_as=seen, by=None, now=NOW
    )


def _propose(at: World) -> None:
    suppressions.propose(
        PHONE, list=Suppression.List.REQUEST, reason="x", source="x", now=NOW
    )


def _withdraw(at: World) -> None:
    suppressions.withdraw(Suppression.objects.filter(phone_e164=PHONE), now=NOW)


def _undo(at: World) -> int:
    """The last change of the world's maker: it had selected the lead."""
    record = BulkChange.objects.filter(verb=Verb.SELECT).first()
    return selection.undo(record, by=None, now=NOW) if record else 0


def _restore(at: World) -> str:
    """A dial that the database lost; the lead may be in another call by now."""
    try:
        made = claims.restore_unknown(
            at.lead, campaign=at.campaign, token=TOKEN, sent_at=NOW, phone=PHONE
        )
    except IntegrityError:
        return "in another call"
    return str(made.state)


def _edit(at: World) -> int:
    return len(editing.edit(at.lead.pk, {"phone": "600000350"}, by=None, now=NOW))


OPS: dict[str, Op[World]] = {
    name: Op(name=name, act=act)
    for name, act in {
        "claim": _claim,
        "pre-send": _pre_send,
        "release": lambda w: claims.release(w.mine(), now=NOW),
        "reap": _reap,
        "accepted": _accept,
        "not sent": _marks(claims.mark_not_sent),
        "refused": _marks(claims.mark_refused),
        "refused account": _marks(claims.mark_refused_account),
        "unknown": _marks(claims.mark_unknown),
        "not placed": _marks(claims.mark_not_placed),
        "manual": _marks(claims.mark_manual),
        "unbind": _marks(claims.unbind),
        "give up old": lambda w: reconciling.give_up_old(
            w.campaign, now=NOW + timedelta(hours=5)
        ),
        "expect report": lambda w: claims.expect_report([PHONE], at=LATER, now=NOW),
        "restore": _restore,
        "look again": lambda w: claims.look_again(w.mine(), at=LATER, now=NOW),
        "ask sooner": lambda w: claims.ask_sooner(w.mine(), at=NOW, now=NOW),
        "leave unconfirmed": _marks(claims.leave_unconfirmed),
        "report start": _report(STARTED),
        "report end": _report(REACHED),
        "report other end": _report(MISSED),
        "confirm end": _report(TOLD_MORE, confirms=True),
        "confirm goes on": _report(
            STARTED, confirms=True, at=NOW + timedelta(minutes=2)
        ),
        "hand rang": _hand(rang=True),
        "hand silent": _hand(rang=False),
        "correct busy": _correct(Outcome.BUSY),
        "correct success": _correct(Outcome.SUCCESS),
        "effects": lambda w: effects.follow_due(now=NOW),
        "start": _start,
        "pause": lambda w: runs.pause(w.campaign.pk, now=NOW),
        "stop": lambda w: runs.stop(w.campaign.pk, now=NOW),
        "finish": lambda w: runs.finish_if_idle(w.campaign.pk, now=NOW),
        "limit": lambda w: runs.change_limit(w.campaign.pk, to=2, now=NOW),
        "bulk select": _bulk(Verb.SELECT, outbound_id=OUTBOUND_ID),
        "bulk deselect": _bulk(Verb.DESELECT),
        "bulk manual": _bulk(Verb.MANUAL),
        "bulk reset": _bulk(Verb.RESET),
        "bulk exclude": _bulk(Verb.EXCLUDE, list="internal"),
        "call now": lambda w: promises.call_now(w.lead.pk, now=NOW, by=None),
        "promise": lambda w: promises.promise(w.lead.pk, at=LATER, now=NOW, by=None),
        "drop promise": lambda w: promises.drop_promise(w.lead.pk, now=NOW, by=None),
        "bulk undo": _undo,
        "edit phone": _edit,
        "merge": _merge,
        "merge away": _merge_away,
        "propose exclusion": _propose,
        "withdraw exclusion": _withdraw,
    }.items()
}
