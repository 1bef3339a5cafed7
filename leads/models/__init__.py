"""The people who may be called, where they came from, and who must not be called."""

from __future__ import annotations

from leads.models.changes import (
    BulkChange,
    Export,
    LeadEvent,
    SavedView,
)
from leads.models.imports import (
    ImportSource,
    LeadImport,
)
from leads.models.lead import (
    CALLBACK_GRACE,
    TO_RETRY,
    CallStatus,
    Consent,
    Disposition,
    Lead,
    LeadQuerySet,
    NotInterested,
    Priority,
    QueueRank,
)
from leads.models.suppression import (
    ListAnswer,
    Suppression,
    SuppressionQuerySet,
)
from leads.models.words import LeadWord

__all__ = [
    "CALLBACK_GRACE",
    "TO_RETRY",
    "BulkChange",
    "CallStatus",
    "Consent",
    "Disposition",
    "Export",
    "ImportSource",
    "Lead",
    "LeadEvent",
    "LeadImport",
    "LeadQuerySet",
    "LeadWord",
    "ListAnswer",
    "NotInterested",
    "Priority",
    "QueueRank",
    "SavedView",
    "Suppression",
    "SuppressionQuerySet",
]
