"""Who asks in a call never to be called again: proposed to a person as an exclusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from calls.models import CallAttempt, OptOut
from calls.opt_out_words import LONGEST, find_request
from leads import suppressions
from leads.models import Lead, Suppression
from leads.phones import phone_hash

if TYPE_CHECKING:
    from django.contrib.auth.models import User

REQUEST = Suppression.List.REQUEST


def propose_from(attempt: CallAttempt, *, now: datetime) -> bool:
    """Of a locked attempt: if somebody asked for it there, propose to exclude all the
    numbers of the lead. Once a call: what a person rejected is not proposed again by
    the same words. False: nobody asked, or it was proposed before."""
    if attempt.is_test or attempt.opt_outs.exists():
        return False
    sentence = find_request(_spoken(attempt.transcript))
    if sentence is None:
        return False
    sentence = sentence[:LONGEST]
    source = _("Llamada %d") % attempt.pk
    phones = [phone for phone in _numbers(attempt) if phone]
    for phone in phones:
        suppressions.propose(
            phone, list=REQUEST, reason=sentence, source=source, now=now
        )
    OptOut.objects.bulk_create(
        OptOut(
            attempt=attempt,
            phone_hash=phone_hash(phone),
            sentence=sentence,
            at=now,
        )
        for phone in phones
    )
    return True


def decide(
    exclusions: QuerySet[Suppression],
    decision: OptOut.Decision,
    *,
    by: User | None,
    now: datetime,
) -> None:
    """What a person makes of these proposals stays with the calls that led to them. Who
    was held by one that is rejected, whatever number they have by now, goes on."""
    hashes = exclusions.filter(list=REQUEST).order_by().values("phone_hash")
    waiting = OptOut.objects.filter(
        phone_hash__in=hashes, decision=OptOut.Decision.NONE
    )
    who = [*waiting.values_list("attempt__lead_id", flat=True)]
    waiting.update(decision=decision, decided_by=by, decided_at=now)
    if decision == OptOut.Decision.REJECTED:
        held = Lead.objects.filter(pk__in=who, next_call_at=None).queued()
        held.give_turn(now=now)


def _numbers(attempt: CallAttempt) -> dict[str, None]:
    """Each once: the one that rang, and those that the lead has today."""
    lead: Lead = attempt.lead
    return dict.fromkeys((attempt.phone, lead.phone_e164, lead.phone_alt_e164))


def _spoken(transcript: Any) -> Iterator[str]:
    turns = transcript if isinstance(transcript, list) else ()
    for turn in turns:
        if isinstance(turn, Mapping) and isinstance(turn.get("text"), str):
            yield turn["text"]
