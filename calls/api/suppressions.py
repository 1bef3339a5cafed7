"""The numbers never to be called: listed, added, withdrawn."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Any, Literal

from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.db import IntegrityError, transaction
from django.forms import modelform_factory
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from calls import board, opt_outs
from calls.api.access import allow
from calls.api.pages import page_of
from calls.api.problems import Busy, Unprocessable
from calls.api.queries import LONGEST_PAGE, Id, Moment, refuse_unknown, understood
from calls.models import OptOut, Scope
from leads import suppressions as lists
from leads.filters import LARGEST_ID
from leads.forms import SuppressionForm
from leads.models import Suppression
from leads.phones import NotAPhone, normalise, phone_hash

router = Router(tags=["suppressions"])
FIELDS = ("phone_e164", "list", "reason", "source", "expires_at")
NewForm = modelform_factory(Suppression, form=SuppressionForm, fields=FIELDS)


class SuppressionOut(Schema):
    """`phone` is empty once the number was forgotten: its digest goes on forbidding
    it. `proposed`: by the system; it holds until somebody reviews it."""

    id: int
    phone: str = Field(alias="phone_e164")
    list: str
    reason: str
    source: str
    proposed: bool
    expires_at: datetime | None
    checked_on: date | None
    created_by: str | None
    created_at: datetime

    @staticmethod
    def resolve_created_by(one: Any) -> str | None:
        by = one.created_by
        return by.get_username() if by is not None else None


class SuppressionsOut(Schema):
    """`next`: the `after` of the next page; null on the last one."""

    items: list[SuppressionOut]
    next: int | None


class ListIn(Schema):
    """`phone`: in any spelling; forgotten numbers are found, too."""

    model_config = ConfigDict(extra="forbid")

    phone: str = Field("", max_length=60)
    list: Suppression.List | None = None
    state: Literal["active", "proposed", "expired"] | None = None
    after: int = Field(0, ge=0, le=LARGEST_ID)
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


class ExcludedOut(Schema):
    """Not the number: answers are kept for a day."""

    id: int


class SuppressionIn(Schema):
    """`expires_at`: when it may be called again; null: never."""

    model_config = ConfigDict(extra="forbid")

    phone: str = Field(min_length=1, max_length=60, examples=["600 111 222"])
    list: Suppression.List = Suppression.List.REQUEST
    reason: str = Field("", max_length=200)
    source: str = Field("API", max_length=100)
    expires_at: Moment | None = None


@router.get("suppressions", response=SuppressionsOut, summary="Excluded numbers")
def suppressions(request: HttpRequest, filters: Query[ListIn]) -> dict[str, Any]:
    allow(request, "leads.view_suppression")
    refuse_unknown(request, ListIn)
    rows = Suppression.objects.all()
    if filters.phone:
        rows = rows.filter(phone_hash=_hash_of(filters.phone))
    if filters.list is not None:
        rows = rows.filter(list=filters.list)
    if filters.state is not None:
        rows = rows.in_state(filters.state, now=timezone.now())
    ids, after = page_of(rows, after=filters.after, limit=filters.limit)
    found = Suppression.objects.select_related("created_by").in_bulk(ids)
    return {"items": [found[pk] for pk in ids if pk in found], "next": after}


@router.post("suppressions", response={201: ExcludedOut}, summary="Never call a number")
def exclude(request: HttpRequest, payload: SuppressionIn) -> Status[ExcludedOut]:
    person = allow(request, "leads.add_suppression", scope=Scope.LEADS)
    asked = payload.model_dump()
    form = understood(
        NewForm(asked | {"phone_e164": asked.pop("phone")}),
        names={"phone_e164": "phone"},
    )
    one = form.save(commit=False)
    one.created_by = person
    try:
        with transaction.atomic():
            one.save()
            _log(one, by=person.pk, what=ADDITION)
    except IntegrityError as exc:
        raise Busy from exc  # somebody has just added it
    board.forget_all()
    return Status(201, ExcludedOut(id=one.pk))


@router.delete(
    "suppressions/{suppression_id}", response={204: None}, summary="Call it again"
)
def withdraw(request: HttpRequest, suppression_id: Path[Id]) -> Status[None]:
    """Its leads that were waiting get their turn. Other lists may still forbid it."""
    person = allow(request, "leads.delete_suppression", scope=Scope.LEADS)
    one = get_object_or_404(Suppression, pk=suppression_id)
    with transaction.atomic():
        _log(one, by=person.pk, what=DELETION)
        rows = Suppression.objects.filter(pk=one.pk)
        now = timezone.now()
        opt_outs.decide(rows, OptOut.Decision.REJECTED, by=person, now=now)
        lists.withdraw(rows, now=now)
    board.forget_all()
    return Status(204, None)


def _hash_of(typed: str) -> str:
    with suppress(NotAPhone):
        return phone_hash(normalise(typed))
    raise Unprocessable({"phone": _("No es un número de teléfono.")})


def _log(one: Suppression, *, by: int, what: int) -> None:
    LogEntry.objects.log_actions(by, [one], what, "API", single_object=True)
