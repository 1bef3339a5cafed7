"""What Pearl's codes mean to the centre, by version; and which version is in force.

What ends a call is not here: final statuses, blocked numbers and answered calls without
a duration are the protocol's (`calls.states`), and no table changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db import transaction

from calls.models import OutcomeTable
from calls.states import (
    BLOCKED,
    FINAL_STATUSES,
    OF_CONVERSATION,
    OF_STATUS,
    Outcome,
    lacks_duration,
)
from leads.models import CallStatus, Disposition

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# The call statuses that the end of a call may give a lead.
ENDED_STATUSES = (
    CallStatus.COMPLETED,
    CallStatus.NO_ANSWER,
    CallStatus.BUSY,
    CallStatus.ERROR,
)
SHOWN_SECONDS = 5
_SHOWN = "outcome-table-shown"

# A call's code, and its conversation's; None: any other.
Codes = tuple[int, int | None]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an outcome makes of the lead, and what it counts as."""

    call_status: str
    disposition: str = Disposition.NONE.value
    contacted: bool = False
    positive: bool = False
    do_not_call: bool = False
    retry: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Version 0 is the one written here."""

    version: int
    codes: Mapping[Codes, Outcome]
    meanings: Mapping[str, Meaning] = field(repr=False)

    def outcome_of(
        self, *, status: int | None, conversation: int | None, duration: int | None
    ) -> Outcome:
        """NONE: it is not over, or these codes have no row."""
        if status is None or status not in FINAL_STATUSES:
            return Outcome.NONE
        if conversation == BLOCKED:
            return Outcome.BLACKLISTED
        if lacks_duration(status=status, conversation=conversation, duration=duration):
            return Outcome.NONE
        exact = self.codes.get((status, conversation))
        return exact or self.codes.get((status, None), Outcome.NONE)

    def meaning(self, outcome: str) -> Meaning:
        return self.meanings[outcome]

    def status_of(self, outcome: str) -> CallStatus:
        return CallStatus(self.meanings[outcome].call_status)

    def outcomes_of(self, status: str) -> list[str]:
        """Those that leave a lead with this call status."""
        every = self.meanings.items()
        return [str(one) for one, what in every if what.call_status == status]

    def outcomes_that_are(self, flag: str) -> list[str]:
        """Those with this flag of `Meaning`."""
        return [str(one) for one, what in self.meanings.items() if getattr(what, flag)]

    def as_columns(self) -> dict[str, Any]:
        codes = [[*codes, str(outcome)] for codes, outcome in self.codes.items()]
        meanings = {str(one): asdict(what) for one, what in self.meanings.items()}
        return {"codes": codes, "meanings": meanings}


def _built_in() -> Table:
    codes: dict[Codes, Outcome] = {
        (4, conversation): outcome for conversation, outcome in OF_CONVERSATION.items()
    }
    for status, outcome in OF_STATUS.items():
        codes |= {(status, None): outcome, (status, 150): Outcome.UNREACHABLE}
    talked = Meaning(call_status=CallStatus.COMPLETED.value, contacted=True)
    missed = Meaning(call_status=CallStatus.NO_ANSWER.value, retry=True)
    failed = Meaning(call_status=CallStatus.ERROR.value, retry=True)
    meanings = {
        Outcome.SUCCESS: replace(talked, positive=True),
        Outcome.NOT_SUCCESSFUL: talked,
        Outcome.CONVERSATION: talked,
        Outcome.VOICEMAIL: missed,
        Outcome.TOO_BRIEF: missed,
        Outcome.NO_ANSWER: missed,
        Outcome.UNREACHABLE: missed,
        Outcome.BUSY: replace(missed, call_status=CallStatus.BUSY.value),
        Outcome.FAILED: failed,
        Outcome.BLACKLISTED: replace(failed, retry=False, do_not_call=True),
        Outcome.PROVIDER_ERROR: failed,
        Outcome.CANCELLED: failed,
    }
    return Table(
        version=0, codes=codes, meanings={str(k): v for k, v in meanings.items()}
    )


BUILT_IN = _built_in()


# --- Which one is in force ----------------------------------------------------------


def current() -> Table:
    """The newest, by one tiny query: for whoever writes what it says."""
    newest = OutcomeTable.objects.order_by("-pk").values_list("pk", flat=True).first()
    return of_version(newest)


def shown() -> Table:
    """The newest, five seconds old at most: for whoever only shows it."""
    known: Table | None = cache.get(_SHOWN)
    if known is None:
        newest = OutcomeTable.objects.order_by("-pk").first()
        known = read(newest) if newest else BUILT_IN
        cache.set(_SHOWN, known, SHOWN_SECONDS)
    return known


def shown_status(outcome: str) -> CallStatus:
    """The call status whose colour it has; without an outcome, that of an error."""
    return shown().status_of(outcome) if outcome else CallStatus.ERROR


def of_version(version: int | None) -> Table:
    """A version never changes, so a process reads each one once."""
    if not version:
        return BUILT_IN
    key = f"outcome-table:{version}"
    known: Table | None = cache.get(key)
    if known is None:
        known = read(OutcomeTable.objects.get(pk=version))
        cache.set(key, known, None)
    return known


def read(row: OutcomeTable) -> Table:
    """Outcomes that came into the code after it was written keep what the code says."""
    codes = {
        (status, conversation): Outcome(outcome)
        for status, conversation, outcome in row.codes
    }
    written = {one: Meaning(**what) for one, what in row.meanings.items()}
    return Table(version=row.pk, codes=codes, meanings={**BUILT_IN.meanings, **written})


# --- A new version ------------------------------------------------------------------


class TableChanged(Exception):
    """Somebody else made a version since: show it, and let the person decide again."""


@transaction.atomic
def publish(
    table: Table, *, seen: int, by: User | None, reason: str, now: datetime
) -> Table:
    """Make it the version in force. `seen`: the version it was made from. Raises
    TableChanged. Whether it makes sense is asked before, by `outcome_table_forms`."""
    # Two who publish at once wait here for each other, and the second one reads anew.
    rows = OutcomeTable.objects.order_by("-pk")
    rows.select_for_update().first()
    newest = rows.values_list("pk", flat=True).first() or 0
    if newest != seen:
        raise TableChanged
    row = OutcomeTable.objects.create(
        **table.as_columns(), made_by=by, made_at=now, reason=reason
    )
    transaction.on_commit(forget)
    return replace(table, version=row.pk)


def forget() -> None:
    cache.delete(_SHOWN)
