"""Small worlds for two writers: an attempt in some state, its lead, its campaign; who
may write there, and what became of it all."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from calls import budget, merging
from calls.evidence import Evidence
from calls.models import CallAttempt, Campaign, ControlEvent, Run, RunState
from calls.outcomes import record
from calls.pearl import CallId, RequestId
from calls.states import HELD, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from leads.models import BulkChange, CallStatus, Lead, LeadEvent, Suppression
from leads.tests.factories import LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SENT = NOW - timedelta(seconds=20)
LATER = NOW + timedelta(minutes=5)  # every lease is over
LEASE = NOW + timedelta(seconds=30)
PHONE, OTHER_PHONE = "+34600000150", "+34600000250"
CALL, REQUEST = (
    CallId("68d2f0ad8a2fc8e5ce030042"),
    RequestId("68d2f0a1b2c3d4e5f6a70001"),
)
TABLES = (
    "outcome_changes",
    "opt_outs",
    "said_words",
    "recordings",
    "call_attempts",
    "lead_events",
    "bulk_changes",
    "leads",
    "suppressions",
    "control_events",
    "runs",
    "campaigns",
    "pearl_events",
)


@dataclass(kw_only=True)
class World:
    """`attempt` is as its owner read it once: every writer has a copy of its own."""

    campaign: Campaign
    lead: Lead
    other: Lead
    seen: str
    attempt: CallAttempt | None = None

    def mine(self) -> CallAttempt:
        assert self.attempt is not None
        return copy.copy(self.attempt)


# --- Making one ---------------------------------------------------------------------


def forget_everything() -> None:
    if connection.vendor != "mysql":
        return  # each test undoes what it did
    with connection.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS=0")
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 (our names)
        cursor.execute("SET FOREIGN_KEY_CHECKS=1")


def world(state: State | None = None, *, run: str = RunState.RUNNING) -> World:
    forget_everything()
    budget.account()
    with transaction.atomic():
        campaign: Campaign = CampaignFactory(
            state=run, generation=1, max_concurrent_calls=1
        )
        began: Run = RunFactory(campaign=campaign, started_at=NOW)
        lead: Lead = LeadFactory(phone_e164=PHONE, call_attempts_count=0)
        _select(lead)
        other: Lead = LeadFactory(
            phone_e164=OTHER_PHONE, next_call_at=NOW + timedelta(days=1)
        )
        attempt = _attempt(began, lead, state) if state else None
    lead.refresh_from_db()
    return World(
        campaign=campaign,
        lead=lead,
        other=other,
        seen=merging.seen(lead, other),
        attempt=attempt,
    )


def _select(lead: Lead) -> None:
    """As somebody did a while ago, and may undo."""
    record = BulkChange.objects.create(
        verb=BulkChange.Verb.SELECT, values={}, changed=1, at=SENT - timedelta(hours=1)
    )
    LeadEvent.objects.create(
        lead=lead,
        kind=LeadEvent.Kind.CHANGED,
        at=record.at,
        bulk_change=record,
        status_before=CallStatus.NO_SELECTED,
        was_selected=False,
        outbound_before="",
    )


def _attempt(run: Run, lead: Lead, state: State) -> CallAttempt:
    is_open = state in HELD and state != State.MANUAL
    counts = state in (State.ACCEPTED, State.UNKNOWN, State.MANUAL, State.ENDED)
    columns: dict[str, Any] = {
        "claimed_at": SENT - timedelta(seconds=1),
        "send_started_at": None if state == State.CLAIMED else SENT,
        "lease_expires_at": LEASE,
        "lead_due_at": NOW - timedelta(days=1),
        "counted": counts,
        "pearl_request_id": None,
    }
    if state not in HELD:
        columns |= {"open_lead_id": None, "open_phone": None, "closed_at": SENT}
    if state == State.MANUAL:
        columns |= {"error": "¿?", "lead_was_wanted": True}
    attempt: CallAttempt = AttemptFactory(run=run, lead=lead, state=state, **columns)
    shown: dict[str, Any] = {"call_attempts_count": int(counts)}
    if is_open:
        shown |= {"call_status": CallStatus.CALLING, "next_call_at": None}
    elif state == State.MANUAL:
        shown |= {
            "call_status": CallStatus.ERROR,
            "selected_for_calling": False,
            "next_call_at": None,
            "call_error_message": "¿?",
        }
    Lead.objects.filter(pk=lead.pk).update(**shown)
    attempt.refresh_from_db()
    return attempt


def told(*, confirmed: bool) -> World:
    """A call that did not reach the person, as a webhook or Pearl itself said, and
    whose lead waits for its next turn, which has come."""
    made = world(State.ACCEPTED)
    record(made.mine(), MISSED, now=SENT, confirms=confirmed)
    Campaign.objects.update(min_gap_minutes=0)
    Lead.objects.filter(pk=made.lead.pk).update(next_call_at=NOW)
    assert made.attempt is not None
    made.attempt.refresh_from_db()
    made.lead.refresh_from_db()
    made.seen = merging.seen(made.lead, made.other)
    return made


# --- What a report says -------------------------------------------------------------

STARTED = Evidence(pearl_call_id=CALL, call_code=3, conversation_code=40)
REACHED = Evidence(
    pearl_call_id=CALL, call_code=4, conversation_code=100, duration_seconds=40
)
MISSED = Evidence(pearl_call_id=CALL, call_code=7, conversation_code=10)
TOLD_MORE = Evidence(
    pearl_call_id=CALL,
    call_code=4,
    conversation_code=100,
    duration_seconds=40,
    summary="Habló.",
)


# --- What came out ------------------------------------------------------------------

UNTOLD = {"id", "token", "run_id", "campaign_id", "updated_at", "lead_id"}
OF_THE_RUN = {"updated_at", "created_at", "first_name", "search_text"}
Picture = dict[str, Any]


def picture(world: World) -> Picture:
    """All that can be seen afterwards, without what differs from run to run."""
    names = {world.lead.pk: "lead", world.other.pk: "other", None: None}
    attempts = [
        {
            "lead": names[row["lead_id"]],
            "first": row["id"] == (world.attempt.pk if world.attempt else 0),
            **{k: str(v) for k, v in row.items() if k not in (*UNTOLD, "open_lead_id")},
        }
        for row in CallAttempt.objects.values()
    ]
    leads = {
        names[row.pop("id")]: {k: str(v) for k, v in row.items() if k not in OF_THE_RUN}
        for row in Lead.objects.values()
    }
    events = LeadEvent.objects.values_list("lead_id", "kind")
    switched = ControlEvent.objects.values_list("kind", flat=True)
    hidden = ("id", "created_at", "campaign_id")
    return {
        "attempts": sorted(attempts, key=str),
        "leads": leads,
        "events": sorted((str(names[lead]), kind) for lead, kind in events),
        "switched": sorted(switched),
        "suppressed": sorted(
            Suppression.objects.values_list("phone_e164", "list", "proposed")
        ),
        "campaign": _shown(Campaign.objects.values().get(), hidden),
        "runs": [
            _shown(row, hidden) for row in Run.objects.order_by("generation").values()
        ],
    }


def _shown(row: dict[str, Any], hidden: tuple[str, ...]) -> dict[str, str]:
    return {k: str(v) for k, v in row.items() if k not in hidden}


def broken(world: World) -> list[str]:
    """What must hold of any state, whoever wrote last."""
    wrong = []
    for lead in Lead.objects.all():
        attempts = [*CallAttempt.objects.filter(lead=lead)]
        is_open = any(a.state in HELD and a.state != State.MANUAL for a in attempts)
        if (lead.call_status == CallStatus.CALLING) != is_open:
            wrong.append(f"the lead shows {lead.call_status}")
    for attempt in CallAttempt.objects.all():
        is_counted = attempt.state in (
            State.ACCEPTED,
            State.UNKNOWN,
            State.MANUAL,
            State.ENDED,
        )
        if attempt.state != State.REJECTED and attempt.counted != is_counted:
            wrong.append(f"{attempt.state}: counted is {attempt.counted}")
    if CallAttempt.objects.open().count() > 1:
        wrong.append("more calls than lines")
    return wrong
