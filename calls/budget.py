"""What the provider lets all our processes send: pace, Retry-After and the breaker.

Pearl's account takes about one request a second (pearl-api.md 1.8). One row, shared by
every process, hands out the turns; dials take theirs inside the claim.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from calls.models import CallAttempt, PearlAccount
from calls.states import State

FAILURES_TO_OPEN = 3
BREAKER_FIRST = timedelta(seconds=5)
# Short enough that a run goes on within a minute of Pearl coming back, though a
# question may just have begun to wait for its deadline.
BREAKER_MAX = timedelta(seconds=15)
THROTTLE_DEFAULT = timedelta(seconds=2)
THROTTLE_MAX = timedelta(minutes=15)


def account() -> PearlAccount:
    """The row of the configured account, made on first use."""
    row, _made = PearlAccount.objects.get_or_create(
        account_id=settings.PEARL_ACCOUNT_ID
    )
    return row


def interval() -> timedelta:
    """Time between two requests; zero when there is no limit."""
    rate = settings.PEARL_REQUESTS_PER_SECOND
    return timedelta(seconds=1 / rate) if rate else timedelta(0)


def take_turns(wanted: int, *, now: datetime) -> int:
    """How many of `wanted` requests may be sent now; their turns are taken.

    Call it inside a transaction: with a pace there is one turn at a time, and it goes
    to whoever holds the row.
    """
    row = account()
    if row.blocked_until and row.blocked_until > now:
        return 0
    if not interval():
        return wanted
    row = PearlAccount.objects.select_for_update().get(pk=row.pk)
    if wanted < 1 or (row.next_request_at and row.next_request_at > now):
        return 0
    # A turn missed by less than one interval is made up, so the pace is kept on
    # average; Pearl's bucket holds a few.
    previous = row.next_request_at or now
    start = max(previous, now - interval())
    PearlAccount.objects.filter(pk=row.pk).update(next_request_at=start + interval())
    return 1


def take_turn(*, now: datetime) -> bool:
    """One turn for a question to Pearl. False: not now."""
    with transaction.atomic():
        return take_turns(1, now=now) == 1


def block(*, now: datetime, retry_after: timedelta | None) -> None:
    """Pearl said 429: nobody sends before its time is over."""
    until = now + min(retry_after or THROTTLE_DEFAULT, THROTTLE_MAX)
    row = PearlAccount.objects.filter(pk=account().pk)
    row.exclude(blocked_until__gt=until).update(blocked_until=until)


def note_failure(*, now: datetime) -> None:
    """A request found no answer; three in a row open the breaker."""
    with transaction.atomic():
        row = PearlAccount.objects.select_for_update().get(pk=account().pk)
        failures = row.failures + 1
        beyond = min(max(failures - FAILURES_TO_OPEN, 0), 6)
        pause = min(BREAKER_FIRST * 2**beyond, BREAKER_MAX)
        PearlAccount.objects.filter(pk=row.pk).update(
            failures=F("failures") + 1,
            breaker_until=now + pause if failures >= FAILURES_TO_OPEN else None,
        )


def note_answer() -> None:
    """Pearl answered a question. An open breaker is ajar from now on: that it answers
    does not yet show that it takes calls."""
    row = account()
    rows = PearlAccount.objects.filter(pk=row.pk)
    if breaker_is_open(row):
        rows.filter(failures__gte=FAILURES_TO_OPEN).update(
            failures=FAILURES_TO_OPEN - 1
        )
    elif row.failures and not breaker_is_ajar(row):
        rows.filter(breaker_until=None).update(failures=0)


def note_success() -> None:
    """Pearl answered to a call: the breaker closes."""
    ours = PearlAccount.objects.filter(account_id=settings.PEARL_ACCOUNT_ID)
    ours.filter(failures__gt=0).update(failures=0, breaker_until=None)


def on_their_way() -> int:
    """How many calls of all campaigns are about to be sent, or sent and not answered.

    Call it inside a transaction: it holds the account's row, so that of two claims at
    the same time the second counts the first.
    """
    PearlAccount.objects.select_for_update().get(pk=account().pk)
    sending = [State.CLAIMED, State.DIALING]
    return CallAttempt.objects.filter(state__in=sending).count()


def is_blocked(row: PearlAccount, *, now: datetime) -> bool:
    """Pearl asked for a pause that is not over."""
    return row.blocked_until is not None and row.blocked_until > now


def breaker_is_open(row: PearlAccount) -> bool:
    """Open until a harmless question is answered, never until time passes."""
    return row.failures >= FAILURES_TO_OPEN


def breaker_is_ajar(row: PearlAccount) -> bool:
    """Open until just now: calls are made one at a time until one is answered, and a
    single failure opens it again."""
    return row.breaker_until is not None and not breaker_is_open(row)
