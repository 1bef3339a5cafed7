"""What a terminal shows of a run: a live panel, plain lines, or JSON lines."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Protocol, TextIO

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from calls import runs
from calls.models import CallAttempt, Campaign, Run
from calls.outcome_table import shown_status
from calls.queue import Wait
from calls.states import Outcome, State
from leads.models import CallStatus

RATE_OVER = timedelta(minutes=5)
PLAIN_EVERY_SECONDS = 10.0
LIVE_EVERY_SECONDS = 0.5
COLOURS = {
    CallStatus.COMPLETED: "green",
    CallStatus.NO_ANSWER: "magenta",
    CallStatus.BUSY: "dark_orange",
    CallStatus.ERROR: "red",
}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A run at one moment."""

    campaign: Campaign
    run: Run | None
    totals: runs.Totals | None
    waiting: int
    later: int
    per_minute: float
    wait: Wait

    @property
    def done(self) -> int:
        return sum(self.totals.outcomes.values()) if self.totals else 0

    @property
    def minutes_left(self) -> int | None:
        if not self.per_minute or not self.waiting:
            return None
        return max(1, round(self.waiting / self.per_minute))


def take_picture(campaign_id: int, *, wait: Wait, now: datetime) -> Picture:
    campaign = Campaign.objects.get(pk=campaign_id)
    run = Run.objects.filter(campaign=campaign).order_by("-generation").first()
    queued = campaign.leads.queued()
    elapsed = RATE_OVER
    if run is not None:
        elapsed = min(RATE_OVER, max(now - run.started_at, timedelta(seconds=10)))
    recent = CallAttempt.objects.filter(
        campaign=campaign, state=State.ENDED, closed_at__gt=now - elapsed
    )
    return Picture(
        campaign=campaign,
        run=run,
        totals=runs.totals(run) if run else None,
        waiting=queued.filter(next_call_at__lte=now).count(),
        later=queued.filter(next_call_at__gt=now).count(),
        per_minute=recent.count() / (elapsed.total_seconds() / 60),
        wait=wait,
    )


class Display(Protocol):
    """Somewhere that pictures of a run are shown, more or less often."""

    def show(self, campaign_id: int, *, wait: Wait, note: str) -> None: ...

    def say(self, text: str) -> None:
        """A sentence that needs no database."""

    def close(self) -> None: ...


class Silent:
    """For --quiet: only the summary and the errors are printed."""

    def show(self, campaign_id: int, *, wait: Wait, note: str) -> None:
        return

    def say(self, text: str) -> None:
        return

    def close(self) -> None:
        return


class Lines:
    """One line now and then, for a log or a service; as JSON for machines."""

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        self._out = out
        self._as_json = as_json
        self._next = 0.0
        self._last = ""

    def show(self, campaign_id: int, *, wait: Wait, note: str) -> None:
        if monotonic() < self._next:
            return
        self._next = monotonic() + PLAIN_EVERY_SECONDS
        picture = take_picture(campaign_id, wait=wait, now=timezone.now())
        data = as_data(picture, note=note)
        line = json.dumps(data, ensure_ascii=False) if self._as_json else _line(data)
        if line != self._last:
            self.say(line)
        self._last = line

    def say(self, text: str) -> None:
        if text != self._last:
            self._out.write(f"{text}\n")
            self._out.flush()
        self._last = text

    def close(self) -> None:
        return


class Panel:
    """A panel that stays in its place and moves, for a person at a terminal."""

    def __init__(self) -> None:
        self._live = Live(console=Console(), refresh_per_second=4, transient=True)
        self._live.start()
        self._next = 0.0

    def show(self, campaign_id: int, *, wait: Wait, note: str) -> None:
        if monotonic() < self._next:
            return
        self._next = monotonic() + LIVE_EVERY_SECONDS
        now = timezone.now()
        picture = take_picture(campaign_id, wait=wait, now=now)
        events = last_events(campaign_id)
        self._live.update(_panel(picture, events=events, note=note))

    def say(self, text: str) -> None:
        self._live.update(Text(text, style="yellow"))

    def close(self) -> None:
        self._live.stop()


def display_for(out: Any, *, quiet: bool, as_json: bool) -> Display:
    if quiet:
        return Silent()
    if as_json or not sys.stdout.isatty():
        return Lines(out, as_json=as_json)
    return Panel()


def as_data(picture: Picture, *, note: str = "") -> dict[str, Any]:
    """The picture for machines; the keys are stable."""
    totals = picture.totals
    return {
        "campaign": picture.campaign.name,
        "state": picture.campaign.state,
        "waiting": picture.waiting,
        "later": picture.later,
        "in_course": totals.in_course if totals else 0,
        "placed": totals.placed if totals else 0,
        "outcomes": {str(k): n for k, n in totals.outcomes.items()} if totals else {},
        "contacted": totals.contacted if totals else 0,
        "positive": totals.positive if totals else 0,
        "rejected": totals.rejected if totals else 0,
        "not_sent": totals.not_sent if totals else 0,
        "unknown": totals.unknown if totals else 0,
        "manual": totals.manual if totals else 0,
        "calls_per_minute": round(picture.per_minute, 1),
        "minutes_left": picture.minutes_left,
        "wait": picture.wait.value,
        "note": note or picture.campaign.state_reason,
    }


def _line(data: dict[str, Any]) -> str:
    text = _(
        "%(waiting)d en cola · %(in_course)d en curso · %(done)d terminadas · "
        "%(rate)s llamadas/min"
    ) % {
        "waiting": data["waiting"],
        "in_course": data["in_course"],
        "done": sum(data["outcomes"].values()),
        "rate": data["calls_per_minute"],
    }
    return f"{text} · {data['note']}" if data["note"] else text


def last_events(campaign_id: int, *, at_most: int = 5) -> list[CallAttempt]:
    """The calls that ended last, newest first."""
    ended = CallAttempt.objects.filter(campaign_id=campaign_id, closed_at__isnull=False)
    return list(ended.order_by("-closed_at", "-id")[:at_most])


def _panel(picture: Picture, *, events: list[CallAttempt], note: str) -> RenderableType:
    totals = picture.totals
    total = picture.done + picture.waiting + (totals.in_course if totals else 0)
    facts = Table.grid(padding=(0, 2))
    facts.add_row(
        Text(picture.campaign.name, style="bold"),
        Text(str(picture.campaign.get_state_display())),
        Text(_("%d en cola") % picture.waiting),
        Text(_("%d en curso") % (totals.in_course if totals else 0)),
        Text(_("%.1f llamadas/min") % picture.per_minute),
        Text(_left(picture)),
    )
    bar = Table.grid()  # a row of its own: the bar does not end its line
    bar.add_row(ProgressBar(total=max(total, 1), completed=picture.done, width=60))
    outcomes = Table.grid(padding=(0, 2))
    for outcome, count in (totals.outcomes if totals else {}).items():
        colour = COLOURS[shown_status(outcome)]
        outcomes.add_row(Text("●", colour), str(outcome.label), str(count))
    lines = [
        Text(f"  {_clock(attempt.closed_at)}  {_event(attempt)}", style="dim")
        for attempt in events
    ]
    reason = note or picture.campaign.state_reason
    if not reason and picture.wait not in (Wait.LINES_BUSY, Wait.PACE):
        reason = str(picture.wait.label)
    return Group(
        facts,
        bar,
        outcomes,
        *lines,
        Text(reason, style="yellow"),
    )


def _left(picture: Picture) -> str:
    minutes = picture.minutes_left
    if minutes is None:
        return ""
    text = ngettext("queda %d minuto", "quedan %d minutos", minutes)
    return text % minutes


def _clock(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime("%H:%M:%S") if moment else ""


def _event(attempt: CallAttempt) -> str:
    what = Outcome(attempt.outcome).label if attempt.outcome else ""
    state = State(attempt.state).label
    return _("Lead %(lead)d: %(what)s") % {
        "lead": attempt.lead_id,
        "what": what or state,
    }


def summary_lines(picture: Picture) -> list[str]:
    """The end of a run in words: each outcome with its count, and what comes next."""
    totals = picture.totals
    if totals is None:
        return [_("No hubo ninguna ejecución.")]
    lines = [
        ngettext("%d llamada hecha.", "%d llamadas hechas.", totals.placed)
        % totals.placed
    ]
    lines += [f"  {count:>6}  {o.label}" for o, count in totals.outcomes.items()]
    told = {"contacted": totals.contacted, "positive": totals.positive}
    if totals.contacted:
        lines.append(_("Contactados: %(contacted)d; positivos: %(positive)d.") % told)
    extra = {
        _("en curso"): totals.in_course,
        _("sin confirmar: se están comprobando con Pearl"): totals.unknown,
        _("por revisar a mano: Administración, Intentos"): totals.manual,
        _("rechazadas por Pearl; el motivo está en cada lead"): totals.rejected,
        _("no enviadas; los leads volvieron a la cola"): totals.not_sent,
    }
    lines += [f"  {count:>6}  {what}" for what, count in extra.items() if count]
    if picture.waiting:
        text = ngettext(
            "%d lead sigue en cola.", "%d leads siguen en cola.", picture.waiting
        )
        lines.append(text % picture.waiting)
    if picture.later:
        text = ngettext(
            "%d lead se volverá a llamar más tarde.",
            "%d leads se volverán a llamar más tarde.",
            picture.later,
        )
        lines.append(text % picture.later)
    if picture.run is not None and picture.run.end_reason:
        lines.append(picture.run.end_reason)
    return lines
