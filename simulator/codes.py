"""The numbers Pearl uses for states and endings (pearl-api.md section 2)."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """A Pearl enumeration: an integer on the wire, a CamelCase name on paper."""

    @property
    def label(self) -> str:
        return self.name.title().replace("_", "")


class CallStatus(Code):
    """Section 2.2, technical state of a call."""

    IN_PROGRESS = 3
    COMPLETED = 4
    BUSY = 5
    FAILED = 6
    NO_ANSWER = 7
    CANCELED = 8


class Conversation(Code):
    """Sections 2.1 and 2.3: verdict of a conversation, and status of a lead."""

    NEW = 1
    NEED_RETRY = 10
    IN_CALL_QUEUE = 20
    WRONG_COUNTRY_CODE = 30
    ON_CALL = 40
    VOICE_MAIL_LEFT = 70
    SUCCESS = 100
    NOT_SUCCESSFUL = 110
    COMPLETED = 130
    UNREACHABLE = 150
    BLACKLISTED = 220
    ERROR = 500


class RequestStatus(Code):
    """Section 2.4, state of a Make Call request."""

    IN_CALL_QUEUE = 1
    ON_CALL = 2
    COMPLETED = 10
    BLACK_LISTED = 20
    ERROR = 100


class Activity(Code):
    """Section 2.5, state of a campaign."""

    RUNNING = 1
    PAUSED = 2
    SUSPENDED = 3
    TEMPORARY_MAINTENANCE = 10


class AccountStatus(Code):
    """Section 2.6."""

    FULL_ACCESS = 1
    LIMITED_ACCESS = 2
    NO_CREDITS = 3
    SUSPENDED_ACCOUNT = 4
    DEBT_REACHED = 5


class Sentiment(Code):
    """Section 2.7."""

    NEGATIVE = 1
    SLIGHTLY_NEGATIVE = 2
    NEUTRAL = 3
    SLIGHTLY_POSITIVE = 4
    POSITIVE = 5


INBOUND, OUTBOUND = 1, 2  # Pearl types (2.7)
VOICE, TEXT = 1, 2  # agent types (2.7)

AGENT, CUSTOMER = 2, 3  # transcript roles, unknown U12

RETRY_HOURS = {1: 6, 2: 24, 3: 72, 4: 168, 5: 720, 6: 3}  # minimumRetryIntervalHours
