"""Campaigns, runs, attempts to call, what came of them, and who is working."""

from __future__ import annotations

from calls.models.attempt import CallAttempt, CallAttemptQuerySet
from calls.models.campaign import (
    Campaign,
    ControlEvent,
    PearlAccount,
    Run,
    RunState,
    default_max_concurrent_calls,
    default_retry_minutes,
    default_weekly_hours,
)
from calls.models.collected import (
    CollectedField,
    CollectedFieldChange,
    CollectedValue,
    CollectedValueChange,
    typed_columns,
)
from calls.models.opt_out import OptOut
from calls.models.recording import Listen, Recording
from calls.models.said import SaidWord
from calls.models.token import ApiToken, Scope
from calls.models.witness import PearlEvent, Worker

__all__ = [
    "ApiToken",
    "CallAttempt",
    "CallAttemptQuerySet",
    "Campaign",
    "CollectedField",
    "CollectedFieldChange",
    "CollectedValue",
    "CollectedValueChange",
    "ControlEvent",
    "Listen",
    "OptOut",
    "PearlAccount",
    "PearlEvent",
    "Recording",
    "Run",
    "RunState",
    "SaidWord",
    "Scope",
    "Worker",
    "default_max_concurrent_calls",
    "default_retry_minutes",
    "default_weekly_hours",
    "typed_columns",
]
