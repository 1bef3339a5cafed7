"""The round trip with the Lista Robinson: the numbers that are asked, and its answer.

The list is not given away: a company sends its own numbers and is told which of them
are on it. The layout of Adigital's files could not be verified, so both ways are the
plainest there is: one column TELEFONO with the nine digits of a Spanish number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import BufferedIOBase
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from leads.csv_files import UnreadableFile
from leads.import_report import Report
from leads.models import Export, Lead, ListAnswer, Suppression
from leads.phones import phone_hash
from leads.suppression_files import NumbersFile
from leads.suppressions import distinct_numbers

if TYPE_CHECKING:
    from django.contrib.auth.models import User

HEADER = "TELEFONO"
SPAIN = "+34"
# An answer with every number that was asked is suspicious from so many on.
FEW = 10


class AlreadyApplied(ValueError):
    """The same file answered the same question before. Nothing was done."""

    def __init__(self, answer: ListAnswer) -> None:
        super().__init__("already applied")
        self.answer = answer


@dataclass(frozen=True, kw_only=True)
class Applied:
    """An answer, and what became of each row of its file."""

    answer: ListAnswer
    report: Report
    # Known from an answer of that day or a later one.
    kept: int


# --- Asking -------------------------------------------------------------------------


def spanish(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """The leads whose number the list can know of."""
    return leads.filter(phone_e164__startswith=SPAIN)


def asked_numbers(leads: QuerySet[Lead]) -> Iterator[list[str]]:
    """Each number once, in nine digits, some at a time."""
    for phones in distinct_numbers(spanish(leads)):
        yield [phone.removeprefix(SPAIN) for phone in phones]


# --- The answer ---------------------------------------------------------------------


@transaction.atomic
def apply_answer(
    file: BufferedIOBase,
    *,
    name: str,
    export: Export | None,
    answered_on: date,
    by: User | None,
    now: datetime,
    all_found: bool = False,
) -> Applied:
    """Put the numbers of the answer on the list, or renew them, as of its date.

    A number that is not in it stays on the list: what was asked is not kept, so its
    absence proves nothing. Raises UnreadableFile, AlreadyApplied.
    """
    answer = ListAnswer(
        list=Suppression.List.ROBINSON,
        export=export,
        answered_on=answered_on,
        name=name[:255],
        sha256=hashlib.file_digest(file, "sha256").hexdigest(),
        by=by,
        at=now,
    )
    file.seek(0)
    _refuse_a_second_time(answer)
    numbers, kept = NumbersFile(file), 0
    for batch in numbers.batches():
        added, renewed = _apply([v["phone_e164"] for v in batch], answer=answer)
        answer.added += added
        answer.renewed += renewed
        kept += len(batch) - added - renewed
    report = numbers.report
    report.created, report.already_known = answer.added, answer.renewed + kept
    report.check_sum()
    if not all_found:
        _refuse_the_question_itself(report, export=export)
    answer.rows, answer.rejected = report.rows, report.rejected
    answer.save()
    return Applied(answer=answer, report=report, kept=kept)


def _refuse_a_second_time(answer: ListAnswer) -> None:
    same = ListAnswer.objects.filter(
        list=answer.list, sha256=answer.sha256, export=answer.export
    ).first()
    if same is not None:
        raise AlreadyApplied(same)


def _apply(phones: list[str], *, answer: ListAnswer) -> tuple[int, int]:
    """How many numbers were added, and how many renewed. An answer never replaces a
    later one."""
    of_hash = {phone_hash(phone): phone for phone in phones}
    on_list = Suppression.objects.filter(
        list=Suppression.List.ROBINSON, phone_hash__in=[*of_hash]
    )
    known = {*on_list.values_list("phone_hash", flat=True)}
    earlier = Q(checked_on=None) | Q(checked_on__lt=answer.answered_on)
    renewed = on_list.filter(earlier).update(
        checked_on=answer.answered_on, expires_at=None, proposed=False
    )
    Suppression.objects.bulk_create(
        [
            Suppression(
                phone_e164=phone,
                list=Suppression.List.ROBINSON,
                source=answer.name[:100],
                checked_on=answer.answered_on,
                created_by=answer.by,
                created_at=answer.at,
            )
            for hashed, phone in of_hash.items()
            if hashed not in known
        ],
        ignore_conflicts=True,
    )
    return len(of_hash) - len(known), renewed


def _refuse_the_question_itself(report: Report, *, export: Export | None) -> None:
    found = report.created + report.already_known
    if export is not None and found >= max(export.rows, FEW):
        raise UnreadableFile(
            _(
                "El fichero trae todos los números que se preguntaron: parece la "
                "consulta y no la respuesta. Deje solo los que están en la lista o, si "
                "de verdad están todos, márquelo y vuelva a importarlo."
            )
        )


def unconfirmed(answer: ListAnswer, *, now: datetime) -> QuerySet[Suppression]:
    """On the list, but neither by this answer nor by a later one."""
    return Suppression.objects.active(now=now).filter(
        list=Suppression.List.ROBINSON, checked_on__lt=answer.answered_on
    )
