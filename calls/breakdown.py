"""Who of a campaign's queue would be called now, who would not, and why: in counts.

The leads are grouped in the database by the facts that the rules ask about, and the one
verdict judges each group, so the numbers are those that a claim will find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual

from calls.eligibility import SILENT, rules_of, rung_since, start_of_day
from calls.models import CallAttempt, Campaign, OptOut
from leads.models import Disposition, Lead, Suppression
from leads.places import Place
from leads.verdict import Facts, Rule, verdict

SOON = timedelta(seconds=1)
# Facts that are columns.
COLUMNS = ("manual_management", "consent", "community", "time_zone")


def breakdown(
    campaign: Campaign, *, now: datetime, among: Sequence[int] | None = None
) -> dict[Rule, int]:
    """How many queued leads each rule decides; `Rule.ALLOWED` are those to be called.

    `among`: of these leads alone, by their ids.
    Two leads that share a number both count as allowed, though the second will wait.
    Raises WindowError when the campaign's hours cannot be read.
    """
    counts: Counter[Rule] = Counter()
    for group, rule in _judged(campaign, now=now, among=among):
        counts[rule] += group["leads"]
    return {rule: counts[rule] for rule in Rule if counts[rule]}


def leads_of(campaign: Campaign, rule: Rule, *, now: datetime) -> QuerySet[Lead]:
    """The queued leads that a rule decides: those that `breakdown` counts under it.

    Raises WindowError when the campaign's hours cannot be read.
    """
    alike = Q(pk__in=[])
    for group, decides in _judged(campaign, now=now):
        if decides is rule:
            alike |= Q(**{name: group[name] for name in group if name != "leads"})
    found = campaign.leads.queued().annotate(**_facts(campaign, now=now)).filter(alike)
    return Lead.objects.filter(pk__in=found.values("pk"))


def _judged(
    campaign: Campaign, *, now: datetime, among: Sequence[int] | None = None
) -> Iterator[tuple[dict[str, Any], Rule]]:
    """As many leads as share all the facts, group by group, and what decides there."""
    rules = rules_of(campaign)
    facts = _facts(campaign, now=now)
    queued = campaign.leads.queued()
    if among is not None:
        queued = queued.filter(pk__in=among)
    alike = queued.annotate(**facts).values(*facts, *COLUMNS)
    for group in alike.annotate(leads=Count("pk")).order_by():
        judged = Facts(
            has_phone=group["has_phone"],
            suppressed=group["is_suppressed"],
            exclusion_proposed=group["is_proposed"],
            manual=group["manual_management"],
            consent=group["consent"],
            place=Place(community=group["community"], time_zone=group["time_zone"]),
            attempts=rules.max_attempts if group["is_exhausted"] else 0,
            in_course=group["is_in_course"],
            due_at=now + SOON if group["is_later"] else None,
            promised=group["is_promised"],
            gap_ends_at=now + SOON if group["is_recent"] else None,
            calls_today=rules.max_per_day if group["is_full"] else 0,
        )
        yield group, verdict(judged, rules=rules, now=now).rule


def _facts(campaign: Campaign, *, now: datetime) -> dict[str, Any]:
    """Each fact that is no column, as what the database makes of a lead."""
    rung = CallAttempt.objects.filter(phone=OuterRef("phone_e164")).exclude(
        state__in=SILENT
    )
    if campaign.test_phone:
        # Its telephone may ring as often as its owner likes.
        rung = rung.none()
    gap = timedelta(minutes=campaign.min_gap_minutes)
    # Apart, each is one entry of its unique index; joined by OR they are a walk over
    # all attempts, for a database that has counted how many hold no lead.
    number = campaign.test_phone or OuterRef("phone_e164")
    by_lead = CallAttempt.objects.filter(open_lead_id=OuterRef("pk"))
    by_number = CallAttempt.objects.filter(open_phone=number)
    active = Suppression.objects.active(now=now)
    listed = active.filter(proposed=False).numbers()
    # `=True` would become a bare column, which SQLite does not look up by index.
    proposed = active.filter(proposed__in=[True]).numbers()
    return {
        "has_phone": _is(~Q(phone_e164="")),
        "is_later": _is(
            Q(next_call_at__gt=now) | Q(callback_at__gt=now, call_now=False)
        ),
        "is_promised": _is(Q(call_now=True) | Q(callback_at__lte=now)),
        "is_exhausted": _is(Q(call_attempts_count__gte=campaign.max_attempts)),
        "is_suppressed": _is(
            Q(disposition=Disposition.DO_NOT_CALL)
            | Q(phone_e164__in=listed)
            | Q(pk__in=_who_asked(active.filter(proposed=False)))
        ),
        "is_proposed": _is(
            Q(phone_e164__in=proposed)
            | Q(pk__in=_who_asked(active.filter(proposed__in=[True])))
        ),
        "is_in_course": _is(Exists(by_lead) | Exists(by_number)),
        "is_recent": Exists(rung.filter(rung_since(now - gap))),
        "is_full": GreaterThanOrEqual(_rung_today(rung, now=now), campaign.max_per_day),
    }


def _who_asked(exclusions: QuerySet[Suppression]) -> Any:
    """Leads who asked in a call for no more, by numbers that these hold."""
    requests = OptOut.objects.filter(phone_hash__in=exclusions.values("phone_hash"))
    valid = requests.exclude(decision=OptOut.Decision.REJECTED)
    return valid.values("attempt__lead_id")


def _rung_today(rung: QuerySet[CallAttempt], *, now: datetime) -> Coalesce:
    today = rung.filter(rung_since(start_of_day(now))).values("phone")
    count = today.annotate(count=Count("id")).values("count")
    return Coalesce(Subquery(count, output_field=IntegerField()), 0)


def _is(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )
