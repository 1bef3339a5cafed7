"""Taking an import back: what it made goes, what it changed is as it was."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from leads import import_files, suppressions
from leads.import_rows import batches
from leads.import_states import NOT_NOW, ImportChanged
from leads.matching import CONSENT
from leads.models import CallStatus, Consent, Disposition, Lead, LeadEvent, LeadImport
from leads.search_text import SOURCES
from leads.writing import plain, write_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

Kind = LeadEvent.Kind
State = LeadImport.State
# Somebody has worked with the lead since: deleting it would delete that work.
BY_HAND = (
    Kind.EDITED,
    Kind.NOTE,
    Kind.CALLBACK,
    Kind.DISPOSITION,
    Kind.MERGED,
    Kind.EXCLUDED,
)


def why_not_undo(record: LeadImport) -> StrOrPromise:
    """ "" if it can be undone. Being in the queue is no hindrance; a call is."""
    if record.state != State.DONE:
        return _("Solo se deshace una importación hecha.")
    if record.created + record.updated == 0:
        return _("No cambió ningún lead: no hay nada que deshacer.")
    return _called(record) or _worked_on(record) or _changed_since(record)


@transaction.atomic
def undo(record: LeadImport, *, by: User | None, now: datetime) -> int:
    """How many leads are as before the import. Raises ImportChanged."""
    locked = LeadImport.objects.select_for_update().get(pk=record.pk)
    if locked.state != State.DONE:
        raise ImportChanged(NOT_NOW)
    # In the lock of the rows: a worker that wants one of them waits, or came first.
    list(_touched(record).select_for_update().values_list("pk"))
    if why := why_not_undo(locked):
        raise ImportChanged(why)
    count = _put_back(record, by=by, now=now) + _delete(record)
    LeadImport.objects.filter(pk=record.pk).update(
        state=State.UNDONE, undone_at=now, undone_by=by
    )
    transaction.on_commit(lambda: import_files.forget(record.stored_as))
    record.refresh_from_db()
    return count


def _made(record: LeadImport) -> QuerySet[Lead]:
    return Lead.objects.filter(lead_import=record)


def _updates(record: LeadImport) -> QuerySet[LeadEvent]:
    return LeadEvent.objects.filter(lead_import=record, kind=Kind.IMPORTED)


def _touched(record: LeadImport) -> QuerySet[Lead]:
    updated = _updates(record).values("lead_id")
    return Lead.objects.filter(Q(lead_import=record) | Q(pk__in=updated))


def _called(record: LeadImport) -> StrOrPromise:
    """Also by what protects a lead from being deleted: other apps keep its calls."""
    called = Q(call_attempts_count__gt=0) | Q(last_call_attempt__isnull=False)
    called |= Q(call_status=CallStatus.CALLING)
    for relation in Lead._meta.related_objects:
        if relation.on_delete is models.PROTECT:
            query = relation.related_model._base_manager.all()
            called |= Q(pk__in=query.values(relation.field.attname))
    count = _made(record).filter(called).count()
    if not count:
        return ""
    words = ngettext_lazy(
        "Ya se ha llamado a {count} de sus leads: no se puede deshacer.",
        "Ya se ha llamado a {count} de sus leads: no se puede deshacer.",
        count,
    )
    return format_lazy(words, count=count)


def _worked_on(record: LeadImport) -> StrOrPromise:
    events = LeadEvent.objects.filter(lead__lead_import=record).filter(
        Q(kind__in=BY_HAND) | Q(kind=Kind.IMPORTED)
    )
    ids = events.exclude(lead_import=record).values("lead_id")
    by_hand = Q(pk__in=ids) | ~Q(disposition=Disposition.NONE)
    count = _made(record).filter(by_hand).count()
    if not count:
        return ""
    words = ngettext_lazy(
        "{count} de sus leads se ha modificado después: no se puede deshacer.",
        "{count} de sus leads se han modificado después: no se puede deshacer.",
        count,
    )
    return format_lazy(words, count=count)


def _changed_since(record: LeadImport) -> StrOrPromise:
    """Of the updated ones: what the import wrote is what is still there."""
    count = 0
    for events in _event_batches(record):
        there = _values(events)
        count += sum(
            any(
                plain(there[event.lead_id][name]) != after
                for name, (_before, after) in event.changes.items()
            )
            for event in events
            if event.lead_id in there
        )
    if not count:
        return ""
    words = ngettext_lazy(
        "Los datos que actualizó en {count} lead han cambiado después: no se puede "
        "deshacer.",
        "Los datos que actualizó en {count} leads han cambiado después: no se puede "
        "deshacer.",
        count,
    )
    return format_lazy(words, count=count)


def _put_back(record: LeadImport, *, by: User | None, now: datetime) -> int:
    count = 0
    for events in _event_batches(record):
        back = {
            event.lead_id: {
                name: Lead._meta.get_field(name).to_python(before)  # type: ignore[union-attr]
                for name, (before, _after) in event.changes.items()
                if not (name in CONSENT and _refuses(event))
            }
            for event in events
        }
        told = write_columns(back, known=SOURCES)
        suppressions.revive(
            {str(one["phone_e164"]) for one in back.values() if "phone_e164" in one}
        )
        LeadEvent.objects.bulk_create(
            LeadEvent(lead_id=pk, kind=Kind.UNDONE, at=now, by=by, changes=changes)
            for pk, changes in told.items()
        )
        Lead.objects.filter(pk__in=told).held().give_turn(now=now)
        count += len(told)
    return count


def _refuses(event: LeadEvent) -> bool:
    """A refusal stands: another file or a person may have said it since."""
    return Consent.REFUSED in event.changes.get("consent", ())[1:]


def _delete(record: LeadImport) -> int:
    count = 0
    while ids := list(_made(record).values_list("pk", flat=True)[:1000]):
        Lead.objects.filter(pk__in=ids).delete()
        count += len(ids)
    return count


def _event_batches(record: LeadImport) -> Iterator[list[LeadEvent]]:
    return batches(_updates(record).order_by("pk").iterator())


def _values(events: list[LeadEvent]) -> dict[int, dict[str, Any]]:
    named = {name for event in events for name in event.changes} - {"id"}
    ids = [event.lead_id for event in events]
    rows = Lead.objects.filter(pk__in=ids).values("id", *named)
    return {row["id"]: row for row in rows}
