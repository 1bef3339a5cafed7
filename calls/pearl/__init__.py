"""Pearl (NLPearl): everything that knows its field names, and nothing of ours.

Pearl's words stop here; inward we speak of calls, requests and reports.
"""

from __future__ import annotations

from .campaigns import (
    Account,
    CallingHours,
    OngoingCalls,
    Outbound,
    OutboundSettings,
    Pearl,
)
from .client import PearlClient
from .ids import CallId, LeadId, PearlId, RequestId
from .reading import FrozenMap
from .recordings import (
    Audio,
    RecordingError,
    RecordingFailed,
    RecordingRefused,
    RecordingUnavailable,
)
from .reports import (
    ATTEMPT_VARIABLE,
    CallReport,
    CallRequestReport,
    LeadReport,
    Page,
    Turn,
    UnreadableEvent,
    parse_webhook,
)
from .transport import seconds_awake
from .verdicts import (
    AccessDenied,
    CallNotSent,
    CallRefused,
    CallUncertain,
    NoAnswer,
    NotFound,
    PearlError,
    PlacedCall,
    Throttled,
)

__all__ = [
    "ATTEMPT_VARIABLE",
    "AccessDenied",
    "Account",
    "Audio",
    "CallId",
    "CallNotSent",
    "CallRefused",
    "CallReport",
    "CallRequestReport",
    "CallUncertain",
    "CallingHours",
    "FrozenMap",
    "LeadId",
    "LeadReport",
    "NoAnswer",
    "NotFound",
    "OngoingCalls",
    "Outbound",
    "OutboundSettings",
    "Page",
    "Pearl",
    "PearlClient",
    "PearlError",
    "PearlId",
    "PlacedCall",
    "RecordingError",
    "RecordingFailed",
    "RecordingRefused",
    "RecordingUnavailable",
    "RequestId",
    "Throttled",
    "Turn",
    "UnreadableEvent",
    "parse_webhook",
    "seconds_awake",
]
