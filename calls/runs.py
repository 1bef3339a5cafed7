"""START, PAUSE and STOP: the switch of a campaign. Who comes second changes nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from calls.models import CallAttempt, Campaign, ControlEvent, Run, RunState
from calls.outcome_table import shown
from calls.states import Outcome, State

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

MAX_LIMIT = 1000


@transaction.atomic
def start(
    campaign_id: int,
    *,
    now: datetime,
    by: User | None = None,
    until_empty: bool = False,
    call_limit: int | None = None,
    seen_generation: int | None = None,
    seen_event: int | None = None,
    test_phone: str = "",
) -> Run | None:
    """Switch the campaign on. Already on, or paused: the run that is going, goes on.

    What whoever presses START has seen of the campaign: `test_phone` (empty: calls in
    earnest) and, when the checks began, `seen_generation` and `seen_event`, the last of
    its control events. None comes back if one has changed, or PAUSE came since: nobody
    starts what they did not mean, and who switches off later wins.
    `call_limit`: calls to make at most. Leads held by a rule are asked about again, in
    case their data changed.
    """
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    if gate.state == RunState.RUNNING:
        return Run.objects.get(campaign=gate, generation=gate.generation)
    if seen_generation not in (None, gate.generation) or gate.test_phone != test_phone:
        return None
    if gate.state == RunState.PAUSED:
        if seen_event is not None and _was_paused_after(gate, seen_event):
            return None
        return _resume(gate, now=now, by=by)
    run = Run(
        campaign=gate,
        generation=gate.generation + 1,
        started_by=by,
        started_at=now,
        until_empty=until_empty,
        call_limit=call_limit,
        test_phone=test_phone,
    )
    _begin(run)
    return run


def last_event(campaign_id: int) -> int:
    """Remembered when a START begins to be checked: did PAUSE come meanwhile?"""
    events = ControlEvent.objects.filter(campaign_id=campaign_id).order_by("-pk")
    return events.values_list("pk", flat=True).first() or 0


def _was_paused_after(gate: Campaign, event_id: int) -> bool:
    paused = gate.events.filter(kind=ControlEvent.Kind.PAUSED, pk__gt=event_id)
    return paused.exists()


def _begin(run: Run) -> None:
    gate, now = run.campaign, run.started_at
    _close_open_runs(gate, now=now, reason="")
    Campaign.objects.filter(pk=gate.pk).update(
        state=RunState.RUNNING, generation=run.generation, state_reason=""
    )
    gate.leads.held().give_turn(now=now)
    note(gate, ControlEvent.Kind.STARTED, now=now, by=run.started_by)
    run.save(force_insert=True)
    _tell(gate, f"started, generation {run.generation}")


def _resume(gate: Campaign, *, now: datetime, by: User | None) -> Run:
    Campaign.objects.filter(pk=gate.pk).update(state=RunState.RUNNING, state_reason="")
    gate.leads.held().give_turn(now=now)
    note(gate, ControlEvent.Kind.RESUMED, now=now, by=by)
    _tell(gate, f"goes on, generation {gate.generation}")
    return Run.objects.get(campaign=gate, generation=gate.generation)


@transaction.atomic
def pause(campaign_id: int, *, now: datetime, by: User | None = None) -> int | None:
    """Nothing more is sent after this commit, as with STOP, but the run waits for START
    to go on. Returns how many calls go on; None: it was not running."""
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    if gate.state != RunState.RUNNING:
        return None
    Campaign.objects.filter(pk=gate.pk).update(state=RunState.PAUSED)
    note(gate, ControlEvent.Kind.PAUSED, now=now, by=by)
    _tell(gate, "paused")
    return CallAttempt.objects.filter(campaign=gate).open().count()


@transaction.atomic
def stop(
    campaign_id: int, *, now: datetime, by: User | None = None, reason: str = ""
) -> int:
    """Switch the campaign off; returns how many calls go on until they end by
    themselves. After this commit nothing more is sent: it waits for the gate, and every
    send asks the gate for this generation."""
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    open_calls = CallAttempt.objects.filter(campaign=gate).open().count()
    if gate.state not in (RunState.RUNNING, RunState.PAUSED):
        # A START that is still being checked must find that STOP came.
        Campaign.objects.filter(pk=gate.pk).update(generation=gate.generation + 1)
        return open_calls
    Run.objects.filter(campaign=gate, generation=gate.generation).update(
        stop_requested_at=now, stopped_by=by, end_reason=reason
    )
    Campaign.objects.filter(pk=gate.pk).update(
        state=RunState.STOPPING,
        generation=gate.generation + 1,
        state_reason=reason,
    )
    note(gate, ControlEvent.Kind.STOPPED, now=now, by=by, reason=str(reason))
    _tell(gate, f"stopping, {open_calls} calls open")
    if not open_calls:
        _finish(gate, now=now)
    return open_calls


@transaction.atomic
def change_limit(
    campaign_id: int,
    *,
    now: datetime,
    by: User | None = None,
    to: int | None = None,
    step: int = 0,
) -> int:
    """How many calls at a time: `to` so many, or `step` more than now. Returns it."""
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    before = gate.max_concurrent_calls
    after = min(max(before + step if to is None else to, 1), MAX_LIMIT)
    if after != before:
        Campaign.objects.filter(pk=gate.pk).update(max_concurrent_calls=after)
        kind = ControlEvent.Kind.LIMIT
        note(gate, kind, now=now, by=by, before=before, after=after)
    return after


@transaction.atomic
def finish_if_idle(campaign_id: int, *, now: datetime) -> bool:
    """A campaign that was stopped is over once its last call is."""
    if not Campaign.objects.filter(pk=campaign_id, state=RunState.STOPPING).exists():
        return False
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    if gate.state != RunState.STOPPING:
        return False
    if CallAttempt.objects.filter(campaign=gate).open().exists():
        return False
    _finish(gate, now=now)
    return True


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What became of a run's attempts. `placed` are those that Pearl took on: the sum
    of `outcomes`, `in_course`, `unknown` and `manual`."""

    outcomes: dict[Outcome, int]
    placed: int
    in_course: int
    unknown: int
    manual: int
    rejected: int
    not_sent: int

    @property
    def contacted(self) -> int:
        return self._that_are("contacted")

    @property
    def positive(self) -> int:
        return self._that_are("positive")

    def _that_are(self, flag: str) -> int:
        """Calls whose outcome has this flag in the outcome table."""
        outcomes = shown().outcomes_that_are(flag)
        return sum(self.outcomes.get(Outcome(one), 0) for one in outcomes)


def totals(run: Run) -> Totals:
    return totals_of([run.pk])[run.pk]


def totals_of(run_ids: Collection[int]) -> dict[int, Totals]:
    """In one query, of an index alone."""
    rows = (
        CallAttempt.objects.filter(run__in=run_ids)
        .values_list("run_id", "state", "outcome")
        .annotate(count=Count("id"))
        .order_by()
    )
    found: dict[int, list[tuple[str, str, int]]] = {pk: [] for pk in run_ids}
    for run_id, state, outcome, count in rows:
        found[run_id].append((state, outcome, count))
    return {pk: _totals(counted) for pk, counted in found.items()}


def _totals(counted: Iterable[tuple[str, str, int]]) -> Totals:
    states: Counter[str] = Counter()
    outcomes: Counter[Outcome] = Counter()
    for state, outcome, count in counted:
        states[state] += count
        if state == State.ENDED:
            outcomes[Outcome(outcome)] += count
    in_course = states[State.ACCEPTED] + states[State.DIALING]
    unknown, manual = states[State.UNKNOWN], states[State.MANUAL]
    return Totals(
        outcomes=dict(outcomes.most_common()),
        placed=sum(outcomes.values()) + in_course + unknown + manual,
        in_course=in_course,
        unknown=unknown,
        manual=manual,
        rejected=states[State.REJECTED],
        not_sent=states[State.NOT_SENT] + states[State.NOT_PLACED],
    )


def note(
    campaign: Campaign,
    kind: ControlEvent.Kind,
    *,
    now: datetime,
    by: User | None = None,
    **values: str | int,
) -> None:
    """A line of the activity: who switched what. Without `by`, the system did."""
    ControlEvent.objects.create(
        campaign=campaign, kind=kind, at=now, by=by, values=values
    )


def _tell(gate: Campaign, what: str) -> None:
    logger.info("campaign %s %s", gate.pk, what, extra={"campaign": gate.pk})


def _finish(gate: Campaign, *, now: datetime) -> None:
    Campaign.objects.filter(pk=gate.pk).update(state=RunState.STOPPED)
    note(gate, ControlEvent.Kind.ENDED, now=now)
    _close_open_runs(gate, now=now, reason=str(_("Detenida")))


def _close_open_runs(gate: Campaign, *, now: datetime, reason: str) -> None:
    runs = Run.objects.filter(campaign=gate, ended_at=None)
    runs.filter(end_reason="").update(end_reason=reason)
    runs.update(ended_at=now)
