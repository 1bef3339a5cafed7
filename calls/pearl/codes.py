"""Pearl's enumerations as numbers, however Pearl chose to write them that day.

Sources: pearl-api.md 2.1 to 2.7. What a number means to us is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MAX_CODE = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Codes:
    """One enumeration: its names, and the numbers that are two for one thing."""

    names: Mapping[str, int]
    synonyms: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    def read(self, value: object) -> int | None:
        """The number for an int, a numeric string or a name; None if it is neither.

        A number Pearl never documented is still a number: it is kept, not guessed.
        """
        number = self._number(value)
        if number is None or abs(number) > MAX_CODE:
            return None
        return self.synonyms.get(number, number)

    def _number(self, value: object) -> int | None:
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            return int(value) if value.is_integer() else None
        if isinstance(value, str):
            return self._number_in(value.strip())
        return None

    def _number_in(self, text: str) -> int | None:
        digits = text.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= 10:
            return int(text)
        return self.names.get(_squeezed(text))


def _squeezed(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _codes(names: dict[int, str], **synonyms: int) -> Codes:
    """`names`: every spelling seen, by number. `synonyms`: _35=20 reads 35 as 20."""
    return Codes(
        names=MappingProxyType(
            {_squeezed(n): number for number, ns in names.items() for n in ns.split()}
        ),
        synonyms=MappingProxyType({int(k[1:]): v for k, v in synonyms.items()}),
    )


CALL_STATUS = _codes(
    {
        3: "InProgress",
        4: "Completed Complete",
        5: "Busy",
        6: "Failed",
        7: "NoAnswer",
        8: "Canceled Cancelled",
    }
)

# 2.3: the numbering changed with the documentation's generations.
CONVERSATION_STATUS = _codes(
    {
        10: "NeedRetry NotAnswered",
        20: "InCallQueue InQueue",
        40: "OnCall OnGoing",
        70: "VoiceMailLeft",
        100: "Success Successful",
        110: "NotSuccessful NotSuccessfull Unsuccessful",
        130: "Completed Complete",
        150: "Unreachable",
        220: "Blacklisted",
        300: "QueueAbandon QueueAbandoned",
        500: "Error",
    },
    _35=20,
    _200=500,
)

LEAD_STATUS = _codes(
    {
        1: "New",
        10: "NeedRetry NotAnswered",
        20: "InCallQueue InQueue",
        30: "WrongCountryCode",
        40: "OnCall OnGoing",
        70: "VoiceMailLeft",
        100: "Success Successful",
        110: "NotSuccessful NotSuccessfull Unsuccessful",
        130: "Completed Complete",
        150: "Unreachable",
        220: "Blacklisted",
        300: "QueueAbandon QueueAbandoned",
        500: "Error",
    },
    _35=20,
    _200=500,
)

REQUEST_STATUS = _codes(
    {
        1: "InCallQueue InQueue",
        2: "OnCall OnGoing",
        10: "Completed Complete",
        20: "BlackListed",
        100: "Error",
    }
)

ACTIVITY_STATUS = _codes(
    {1: "Running", 2: "Paused", 3: "Suspended", 10: "TemporaryMaintenance"}
)

ACCOUNT_STATUS = _codes(
    {
        1: "FullAccess",
        2: "LimitedAccess",
        3: "NoCredits",
        4: "SuspendedAccount Suspended",
        5: "DebtReached",
    }
)

PEARL_TYPE = _codes({1: "Inbound", 2: "Outbound"})

SENTIMENT = _codes(
    {
        1: "Negative",
        2: "SlightlyNegative",
        3: "Neutral",
        4: "SlightlyPositive",
        5: "Positive",
    }
)
