"""Pearl's ids: alike to the eye, never to be mixed up.

A request id and a call id are both 24 hex digits; an earlier system took one for the
other and lost every result (pearl-api.md 1.4, 9.3).
"""

from __future__ import annotations

import re
from typing import Self

SHAPE = re.compile(r"[0-9a-f]{24}", re.ASCII)
EMPTY = "0" * 24  # .NET's ObjectId.Empty: "none"


def is_id(text: object) -> bool:
    return (
        isinstance(text, str)
        and SHAPE.fullmatch(text.lower()) is not None
        and text != EMPTY
    )


class PearlId(str):
    """Text that knows what it names, and equals no other kind of id of that text."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __new__(cls, text: str) -> Self:
        if not is_id(text):
            raise ValueError(f"not a {cls.__name__}: 24 hex digits expected")
        return super().__new__(cls, text.lower())

    def __eq__(self, other: object) -> bool:
        is_other_kind = isinstance(other, PearlId) and type(other) is not type(self)
        return not is_other_kind and super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @classmethod
    def read(cls, value: object) -> Self | None:
        """The id, or None for whatever is not one."""
        return cls(value) if isinstance(value, str) and is_id(value) else None


class RequestId(PearlId):
    """What Make Call answers: our wish for a call. Follow it with `call_request`."""


class CallId(PearlId):
    """A call that Pearl has begun. Read it with `call`."""


class LeadId(PearlId):
    """A lead of Pearl's, not one of ours."""
