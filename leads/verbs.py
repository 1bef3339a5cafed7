"""What each verb of the staff changes in a lead, and whom it leaves as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    F,
    Q,
    Value,
    When,
)
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from leads.models import (
    BulkChange,
    CallStatus,
    Disposition,
    NotInterested,
    Priority,
    Suppression,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Verb = BulkChange.Verb


class ChangeRefused(ValueError):
    """The values make no sense. Show `reason`; nothing was changed."""

    def __init__(self, reason: StrOrPromise) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Change:
    """`blockers`: why a lead would stay as it is, the first that holds counts."""

    blockers: Sequence[tuple[StrOrPromise, Q]]
    columns: Mapping[str, Any]

    @property
    def who(self) -> Q:
        blocked = Q()
        for _label, condition in self.blockers:
            blocked |= condition
        return ~blocked if self.blockers else Q()


def change_of(verb: str, values: Mapping[str, Any], *, now: datetime) -> Change:
    match verb:
        case Verb.SELECT:
            return _select(values["outbound_id"], now=now)
        case Verb.DESELECT:
            return Change(blockers=[_not(_("no está en la cola"), WANTED)], columns=OUT)
        case Verb.RESET:
            return _reset(now=now)
        case Verb.PRIORITY:
            return _same(call_priority=Priority(int(values["priority"])))
        case Verb.MANUAL:
            return Change(
                blockers=_same(manual_management=True).blockers,
                columns={"manual_management": True} | OUT,
            )
        case Verb.AUTOMATIC:
            return _same(manual_management=False)
        case Verb.CAMPAIGN:
            return _campaign(values["outbound_id"], now=now)
        case Verb.DISPOSITION:
            return _dispose(values, now=now)
        case Verb.EXCLUDE:
            return _exclude(values["list"], now=now)
        case Verb.CALL_NOW:
            return _call_now(values.get("outbound_id", ""), now=now)
    raise ChangeRefused(_("Esa acción no existe."))


WANTED = Q(selected_for_calling=True)
IN_CALL = Q(call_status=CallStatus.CALLING)

# Out of the queue. A call in course goes on, without a retry. MySQL sets columns from
# left to right, each seeing those before it.
OUT: dict[str, Any] = {
    "selected_for_calling": False,
    "call_now": False,
    "next_call_at": None,
    "call_status": Case(
        When(call_status=CallStatus.SELECTED, then=Value(CallStatus.NO_SELECTED)),
        default=F("call_status"),
    ),
}


def _is_listed(*, now: datetime, **on: Any) -> Q:
    """Whether the lead's number is on an exclusion list that holds today."""
    listed = Suppression.objects.active(now=now).filter(**on)
    return Q(phone_e164__in=listed.numbers())


def _not(label: StrOrPromise, condition: Q) -> tuple[StrOrPromise, Q]:
    return label, ~condition


def _same(**columns: Any) -> Change:
    return Change(blockers=[(_("ya estaba así"), Q(**columns))], columns=columns)


def _uncallable(now: datetime) -> list[tuple[StrOrPromise, Q]]:
    return [
        (_("sin número válido"), Q(phone_e164="")),
        (_("en gestión manual"), Q(manual_management=True)),
        (_("pidió que no se le llame más"), Q(disposition=Disposition.DO_NOT_CALL)),
        (_("en la lista de exclusión"), _is_listed(now=now)),
    ]


def _select(outbound_id: str, *, now: datetime) -> Change:
    # In a call, the lead stays with its campaign whatever is wished.
    already = WANTED & (Q(pearl_outbound_id=outbound_id) | IN_CALL)
    return Change(
        blockers=[*_uncallable(now), (_("ya estaba en esa cola"), already)],
        columns=_into_queue(outbound_id, at=_promised_or(now)),
    )


def _promised_or(now: datetime) -> Case:
    """A call promised for later is not made earlier."""
    return Case(
        When(callback_at__gt=now, then=F("callback_at")),
        default=Value(now),
        output_field=DateTimeField(),
    )


def _into_queue(outbound_id: str | None, *, at: Any) -> dict[str, Any]:
    in_call = When(IN_CALL, then=F("pearl_outbound_id"))
    given = Value(outbound_id) if outbound_id else F("pearl_outbound_id")
    return {
        "selected_for_calling": True,
        "pearl_outbound_id": Case(in_call, default=given, output_field=CharField()),
        "next_call_at": Case(
            When(IN_CALL, then=None), default=at, output_field=DateTimeField()
        ),
        "call_status": Case(
            When(IN_CALL, then=F("call_status")), default=Value(CallStatus.SELECTED)
        ),
        "call_error_message": None,
    }


def _reset(*, now: datetime) -> Change:
    """Forget attempts and errors, as if never called. The selection is kept."""
    return Change(
        blockers=[(_("en una llamada ahora"), IN_CALL)],
        columns={
            "call_attempts_count": 0,
            "call_error_message": None,
            "call_status": Case(
                When(WANTED, then=Value(CallStatus.SELECTED)),
                default=Value(CallStatus.NO_SELECTED),
            ),
            "next_call_at": Case(
                When(WANTED, then=_promised_or(now)), output_field=DateTimeField()
            ),
        },
    )


def _campaign(outbound_id: str, *, now: datetime) -> Change:
    """Whose queue the lead is in, or would be in if it is selected."""
    return Change(
        blockers=[
            (_("en una llamada ahora"), IN_CALL),
            (_("ya era de esa campaña"), Q(pearl_outbound_id=outbound_id)),
        ],
        columns={
            "pearl_outbound_id": outbound_id,
            "next_call_at": Case(
                When(WANTED & Q(next_call_at=None), then=_promised_or(now)),
                default=F("next_call_at"),
                output_field=DateTimeField(),
            ),
        },
    )


def _dispose(values: Mapping[str, Any], *, now: datetime) -> Change:
    disposition = Disposition(values["disposition"])
    if disposition == Disposition.CALL_BACK:
        return _promise(values, now=now)
    reason = ""
    if disposition == Disposition.NOT_INTERESTED:
        reason = NotInterested(values.get("reason", ""))
    columns = {"disposition": disposition, "disposition_reason": reason}
    already = Q(**columns)
    if disposition == Disposition.NONE:
        return Change(blockers=[(_("ya estaba así"), already)], columns=columns)
    already &= Q(selected_for_calling=False, callback_at=None)
    return Change(
        blockers=[(_("ya estaba así"), already)],
        columns=columns | {"callback_at": None} | OUT,
    )


def _promise(values: Mapping[str, Any], *, now: datetime) -> Change:
    """Callbacks: promised calls, ahead of the queue when their time comes."""
    at = values.get("callback_at")
    at = parse_datetime(at) if isinstance(at, str) else at
    if at is None or at <= now:
        raise ChangeRefused(_("Indique una fecha y hora futuras para la rellamada."))
    outbound_id = values.get("outbound_id") or None
    without = [] if outbound_id else [(_("sin campaña"), Q(pearl_outbound_id=None))]
    return Change(
        blockers=[*_uncallable(now), *without],
        columns={
            "disposition": Disposition.CALL_BACK,
            "disposition_reason": "",
            "callback_at": at,
        }
        | _into_queue(outbound_id, at=Value(at, output_field=DateTimeField())),
    )


def _call_now(outbound_id: str, *, now: datetime) -> Change:
    without = [] if outbound_id else [(_("sin campaña"), Q(pearl_outbound_id=None))]
    return Change(
        blockers=[
            *_uncallable(now),
            *without,
            (_("en una llamada ahora"), IN_CALL),
        ],
        columns={"call_now": True} | _into_queue(outbound_id, at=Value(now)),
    )


def _exclude(on_list: str, *, now: datetime) -> Change:
    if on_list not in Suppression.List.values:
        raise ChangeRefused(_("Elija la lista de exclusión."))
    return Change(
        blockers=[
            (_("sin número válido"), Q(phone_e164="")),
            (
                _("ya estaba en esa lista"),
                _is_listed(now=now, list=on_list, proposed=False),
            ),
        ],
        columns=OUT,
    )
