"""Two records of one person become one, with both histories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from calls.models import Appointment, CallAttempt, Campaign
from calls.states import HELD
from calls.wording import NOTHING, column_label, value_words
from leads.editing import as_json, place_by_address
from leads.models import (
    CallStatus,
    Consent,
    Disposition,
    Lead,
    LeadEvent,
    Suppression,
)
from leads.phones import phone_hash
from leads.search_text import search_text

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

MOST_DUPLICATES = 5
# What a person chooses, record by record. The rest follows from both.
CHOSEN = (
    "first_name",
    "last_name",
    "phone",
    "phone_alt",
    "email",
    "postal_code",
    "city",
    "province",
    "national_id",
    "birth_date",
    "sex",
    "policy_number",
    "segment",
    "certificate",
    "delegation",
    "clinic_name",
    "clinic_id",
    "clinic_address",
    "external_id",
    "source_file",
    "call_priority",
    "disposition",
)
# They come from the same record as the column they belong to.
TOGETHER = {
    "phone": ("phone_e164",),
    "phone_alt": ("phone_alt_e164",),
    "source_file": ("source_row", "lead_import_id"),
    "disposition": ("disposition_reason",),
}


class MergeRefused(ValueError):
    """Nothing was joined. Show `reason`."""

    def __init__(self, reason: StrOrPromise) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One column of two records; `prefers_other`: the likely choice of a person."""

    name: str
    label: StrOrPromise
    kept: str
    other: str
    differs: bool
    prefers_other: bool


def duplicates_of(lead: Lead, *, at_most: int = MOST_DUPLICATES) -> list[Lead]:
    """Other records with one of its numbers or its NIF.

    Without an order: MySQL would follow the order and read the whole table.
    """
    found: dict[int, Lead] = {}
    others = Lead.objects.exclude(pk=lead.pk)
    numbers = {lead.phone_e164, lead.phone_alt_e164} - {""}
    if numbers:
        same = Q(phone_e164__in=numbers) | Q(phone_alt_e164__in=numbers)
        found |= {other.pk: other for other in others.filter(same)[:at_most]}
    if lead.national_id:
        same = Q(national_id=lead.national_id)
        found |= {other.pk: other for other in others.filter(same)[:at_most]}
    return [found[pk] for pk in sorted(found)][:at_most]


def choices(kept: Lead, other: Lead) -> list[Choice]:
    """The filled one, or of two filled ones that of the record touched last."""
    is_newer = other.updated_at > kept.updated_at
    found = []
    for name in CHOSEN:
        mine, theirs = getattr(kept, name), getattr(other, name)
        differs = (mine or "") != (theirs or "")
        found.append(
            Choice(
                name=name,
                label=column_label(name),
                kept=_words(name, mine),
                other=_words(name, theirs),
                differs=differs,
                prefers_other=bool(differs and theirs and (not mine or is_newer)),
            )
        )
    return found


def seen(kept: Lead, other: Lead) -> str:
    """What `merge` is told, to join no record that changed since it was looked at."""
    return f"{kept.updated_at.isoformat()} {other.updated_at.isoformat()}"


@transaction.atomic
def merge(
    kept_id: int,
    other_id: int,
    *,
    from_other: Collection[str],
    seen_as: str,
    by: User | None,
    now: datetime,
) -> None:
    """The second record becomes part of the first: calls, timeline and the columns
    named in `from_other`. Raises MergeRefused; then nothing has changed."""
    kept, other = _locked(kept_id, other_id)
    if seen(kept, other) != seen_as:
        raise MergeRefused(
            _("Uno de los dos ha cambiado desde que se abrió la página: revíselos.")
        )
    if _in_call(kept, other):
        raise MergeRefused(
            _("Uno de los dos tiene una llamada en curso o sin aclarar: espere.")
        )
    columns = _columns(kept, other, from_other=set(from_other), now=now)
    changes = _told(kept, columns) | {"joined": _record_of(other)}
    _move_history(kept, other)
    Lead.objects.filter(pk=other.pk).delete()
    Lead.objects.filter(pk=kept.pk).update(**columns, updated_at=now)
    # What was joined may be what held it: it gets a turn, and is asked again.
    Lead.objects.filter(pk=kept.pk).held().give_turn(now=now)
    LeadEvent.objects.create(
        lead=kept, kind=LeadEvent.Kind.MERGED, changes=changes, by=by, at=now
    )


def _locked(kept_id: int, other_id: int) -> tuple[Lead, Lead]:
    """Both, in the order in which everybody locks leads."""
    rows = Lead.objects.select_for_update().filter(pk__in={kept_id, other_id})
    found = {lead.pk: lead for lead in rows.order_by("pk")}
    if len(found) < 2:
        raise MergeRefused(_("Uno de los dos ya no existe."))
    return found[kept_id], found[other_id]


def _in_call(kept: Lead, other: Lead) -> bool:
    """Calls that are not over belong to the row that they were claimed for."""
    held = CallAttempt.objects.filter(lead__in=(kept, other)).held()
    statuses = {kept.call_status, other.call_status}
    return CallStatus.CALLING in statuses or held.exists()


def _move_history(kept: Lead, other: Lead) -> None:
    """Attempts, appointments and events change their lead. Undoing an import or a bulk
    change looks for leads by its events: those of the other record name theirs in words
    instead, so that what undoes it does not reach a lead it never changed."""
    CallAttempt.objects.filter(lead_id=other.pk).exclude(state__in=HELD).update(
        lead_id=kept.pk
    )
    Appointment.objects.filter(lead_id=other.pk).update(lead_id=kept.pk)
    events = LeadEvent.objects.filter(lead_id=other.pk)
    named: dict[str, list[int]] = {}
    linked = events.exclude(bulk_change=None, lead_import=None)
    for event in linked.select_related("bulk_change", "lead_import"):
        named.setdefault(_name_of_cause(event), []).append(event.pk)
    for words, ids in named.items():
        causes = LeadEvent.objects.filter(pk__in=ids)
        causes.update(text=words, bulk_change=None, lead_import=None)
    events.update(lead_id=kept.pk)


def _name_of_cause(event: LeadEvent) -> str:
    change = event.bulk_change
    if change is None:
        return event.lead_import.name if event.lead_import else ""
    values = change.values.items() if isinstance(change.values, dict) else ()
    told = (value_words(name, value, campaigns={}) for name, value in values)
    return ": ".join(
        filter(None, (change.get_verb_display(), ", ".join(filter(None, told))))
    )


# --- What becomes of the columns ----------------------------------------------------


def _columns(
    kept: Lead, other: Lead, *, from_other: set[str], now: datetime
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in CHOSEN:
        of = other if name in from_other else kept
        for column in (name, *TOGETHER.get(name, ())):
            columns[column] = getattr(of, column)
    columns |= {
        "call_notes": _joined(kept.call_notes, other.call_notes),
        "manual_management": kept.manual_management or other.manual_management,
        "call_attempts_count": kept.call_attempts_count + other.call_attempts_count,
        **_last_call(kept, other),
    }
    columns |= _consent(kept, other, phone=columns["phone_e164"], now=now)
    columns |= _place(kept, other, columns)
    columns |= _wish(kept, other, columns, now=now)
    columns["search_text"] = search_text(_as_lead(columns))
    return columns


def _joined(mine: str | None, theirs: str | None) -> str | None:
    return "\n".join(filter(None, (mine, theirs))) or None


def _last_call(kept: Lead, other: Lead) -> dict[str, Any]:
    """What the latest call of both left behind."""
    last = max(
        (kept, other), key=lambda lead: (_time(lead.last_call_attempt), -lead.pk)
    )
    if last.last_call_attempt is None:
        last = kept
    return {
        "last_call_attempt": last.last_call_attempt,
        "call_error_message": last.call_error_message,
        "pearl_call_response": last.pearl_call_response,
        "call_status": last.call_status,
    }


def _time(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0


def _consent(kept: Lead, other: Lead, *, phone: str, now: datetime) -> dict[str, Any]:
    """A refusal stands; else what one gave is given. Who asked for peace under the
    number that goes away asked for it all the same."""
    numbers = {kept.phone_e164, other.phone_e164} - {"", phone}
    asked = Suppression.objects.active(now=now).filter(
        phone_hash__in=[phone_hash(number) for number in numbers],
        list=Suppression.List.REQUEST,
    )
    if asked.exists():
        source = _("Petición del interesado con el otro número")
        return {"consent": Consent.REFUSED, "consent_source": source}
    for consent in (Consent.REFUSED, Consent.GIVEN):
        for lead in (kept, other):
            if lead.consent == consent:
                return {"consent": consent, "consent_source": lead.consent_source}
    source = kept.consent_source or other.consent_source
    return {"consent": Consent.UNKNOWN, "consent_source": source}


def _place(kept: Lead, other: Lead, columns: dict[str, Any]) -> dict[str, str]:
    """By the chosen address; where it tells none, as staff had written it."""
    place = place_by_address(_as_lead(columns))
    return {
        "community": place.community or kept.community or other.community,
        "time_zone": place.time_zone or kept.time_zone or other.time_zone,
    }


def _wish(
    kept: Lead, other: Lead, columns: dict[str, Any], *, now: datetime
) -> dict[str, Any]:
    """In the queue if the kept one was, or if the other was for a promise that stays.
    Out of it if either asked not to be called, or a person takes care of it."""
    promise = _promise(kept, other, now=now)
    refused = Disposition.DO_NOT_CALL in (kept.disposition, other.disposition)
    if refused:
        columns |= {"disposition": Disposition.DO_NOT_CALL, "disposition_reason": ""}
    is_over = refused or _takes_over_an_end(kept, columns)
    if is_over:
        promise = None
    for_promise = other.selected_for_calling and promise == other.callback_at
    wanted = kept.selected_for_calling or (promise is not None and for_promise)
    if is_over or columns["manual_management"]:
        wanted = False
    wish: dict[str, Any] = {
        "callback_at": promise,
        "selected_for_calling": wanted,
        "call_now": kept.call_now and wanted,
        "pearl_outbound_id": kept.pearl_outbound_id or other.pearl_outbound_id,
        "next_call_at": None,
        "call_status": columns["call_status"],
    }
    if wanted:
        wish["call_status"] = (
            kept.call_status if kept.selected_for_calling else CallStatus.SELECTED
        )
        is_coming = promise is not None and promise > now
        at = promise if is_coming and promise else kept.next_call_at or now
        wish["next_call_at"] = _after_pause(
            at,
            last=columns["last_call_attempt"],
            outbound_id=wish["pearl_outbound_id"],
        )
    elif wish["call_status"] == CallStatus.SELECTED:
        wish["call_status"] = CallStatus.NO_SELECTED
    return wish


def _takes_over_an_end(kept: Lead, columns: dict[str, Any]) -> bool:
    """Of the other record, a result after which nobody calls."""
    result = columns["disposition"]
    goes_on = result in (Disposition.NONE, Disposition.CALL_BACK)
    return result != kept.disposition and not goes_on


def _after_pause(
    at: datetime, *, last: datetime | None, outbound_id: str | None
) -> datetime:
    """The rule of the pause looks at the number: the one that goes away, too, may have
    rung a moment ago."""
    campaign = Campaign.objects.filter(outbound_id=outbound_id).first()
    if last is None or campaign is None:
        return at
    pause: int = campaign.min_gap_minutes
    return max(at, last + timedelta(minutes=pause))


def _promise(kept: Lead, other: Lead, *, now: datetime) -> datetime | None:
    """The next one; a missed one stays while there is none, and so does its alarm."""
    promises = [at for at in (kept.callback_at, other.callback_at) if at]
    coming = [at for at in promises if at > now]
    return min(coming, default=None) or max(promises, default=None)


def _as_lead(columns: dict[str, Any]) -> Lead:
    names = {field.attname for field in Lead._meta.concrete_fields}
    return Lead(**{name: columns[name] for name in names & set(columns)})


# --- What is told -------------------------------------------------------------------


def _told(kept: Lead, columns: dict[str, Any]) -> dict[str, Any]:
    untold = {"search_text", "phone_e164", "phone_alt_e164", "lead_import_id"}
    return {
        name: [as_json(getattr(kept, name)), as_json(value)]
        for name, value in columns.items()
        if name not in untold and getattr(kept, name) != value
    }


def _record_of(other: Lead) -> dict[str, Any]:
    """All that was written in the record that goes away."""
    columns: Sequence[str] = [
        field.attname
        for field in Lead._meta.concrete_fields
        if field.name not in ("search_text", "queue_rank")
    ]
    written = ((name, getattr(other, name)) for name in columns)
    return {name: as_json(value) for name, value in written if value not in (None, "")}


def _words(name: str, value: Any) -> str:
    return value_words(name, as_json(value), campaigns={}) or NOTHING
