"""Which numbers may not be called, be they known by digits or only by their hash."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.models import Lead, Suppression
from leads.phones import phone_hash

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BATCH = 2_000


@dataclass(kw_only=True)
class Excluded:
    """What became of the numbers that were to be put on a list."""

    added: int = 0
    already: int = 0
    without_number: int = 0


# --- Asking -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why a number may not be called: a list has it, or it is only proposed for one.

    `until` is None for what has no end, and so is a proposal.
    """

    proposed: bool
    until: datetime | None = None

    def __or__(self, other: Hold) -> Hold:
        """What a list says counts before a proposal, and the later of two ends."""
        if self.proposed != other.proposed:
            return other if self.proposed else self
        if self.until is None or other.until is None:
            return Hold(proposed=self.proposed)
        return Hold(proposed=self.proposed, until=max(self.until, other.until))


def suppressed_among(phones: Iterable[str], *, now: datetime) -> set[str]:
    """Which of these E.164 numbers may not be called now, in one query."""
    return {*holds_on(phones, now=now)}


def holds_on(phones: Iterable[str], *, now: datetime) -> dict[str, Hold]:
    """Those that may not be called now, and why."""
    of_hash = {phone_hash(phone): phone for phone in phones if phone}
    if not of_hash:
        return {}
    numbers = {*of_hash.values()}
    # By number too: it forbids even if the key of the hashes was lost.
    found = (
        Suppression.objects.active(now=now)
        .filter(Q(phone_hash__in=[*of_hash]) | Q(phone_e164__in=[*numbers]))
        .values_list("phone_e164", "phone_hash", "expires_at", "proposed")
    )
    holds: dict[str, Hold] = {}
    for written, hashed, expires_at, proposed in found:
        phone = written if written in numbers else of_hash[hashed]
        hold = Hold(proposed=proposed, until=expires_at)
        holds[phone] = holds[phone] | hold if phone in holds else hold
    return holds


def holds_on_hashes(hashes: Collection[str], *, now: datetime) -> dict[str, Hold]:
    """As `holds_on`, of numbers known by their hash alone."""
    if not hashes:
        return {}
    holds: dict[str, Hold] = {}
    found = Suppression.objects.active(now=now).filter(phone_hash__in=[*hashes])
    for row in found:
        hold = Hold(proposed=row.proposed, until=row.expires_at)
        holds[row.phone_hash] = holds.get(row.phone_hash, hold) | hold
    return holds


# --- Adding -------------------------------------------------------------------------


@transaction.atomic
def exclude(
    leads: QuerySet[Lead],
    *,
    list: Suppression.List,
    reason: str,
    by: User | None,
    now: datetime,
    source: str = "",
) -> Excluded:
    """Put the numbers of these leads on a list for good. Taking the leads out of the
    queue is the caller's."""
    done = Excluded(without_number=leads.filter(phone_e164="").count())
    for phones in distinct_numbers(leads):
        new = [
            Suppression(
                phone_e164=phone,
                list=list,
                reason=reason,
                source=source,
                created_by=by,
                created_at=now,
            )
            for phone in phones
        ]
        added = add(new, list=list)
        done.added += added
        done.already += len(phones) - added
    return done


def add(suppressions: Sequence[Suppression], *, list: Suppression.List) -> int:
    """Of one list, each number once; returns how many were not on it. Of those that
    were, the proposed become firm, and those that end last as long as the new say."""
    for one in suppressions:
        one.set_hash()
    hashes = [one.phone_hash for one in suppressions]
    on_list = Suppression.objects.filter(list=list, phone_hash__in=hashes)
    known = {*on_list.values_list("phone_hash", flat=True)}
    for expires_at in {one.expires_at for one in suppressions}:
        renewed = [o.phone_hash for o in suppressions if o.expires_at == expires_at]
        rows = Suppression.objects.filter(list=list, phone_hash__in=renewed)
        rows.filter(proposed=True).update(proposed=False)
        shorter = Q(expires_at__isnull=False)
        if expires_at is not None:
            shorter = Q(expires_at__lt=expires_at)
        rows.filter(shorter).update(expires_at=expires_at)
    new = [one for one in suppressions if one.phone_hash not in known]
    # Somebody else may be adding the same number at this moment: once is enough.
    Suppression.objects.bulk_create(new, batch_size=BATCH, ignore_conflicts=True)
    return len(new)


def propose(
    phone: str, *, list: Suppression.List, reason: str, source: str, now: datetime
) -> None:
    """The system saw a reason not to call it: it holds until somebody reviews it."""
    Suppression.objects.get_or_create(
        phone_hash=phone_hash(phone),
        list=list,
        defaults={
            "phone_e164": phone,
            "reason": reason,
            "source": source,
            "proposed": True,
            "created_at": now,
        },
    )
    # One that had ended and is seen again has to be reviewed again.
    Suppression.objects.filter(
        phone_hash=phone_hash(phone), list=list, expires_at__lte=now
    ).update(proposed=True, expires_at=None)


# --- Forgetting, and taking off -----------------------------------------------------


def forget_numbers(suppressions: QuerySet[Suppression]) -> int:
    """Keep only the hashes of these numbers, on every list they are on; returns how
    many of the given ones changed.

    A number that a lead has is not forgotten: questions asked by number would miss it.
    """
    written = suppressions.exclude(phone_e164="")
    kept = written.filter(_has_leads())
    changed = written.count() - kept.count()
    for hashes in _hashes(written.exclude(_has_leads())):
        rows = Suppression.objects.filter(~_has_leads(), phone_hash__in=hashes)
        pks = [*rows.values_list("pk", flat=True)]
        rows.filter(pk__in=pks).update(phone_e164="")
        _forget_log(pks)
    return changed


def _forget_log(pks: Sequence[int]) -> None:
    """The admin's own log calls each row by its number."""
    kind = ContentType.objects.get_for_model(Suppression)
    told = LogEntry.objects.filter(
        content_type=kind, object_id__in=[str(pk) for pk in pks]
    )
    told.update(object_repr="…")


def revive(phones: Iterable[str]) -> None:
    """Leads got these numbers: a list that had forgotten one knows it again."""
    of_hash = {phone_hash(phone): phone for phone in phones if phone}
    forgotten = [
        *Suppression.objects.filter(phone_hash__in=[*of_hash], phone_e164="").only(
            "phone_hash"
        )
    ]
    for one in forgotten:
        one.phone_e164 = of_hash[one.phone_hash]
    Suppression.objects.bulk_update(forgotten, ["phone_e164"], batch_size=BATCH)


@transaction.atomic
def withdraw(suppressions: QuerySet[Suppression], *, now: datetime) -> None:
    """Take these off their lists: their leads get their turns again."""
    gone = [*suppressions.values_list("phone_e164", "expires_at")]
    suppressions.delete()
    give_turns(
        {phone for phone, _end in gone}, now=now, until={end for _phone, end in gone}
    )


def give_turns(
    phones: Collection[str],
    *,
    now: datetime,
    until: Collection[datetime | None] = (),
) -> int:
    """A list no longer holds these numbers, or for less time: their leads are asked
    about again. `until` are the ends that they were put off to."""
    waiting = Q(next_call_at=None) | Q(next_call_at__in=[end for end in until if end])
    numbers = [phone for phone in phones if phone]
    changed = 0
    for at in range(0, len(numbers), BATCH):
        held = Lead.objects.filter(phone_e164__in=numbers[at : at + BATCH]).queued()
        changed += held.filter(waiting).give_turn(now=now)
    return changed


# --- Numbers of leads ---------------------------------------------------------------


def distinct_numbers(leads: QuerySet[Lead]) -> Iterator[list[str]]:
    """Each number of these leads once, in order, some at a time."""
    last = ""
    numbers = leads.order_by("phone_e164").values_list("phone_e164", flat=True)
    while batch := [*numbers.filter(phone_e164__gt=last).distinct()[:BATCH]]:
        yield batch
        last = batch[-1]


def _has_leads() -> Q:
    number = OuterRef("phone_e164")
    return Q(Exists(Lead.objects.filter(phone_e164=number))) | Q(
        Exists(Lead.objects.filter(phone_alt_e164=number))
    )


def _hashes(suppressions: QuerySet[Suppression]) -> Iterator[list[str]]:
    last = 0
    rows = suppressions.order_by("pk").values_list("pk", "phone_hash")
    while batch := [*rows.filter(pk__gt=last)[:BATCH]]:
        yield [hashed for _pk, hashed in batch]
        last = batch[-1][0]
