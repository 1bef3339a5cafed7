"""Pearl's ids: alike to the eye, never to be mixed up.

A request id and a call id are both 24 hex digits; an earlier system took one for the
other and lost every result (pearl-api.md 1.4, 9.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

SHAPE = re.compile(r"[0-9a-f]{24}", re.ASCII)
EMPTY = "0" * 24  # .NET's ObjectId.Empty: "none"


def is_id(text: object) -> bool:
    return (
        isinstance(text, str)
        and SHAPE.fullmatch(text.lower()) is not None
        and text != EMPTY
    )


@dataclass(frozen=True)
class _Id:
    text: str

    def __post_init__(self) -> None:
        if not is_id(self.text):
            raise ValueError(f"not a {type(self).__name__}: 24 hex digits expected")
        object.__setattr__(self, "text", self.text.lower())

    def __str__(self) -> str:
        return self.text

    @classmethod
    def read(cls, value: object) -> Self | None:
        """The id, or None for whatever is not one."""
        return cls(value) if isinstance(value, str) and is_id(value) else None


class RequestId(_Id):
    """What Make Call answers: our wish for a call. Follow it with `call_request`."""


class CallId(_Id):
    """A call that Pearl has begun. Read it with `call`."""


class LeadId(_Id):
    """A lead of Pearl's, not one of ours."""
