"""Ten thousand bodies of ill will: each is answered 200, and no lead changes."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.utils import timezone

from calls import webhooks
from calls.models import CallAttempt, PearlEvent
from calls.states import State
from calls.tests.factories import AttemptFactory
from calls.tests.pearl_events import END, END_V1, LEAD_EVENT, START
from leads.models import Lead, LeadEvent, Suppression

BODIES = 10_000
WRONG = [
    *(None, True, False, 0, -1, 1.5, 7, 2**31, 2**63, 10**30, 1e308, -0.0),
    *("", " ", "7", "NaN", "\0", "\ud800", "' OR 1=1 --", "<script>", "{{ 7*7 }}"),
    *("success", "2026-13-45T99:99:99Z", "9" * 400, "a" * 50_000, "/" * 300),
    *([], {}, [None], [[]], [{}], {"": {}}, {"id": None}, ["a", 1, {}], [[[[1]]]]),
    *({"id": {}, "value": []}, [{"id": "x" * 3000, "value": "y"}], {"url": []}),
    [{"role": [], "content": {}, "startTime": "x"}] * 50,
    [{"id": "ttAttemptId", "value": ["nobody"]}],
    {"$where": "1", "__proto__": {"a": 1}, "constructor": None},
]


def hostile(attempt: CallAttempt, dice: random.Random) -> Iterator[bytes]:
    """They know the number, not the marker, which is a secret of ours and Pearl's."""
    mine = {"to": attempt.phone, "phoneNumber": attempt.phone, "id": "b" * 24}
    seeds = [
        {**START, "to": attempt.phone},
        {**END, "to": attempt.phone},
        {**END_V1, "ToNumber": attempt.phone},
        {**LEAD_EVENT, "phoneNumber": attempt.phone},
    ]
    yield from malformed(json.dumps({**END, **mine}).encode(), dice)
    for seed in seeds:
        for field in seed:
            for wrong in WRONG:
                yield json.dumps({**seed, field: wrong}).encode()
                yield json.dumps([{**seed, field: wrong}]).encode()
    while True:
        seed = copy.deepcopy(dice.choice(seeds))
        for field in dice.sample([*seed], dice.randint(1, len(seed))):
            if dice.random() < 0.2:
                del seed[field]
            else:
                seed[field] = dice.choice(WRONG)
        yield json.dumps(seed).encode()


def malformed(good: bytes, dice: random.Random) -> Iterator[bytes]:
    yield from (b"", b" ", b"null", b"true", b"7", b'""', b"[]", b"{}", b"\xef\xbb\xbf")
    yield from (
        b"\xff\xfe\x00",
        b"\x00" * 20,
        b"\xed\xa0\x80",
        good.decode().encode("utf-16"),
    )
    yield from (b"[" * 50_000, b'{"a":' * 20_000, b"[" * 400 + b"]" * 400)
    yield from (b'{"id":' + b"9" * 5000 + b"}", b'{"a":NaN}', b'{"a":-Infinity}')
    yield b'{"id":"%b","to":"x","status":1e999,"duration":-1e-999}' % (b"c" * 24)
    yield b'{"id":"a","id":"b","to":"x","to":"y"}'
    yield good[:-1] + b',"status":4}'
    yield good + good
    yield b'"' + b"a" * 900_000 + b'"'
    yield b'{"to":"' + b"\\u0000\\ud800" * 40_000 + b'"}'
    for _each in range(300):
        yield good[: dice.randrange(len(good))]
        yield dice.randbytes(dice.randint(1, 300))
        flipped = bytearray(good)
        for _flip in range(dice.randint(1, 8)):
            flipped[dice.randrange(len(good))] = dice.randrange(256)
        yield bytes(flipped)


@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_ten_thousand_hostile_bodies_get_200_and_change_no_lead(caplog):
    attempt = AttemptFactory()
    AttemptFactory.create_batch(3, run=attempt.run)
    before = [*Lead.objects.order_by("pk").values()]
    source, post = hostile(attempt, random.Random(7)), RequestFactory().post
    answers = set()

    for _each in range(BODIES):
        request = post("/", next(source), content_type="application/json")
        answer = webhooks.pearl_webhook(request, settings.PEARL_WEBHOOK_TOKEN)
        answers.add(answer.status_code)
    while webhooks.process_kept(now=timezone.now(), at_most=1000):
        pass

    assert answers == {200}
    assert [*Lead.objects.order_by("pk").values()] == before
    assert {*CallAttempt.objects.values_list("state", flat=True)} == {State.ACCEPTED}
    assert not LeadEvent.objects.exists()
    assert not Suppression.objects.exists()
    assert not PearlEvent.objects.filter(result=PearlEvent.Result.APPLIED).exists()
    assert "cannot be processed" not in caplog.text
