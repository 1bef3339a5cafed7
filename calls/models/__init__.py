"""Campaigns, their runs, the attempts to call, what Pearl said, who is working, and the
appointments that come of it."""

from __future__ import annotations

from calls.models.answer import KeptAnswer
from calls.models.appointment import (
    Appointment,
    AppointmentEvent,
    AppointmentQuerySet,
    AppointmentState,
    CancelReason,
    Clinic,
    Resource,
    Review,
)
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
from calls.models.outcome import OutcomeChange, OutcomeTable, Rereading
from calls.models.recording import Listen, Recording
from calls.models.said import SaidWord
from calls.models.token import ApiToken, Scope
from calls.models.witness import PearlEvent, Worker

__all__ = [
    "ApiToken",
    "Appointment",
    "AppointmentEvent",
    "AppointmentQuerySet",
    "AppointmentState",
    "CallAttempt",
    "CallAttemptQuerySet",
    "Campaign",
    "CancelReason",
    "Clinic",
    "CollectedField",
    "CollectedFieldChange",
    "CollectedValue",
    "CollectedValueChange",
    "ControlEvent",
    "KeptAnswer",
    "Listen",
    "OptOut",
    "OutcomeChange",
    "OutcomeTable",
    "PearlAccount",
    "PearlEvent",
    "Recording",
    "Rereading",
    "Resource",
    "Review",
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
