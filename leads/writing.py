"""Many leads written at once: new ones, and columns of those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, cast

from django.db import connection, models
from django.utils import timezone

from leads.models import Lead
from leads.search_text import SOURCES, search_text

# A statement of so many leads with long notes still fits into MySQL's packet.
STATEMENT = 500


def insert_leads(leads: Sequence[Mapping[str, Any]]) -> None:
    """By field name, the values of new leads; the rest are the defaults of the model.

    For 100,000 of them `bulk_create` prepares nearly five million values one by one,
    most of them defaults. Here a default is prepared once.
    """
    if not leads:
        return
    fields = [
        field
        for field in Lead._meta.concrete_fields
        if not field.primary_key and not field.generated
    ]
    blank, now = Lead(), _adapted(timezone.now())
    defaults = {field.attname: _default(field, blank) for field in fields}
    defaults["updated_at"] = now
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = connection.ops.quote_name(Lead._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 (our names)
            [_row(lead, defaults) for lead in leads],
        )


def _row(lead: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Any]:
    values = {**defaults, **lead}
    values["search_text"] = search_text(
        cast("Lead", SimpleNamespace(**{name: values[name] for name in SOURCES}))
    )
    return [
        _adapted(value) if isinstance(value, date) else value
        for value in values.values()
    ]


def _default(field: models.Field[Any, Any], blank: Lead) -> Any:
    return field.get_db_prep_save(getattr(blank, field.attname), connection)


def _adapted(value: date) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value)


def write_columns(
    changes: Mapping[int, Mapping[str, Any]], *, known: Iterable[str]
) -> dict[int, dict[str, list[Any]]]:
    """By lead, columns get new values. Returns [before, after] of each, as for JSON.

    One statement for a batch. `known`: columns enough to write the search text anew.
    Rows are read under their lock, so that no column goes back to an older value.
    """
    if not changes:
        return {}
    named = {name for change in changes.values() for name in change}
    locked = Lead.objects.select_for_update().filter(pk__in=changes)
    there = {row["id"]: row for row in locked.values("id", *{*known, *named} - {"id"})}
    if len(there) != len(changes):
        raise RuntimeError("a lead went away during the import")
    leads = [Lead(**{**there[pk], **change}) for pk, change in changes.items()]
    target = connection.features.supports_update_conflicts_with_target
    # An UPDATE of many rows, each with values of its own: no row is ever inserted,
    # for they are all there, and locked.
    Lead.objects.bulk_create(
        leads,
        batch_size=STATEMENT,
        update_conflicts=True,
        update_fields=[*sorted(named), "search_text", "updated_at"],
        unique_fields=["id"] if target else None,
    )
    return {
        pk: {
            name: [plain(there[pk][name]), plain(new)]
            for name, new in change.items()
            if there[pk][name] != new
        }
        for pk, change in changes.items()
    }


def plain(value: Any) -> Any:
    """As JSON keeps it."""
    return value.isoformat() if isinstance(value, date) else value
