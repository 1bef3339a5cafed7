"""What a route takes and gives: a parsed question, an answer, or a refusal (1.7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.world import World

Json = dict[str, Any]


class Refused(Exception):
    """Pearl's business answer is no: a 400 with ValidationProblemDetails."""

    def __init__(self, field_name: str, message: str, *, bare_404: bool = False):
        super().__init__(message)
        self.errors = {field_name: [message]}
        self.bare_404 = bare_404


@dataclass(frozen=True, slots=True)
class Ask:
    """One request after routing: path parameters, version, and the body as JSON."""

    params: dict[str, str]
    version: int
    body: Any = None

    @property
    def fields(self) -> Json:
        """The body as an object, or a 400."""
        if not isinstance(self.body, dict):
            raise Refused("$", "A JSON object is required.")
        return self.body


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a JSON payload, or raw bytes of some type."""

    payload: Any = None
    status: int = 200
    raw: bytes | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return json.dumps(
            self.payload, ensure_ascii=False, separators=(",", ":")
        ).encode()


Handle = Callable[["World", Ask], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and template, the group faults know it by, and who answers."""

    method: str
    template: str
    group: str
    handle: Handle

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


def problem(errors: dict[str, list[str]], *, status: int = 400) -> Answer:
    """The ASP.NET error body."""
    payload = {
        "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
        "title": "One or more validation errors occurred.",
        "status": status,
        "detail": None,
        "instance": None,
        "errors": errors,
    }
    return Answer(payload, status, content_type="application/problem+json")
