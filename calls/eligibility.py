"""What the verdict asks about leads, gathered in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Max, Q
from django.db.models.functions import Coalesce, Greatest

from calls.models import CallAttempt, Campaign, OptOut
from calls.states import State
from leads.models import Disposition, Lead
from leads.places import Place
from leads.suppressions import Hold, holds_on, holds_on_hashes
from leads.verdict import Facts, Rules
from leads.window import WindowError, exceeds_legal_hours

# An attempt in one of these rang nobody.
SILENT = (
    State.CLAIMED,
    State.RELEASED,
    State.NOT_SENT,
    State.REJECTED,
    State.NOT_PLACED,
)


def rules_of(campaign: Campaign) -> Rules:
    """Raises WindowError when the campaign's hours cannot be read, or are not legal and
    Pearl is real: then no call."""
    window = campaign.window
    if not settings.PEARL_IS_SIMULATOR and exceeds_legal_hours(window):
        raise WindowError("not_legal")
    return Rules(
        window=window,
        max_attempts=campaign.max_attempts,
        max_per_day=campaign.max_per_day,
        requires_consent=campaign.requires_consent,
    )


def facts_of(
    leads: Sequence[Lead],
    *,
    campaign: Campaign,
    now: datetime,
    ignore: CallAttempt | None = None,
) -> dict[int, Facts]:
    """By lead id. `ignore` is the lead's own attempt, when it is the one that asks."""
    phones = {lead.phone_e164 for lead in leads if lead.phone_e164}
    to_ring = {campaign.number_for(lead) for lead in leads if lead.phone_e164}
    holds = holds_on(phones | to_ring, now=now)
    asked = _asked_for_no_more(leads, now=now)
    held_leads, held_phones = _held(leads, to_ring, ignore=ignore)
    # The telephone of a test may ring as often as its owner likes.
    rung = {} if campaign.test_phone else _rung(phones, campaign=campaign, now=now)
    gap = timedelta(minutes=campaign.min_gap_minutes)
    facts = {}
    for lead in leads:
        number = campaign.number_for(lead)
        last, today = rung.get(lead.phone_e164, (None, 0))
        of_lead = [holds[one] for one in {lead.phone_e164, number} & holds.keys()]
        of_lead += asked.get(lead.pk, ())
        facts[lead.pk] = Facts(
            has_phone=bool(lead.phone_e164),
            suppressed=_said_no(lead) or any(not one.proposed for one in of_lead),
            suppressed_until=None if lead.pk in asked else _held_until(lead, holds),
            exclusion_proposed=any(one.proposed for one in of_lead),
            manual=lead.manual_management,
            consent=lead.consent,
            place=Place(community=lead.community, time_zone=lead.time_zone),
            attempts=lead.call_attempts_count,
            in_course=lead.pk in held_leads or number in held_phones,
            due_at=_due_at(lead, now=now),
            promised=lead.call_now or _is_due(lead.callback_at, now=now),
            gap_ends_at=last + gap if last else None,
            calls_today=today,
        )
    return facts


def _asked_for_no_more(
    leads: Sequence[Lead], *, now: datetime
) -> dict[int, list[Hold]]:
    """Of those who asked for it in a call: what is proposed or was decided about the
    numbers that they had then. It holds them whatever number they have today."""
    requests = OptOut.objects.filter(attempt__lead_id__in=[lead.pk for lead in leads])
    valid = requests.exclude(decision=OptOut.Decision.REJECTED)
    rows = list(valid.values_list("attempt__lead_id", "phone_hash"))
    holds = holds_on_hashes({hashed for _lead, hashed in rows}, now=now)
    asked: dict[int, list[Hold]] = {}
    for lead_id, hashed in rows:
        if hashed in holds:
            asked.setdefault(lead_id, []).append(holds[hashed])
    return asked


def _held(
    leads: Sequence[Lead], numbers: set[str], *, ignore: CallAttempt | None
) -> tuple[set[int | None], set[str | None]]:
    """Leads and numbers from which a further ring cannot be excluded."""
    held = CallAttempt.objects.filter(
        Q(open_lead_id__in=[lead.pk for lead in leads]) | Q(open_phone__in=numbers)
    )
    if ignore is not None:
        held = held.exclude(pk=ignore.pk)
    rows = list(held.values_list("open_lead_id", "open_phone"))
    return {lead_id for lead_id, _phone in rows}, {phone for _lead, phone in rows}


def _said_no(lead: Lead) -> bool:
    """To every call, whatever became of the number on the lists."""
    return lead.disposition == Disposition.DO_NOT_CALL


def _held_until(lead: Lead, holds: Mapping[str, Hold]) -> datetime | None:
    hold = holds.get(lead.phone_e164)
    return None if hold is None or _said_no(lead) else hold.until


def _due_at(lead: Lead, *, now: datetime) -> datetime | None:
    """A call promised for later is not made earlier, unless it is wanted at once."""
    if lead.callback_at is None or lead.call_now or _is_due(lead.callback_at, now=now):
        return lead.next_call_at
    return max(lead.callback_at, lead.next_call_at or lead.callback_at)


def _is_due(at: datetime | None, *, now: datetime) -> bool:
    return at is not None and at <= now


def start_of_day(now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def rung_since(moment: datetime) -> Q:
    """A call may have waited at Pearl: it counts from when it began there, too."""
    return Q(send_started_at__gte=moment) | Q(started_at__gte=moment)


def _rung(
    phones: set[str], *, campaign: Campaign, now: datetime
) -> dict[str, tuple[datetime | None, int]]:
    """Per number, over all campaigns: when it was last rung, and how often today."""
    midnight = start_of_day(now)
    since = min(midnight, now - timedelta(minutes=campaign.min_gap_minutes))
    rows = (
        CallAttempt.objects.filter(rung_since(since), phone__in=phones)
        .exclude(state__in=SILENT)
        .values("phone")
        .annotate(
            last=Max(
                Greatest("send_started_at", Coalesce("started_at", "send_started_at"))
            ),
            today=Count("id", filter=rung_since(midnight)),
        )
        .order_by()
    )
    return {row["phone"]: (row["last"], row["today"]) for row in rows}
