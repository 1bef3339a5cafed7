"""Whom a log line concerns, in ids only: an attempt's token, its lead, its campaign.

What is logged inside `concerning` carries them, whoever logs it. Lines of writes carry
them as `extra`, for they come after the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from logging import Logger
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from calls.models import CallAttempt

Ids = Mapping[str, str | int]

NAMES = ("attempt", "lead", "campaign")
_nobody: Ids = MappingProxyType({})
_concerned: ContextVar[Ids] = ContextVar("concerned", default=_nobody)


def ids_of(attempt: CallAttempt) -> dict[str, str | int]:
    return {
        "attempt": str(attempt.token),
        "lead": attempt.lead_id,
        "campaign": attempt.campaign_id,
    }


@contextmanager
def concerning(attempt: CallAttempt) -> Iterator[None]:
    before = _concerned.set(ids_of(attempt))
    try:
        yield
    finally:
        _concerned.reset(before)


def concerned() -> Ids:
    return _concerned.get()


def tell_once_committed(logger: Logger, attempt: CallAttempt, state: str) -> None:
    """A step of an attempt, told when it holds: what is rolled back never was."""
    line = partial(
        logger.info,
        "attempt %s is %s",
        attempt.token,
        state,
        extra=ids_of(attempt),
    )
    transaction.on_commit(line)
