"""Which things calls collect and how each is read: in versions, with a trace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from calls.models import CollectedField, CollectedFieldChange, CollectedValue

if TYPE_CHECKING:
    from django.contrib.auth.models import User

COLUMNS = (
    "label",
    "names",
    "kind",
    "formats",
    "choices",
    "ahead",
    "meaning",
    "order",
    "active",
)


def in_use() -> list[CollectedField]:
    return list(CollectedField.objects.filter(active=True).order_by("order", "id"))


def as_said(name: str) -> str:
    """How two names of variables are compared: webhooks of version 1 capitalise."""
    return name.strip().casefold()


@transaction.atomic
def add(field: CollectedField, *, by: User | None, now: datetime) -> None:
    field.version = 1
    field.save()
    CollectedFieldChange.objects.create(
        field=field, version=1, at=now, by=by, after=columns_of(field)
    )


@transaction.atomic
def change(
    field_id: int, changes: Mapping[str, Any], *, by: User | None, now: datetime
) -> bool:
    """A new version of it. False: nothing differs. Of one no longer in use, what waits
    for a review is set aside."""
    field = CollectedField.objects.select_for_update().get(pk=field_id)
    before = columns_of(field)
    if before == before | dict(changes):
        return False
    rows = CollectedField.objects.filter(pk=field_id)
    rows.update(**changes, version=F("version") + 1)
    after = rows.get()
    CollectedFieldChange.objects.create(
        field=after,
        version=after.version,
        at=now,
        by=by,
        before=before,
        after=columns_of(after),
    )
    if before["active"] and not after.active:
        waiting = CollectedValue.objects.filter(
            field=after, state=CollectedValue.State.REVIEW
        )
        waiting.update(state=CollectedValue.State.SET_ASIDE)
    return True


def columns_of(field: CollectedField) -> dict[str, Any]:
    return {name: getattr(field, name) for name in COLUMNS}
