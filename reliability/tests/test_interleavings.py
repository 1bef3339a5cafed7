"""Pairs of guarded writes, one halted before each of its statements.

INTERLEAVINGS=all runs every pair of each setting, not only those that are listed in
`meetings.ALWAYS`; INTERLEAVINGS=reads halts before plain reads too.
"""

from __future__ import annotations

import logging
import os

import pytest
from django.db import connection

from reliability.interleavings import Pair
from reliability.tests.meetings import SETTINGS, UNDONE_AND_DONE_AGAIN, pairs
from reliability.tests.worlds import broken, picture

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0),
    pytest.mark.skipif(
        "connection.vendor != 'mysql'", reason="SQLite has one writer at a time"
    ),
]


HOW = os.environ.get("INTERLEAVINGS", "")


@pytest.fixture
def pair():
    logging.disable(logging.CRITICAL)
    made = Pair()
    yield made
    made.close()
    logging.disable(logging.NOTSET)


def outcome(world, runs):
    return {"results": {i: r.result for i, r in enumerate(runs)}} | picture(world)


def one_after_the_other(pair, setting, first, second):
    """Both orders, and at how many points the first can be halted."""
    world = setting.make()
    one, points = pair.alone(first, world, every=HOW == "reads")
    two, _points = pair.alone(second, world)
    forwards = outcome(world, (one, two))
    world = setting.make()
    two, _points = pair.alone(second, world)
    one, later_points = pair.alone(first, world, every=HOW == "reads")
    return [forwards, outcome(world, (one, two))], max(points, later_points)


@pytest.mark.parametrize("name", SETTINGS)
def test_two_writers_do_what_one_after_the_other_does(pair, name):
    assert connection.vendor == "mysql"
    setting, wrong, ran = SETTINGS[name], [], 0
    for first, second in pairs(name, every=bool(HOW)):
        allowed, points = one_after_the_other(pair, setting, first, second)
        for at in range(points):
            world = setting.make()
            runs = pair.halted(first, second, world, at=at, every=HOW == "reads")
            ran += 1
            found = outcome(world, runs)
            told = f"{first.name} halted before {at}, {second.name}"
            if found not in allowed:
                wrong.append(f"{told}: {differences(found, allowed)}")
            wrong += [f"{told}: {what}" for what in broken(world)]
            if is_late(*runs) or is_late(*reversed(runs)):
                wrong.append(f"{told}: after STOP")
            is_known = frozenset((first.name, second.name)) in UNDONE_AND_DONE_AGAIN
            if sum(run.deadlocks for run in runs) and not is_known:
                wrong.append(f"{told}: deadlock")
    print(f"{name}: {ran} interleavings")
    assert wrong == [], "\n".join(wrong[:40])


def is_late(stop, other):
    """Whether somebody committed to a call after whoever pressed STOP knew that nobody
    would."""
    is_call = (other.name, other.result) in [("pre-send", "allowed"), ("claim", 1)]
    return (
        stop.name in ("stop", "pause") and is_call and other.committed_at > stop.done_at
    )


def differences(found, allowed):
    def flat(value, path=""):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from flat(inner, f"{path}.{key}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for n, inner in enumerate(value):
                yield from flat(inner, f"{path}.{n}")
        else:
            yield path, str(value)

    mine = dict(flat(found))
    return " / ".join(
        ", ".join(
            f"{key}: {mine.get(key)} not {theirs.get(key)}"
            for key in sorted(mine.keys() | theirs.keys())
            if mine.get(key) != theirs.get(key)
        )
        for theirs in (dict(flat(one)) for one in allowed)
    )
