"""Which writers may meet where, and who meets whom in every run of the tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from calls.models import RunState
from calls.states import State
from reliability.interleavings import Op
from reliability.tests.worlds import World, told, world
from reliability.tests.writers import OPS

STAFF = (
    "bulk deselect",
    "bulk manual",
    "bulk reset",
    "bulk exclude",
    "call now",
    "promise",
    "drop promise",
    "edit phone",
    "merge",
    "merge away",
)
SWITCH = ("stop", "pause", "start")
ANSWERS = ("accepted", "not sent", "refused", "refused account", "unknown")
REPORTS = ("report start", "report end", "report other end", "confirm end")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where pairs meet. `ops` write there, each against each and against itself."""

    make: Callable[[], World]
    ops: tuple[str, ...]


SETTINGS: dict[str, Setting] = {
    "queued": Setting(
        make=world,
        ops=(
            "claim",
            *SWITCH,
            "limit",
            *STAFF,
            "bulk select",
            "bulk undo",
            "propose exclusion",
            "withdraw exclusion",
            "restore",
        ),
    ),
    "stopped": Setting(
        make=lambda: world(run=RunState.STOPPED), ops=("start", "stop", "claim")
    ),
    "paused": Setting(
        make=lambda: world(run=RunState.PAUSED),
        ops=("start", "stop", "pause", "claim"),
    ),
    "claimed": Setting(
        make=lambda: world(State.CLAIMED),
        ops=(
            "pre-send",
            "release",
            "reap",
            "claim",
            *SWITCH,
            *STAFF,
            "propose exclusion",
        ),
    ),
    "dialing": Setting(
        make=lambda: world(State.DIALING),
        ops=(
            *ANSWERS,
            "reap",
            *REPORTS,
            "expect report",
            "stop",
            "bulk deselect",
            "bulk reset",
        ),
    ),
    "unknown": Setting(
        make=lambda: world(State.UNKNOWN),
        ops=(
            "accepted",
            "not placed",
            "manual",
            "give up old",
            "look again",
            "ask sooner",
            *REPORTS,
            "claim",
            "bulk deselect",
        ),
    ),
    "accepted": Setting(
        make=lambda: world(State.ACCEPTED),
        ops=(*REPORTS, "manual", "look again", "stop", "bulk deselect", "promise"),
    ),
    "stopping": Setting(
        make=lambda: world(State.ACCEPTED, run=RunState.STOPPING),
        ops=("report end", "finish", "start", "stop"),
    ),
    "manual": Setting(
        make=lambda: world(State.MANUAL),
        ops=(
            "hand rang",
            "hand silent",
            "not placed",
            "report end",
            "confirm end",
            "bulk select",
            "bulk manual",
            "merge",
        ),
    ),
    "told": Setting(
        make=lambda: told(confirmed=False),
        ops=(
            *REPORTS,
            "confirm goes on",
            "leave unconfirmed",
            "claim",
            "unbind",
            "merge",
            "bulk deselect",
        ),
    ),
    "confirmed": Setting(
        make=lambda: told(confirmed=True),
        ops=(
            "correct busy",
            "correct success",
            "confirm end",
            "effects",
            "claim",
            "merge",
            "bulk deselect",
            "bulk reset",
        ),
    ),
}


# Who meets whom in every run of the tests: one against each of the others, in either
# order.
ALWAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "queued": {
        "claim": (
            "claim",
            *SWITCH,
            "limit",
            "bulk deselect",
            "bulk exclude",
            "edit phone",
            "merge",
            "merge away",
            "restore",
        )
    },
    "stopped": {"start": ("start", "stop")},
    "paused": {"start": ("start", "stop", "pause")},
    "claimed": {
        "pre-send": (
            "pre-send",
            "stop",
            "pause",
            "reap",
            "release",
            "bulk deselect",
            "bulk exclude",
            "propose exclusion",
            "edit phone",
        ),
        "reap": ("reap", "release"),
    },
    "dialing": {
        "reap": (*ANSWERS, "report start", "report end"),
        "accepted": ("report start", "report end", "confirm end"),
        "unknown": ("report end",),
    },
    "unknown": {
        "not placed": ("accepted", "report start", "report end", "manual"),
        "manual": ("accepted", "report end"),
        "report end": ("give up old", "look again", "ask sooner"),
    },
    "accepted": {
        "report end": (
            "report end",
            "report other end",
            "confirm end",
            "manual",
            "bulk deselect",
            "promise",
        )
    },
    "stopping": {"finish": ("report end", "start", "stop")},
    "manual": {
        "hand rang": ("hand rang", "hand silent", "report end", "confirm end"),
        "hand silent": ("hand silent", "report end", "not placed", "bulk select"),
    },
    "told": {
        "confirm end": ("report other end", "claim", "merge", "unbind"),
        "confirm goes on": ("report end", "claim", "merge", "confirm end"),
        "leave unconfirmed": ("confirm end",),
    },
    "confirmed": {
        "correct busy": ("correct success", "confirm end", "effects", "claim", "merge"),
        "claim": ("confirm end", "effects"),
    },
}


# They can wait for each other in a circle, and the database undoes one of them, whose
# caller does it again. An UPDATE of an attempt's state writes its entry in the indexes
# by campaign and by run, and InnoDB then asks for a shared lock of those rows, which
# are the gate: lead before gate, where the others take the gate before the lead.
UNDONE_AND_DONE_AGAIN = {
    frozenset(pair)
    for pair in itertools.product(
        ("pre-send", *SWITCH), ("release", "reap", "pre-send", *STAFF)
    )
} | {
    # A claim and a bulk change lock the same leads, each in its own order; the worker
    # claims again, and `selection.apply` has three tries.
    frozenset(("claim", name))
    for name in ("bulk deselect", "bulk exclude", "bulk manual", "bulk undo")
}


def pairs(name: str, *, every: bool) -> list[tuple[Op[World], Op[World]]]:
    """Who is halted, and who acts meanwhile. `every`: each against each, and against
    itself."""
    met = [(one, other) for one, them in ALWAYS[name].items() for other in them]
    if every:
        met = [*itertools.combinations_with_replacement(SETTINGS[name].ops, 2)]
    both_ways = dict.fromkeys([*met, *((other, one) for one, other in met)])
    return [(OPS[one], OPS[other]) for one, other in both_ways]
