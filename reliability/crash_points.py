"""Named instants of the protocol at which a process of ours dies, or freezes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from calls import (
    claims,
    confirming,
    effects,
    outcomes,
    pearl_search,
    reconciling,
    runs,
    webhooks,
)
from calls.claims import claiming, doubts, sending, writes
from calls.journal import DialJournal
from calls.models import CallAttempt, PearlEvent
from calls.pearl import PearlClient, transport
from calls.states import State
from leads.verdict import Verdict
from reliability.blows import Blow, Plant, at_commit, entering, is_thread, leaving, wrap

# --- On the wire --------------------------------------------------------------------


def _in_the_line(blow: Blow) -> None:
    """The journal's line is cut short."""

    def make(original: Any) -> Callable[..., Any]:
        def append(journal: DialJournal, line: Any, *, now: datetime) -> None:
            if "lead" in line and blow.is_due():
                path = journal.folder / f"{now.date().isoformat()}.jsonl"
                text = f"\n{json.dumps(line)}\n"
                journal.folder.mkdir(parents=True, exist_ok=True)
                with path.open("a") as file:
                    file.write(text[: len(text) // 2])
                blow.strike()
            original(journal, line, now=now)

        return append

    wrap(DialJournal, "_append", make)


def _after_the_first_byte(blow: Blow) -> None:
    def make(original: Any) -> Callable[..., Any]:
        def send(connection: Any, data: bytes) -> None:
            if is_thread("dial") and data[:4] == b"POST" and blow.is_due():
                original(connection, data[:1])
                blow.strike()
                data = data[1:]
            original(connection, data)

        return send

    wrap(transport._Guarded, "send", make)


def _half_way_through_the_effects(blow: Blow) -> None:
    middle = len(effects.EFFECTS) // 2

    def struck(_attempt: Any, _now: datetime) -> None:
        blow()

    effects.EFFECTS = (*effects.EFFECTS[:middle], struck, *effects.EFFECTS[middle:])


# --- What was written ---------------------------------------------------------------


def _is_to(state: State) -> Callable[..., bool]:
    return lambda moved, attempt, to, **_: bool(moved) and to == state


def _has_made(made: list[CallAttempt], *_: Any, **__: Any) -> bool:
    return bool(made)


def _is_allowed(verdict: Verdict, *_: Any, **__: Any) -> bool:
    return verdict.allowed


def _has_ended(moved: object, attempt: Any, to: State, **_: Any) -> bool:
    return bool(moved) and to == State.ENDED and attempt.state != State.ENDED


def _is_noted(kind: str) -> Callable[..., bool]:
    return lambda _none, _gate, noted, **_: noted == kind


# --- The points ---------------------------------------------------------------------

# A worker comes to these with every call.
OF_CALLS: dict[str, Plant] = {
    "claim: half written": entering(CallAttempt.objects, "create"),
    **at_commit("claim", claiming, "_claim_leads", wrote=_has_made),
    **at_commit("pre-send", sending, "verdict", wrote=_is_allowed),
    "journal: half of the line": _in_the_line,
    "journal: line on disk": leaving(DialJournal, "write_before"),
    "send: about to begin": entering(PearlClient, "make_call"),
    "send: before the first byte": entering(
        transport.Deadline, "before_bytes_leave", thread="dial"
    ),
    "send: after the first byte": _after_the_first_byte,
    "send: after all bytes": entering(transport._Guarded, "getresponse", thread="dial"),
    "answer: arrived, not read": leaving(
        transport._Guarded, "getresponse", thread="dial"
    ),
    "answer: read, not noted": leaving(PearlClient, "make_call"),
    "answer: in the journal only": leaving(DialJournal, "write_after"),
    "record: half written": entering(sending, "count", thread="dial"),
    **at_commit("record", sending, "move", wrote=_is_to(State.ACCEPTED)),
}
# To these without dialling, too.
OF_ENDS: dict[str, Plant] = {
    "webhook: read, not noted": entering(webhooks, "_note"),
    "poll: between two reports": leaving(pearl_search, "_take_in"),
    "end: half written": entering(outcomes, "_tell_lead"),
    **at_commit("end told", claims, "settle", thread="events", wrote=_has_ended),
    **at_commit("end polled", claims, "settle", thread="quest", wrote=_has_ended),
    **at_commit("end confirmed", confirming, "changes", thread="quest"),
    "effects: half of them done": _half_way_through_the_effects,
    "effects: done, not noted": leaving(effects, "follow"),
}
# To these if an earlier one left an attempt that is UNKNOWN.
OF_DOUBT: dict[str, Plant] = {
    "doubt: before the search": entering(reconciling, "_clear_up"),
    "doubt: absence to be noted": entering(reconciling, "_note_absence"),
    "absence: half written": entering(doubts, "uncount"),
    **at_commit("absence", writes, "move", wrote=_is_to(State.NOT_PLACED)),
}
# To these if an earlier one left a lease that is over. The reaper's is the main thread.
OF_LEASES: dict[str, Plant] = {
    "reaper: between two attempts": leaving(doubts, "mark_unknown", thread="Main"),
    **at_commit(
        "reaper: claim", writes, "move", thread="Main", wrote=_is_to(State.RELEASED)
    ),
    **at_commit(
        "reaper: dial", sending, "move", thread="Main", wrote=_is_to(State.UNKNOWN)
    ),
}
OF_WEB_HOOKS: dict[str, Plant] = {
    **at_commit("webhook kept", PearlEvent.objects, "bulk_create"),
}
OF_THE_SWITCH: dict[str, Plant] = {
    **at_commit("START", runs, "note", wrote=_is_noted("started")),
    **at_commit("STOP", runs, "note", wrote=_is_noted("stopped")),
}
CRASH_POINTS: dict[str, Plant] = {
    **OF_CALLS,
    **OF_ENDS,
    **OF_DOUBT,
    **OF_LEASES,
    **OF_WEB_HOOKS,
    **OF_THE_SWITCH,
}
