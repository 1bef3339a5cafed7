"""Columns for Pearl's ids: each holds one kind, and refuses the others.

An earlier system kept request ids as call ids and lost every result (pearl-api.md 9.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from calls.pearl import CallId, PearlId, RequestId

if TYPE_CHECKING:
    Column = models.CharField[Any, Any]
else:
    Column = models.CharField


class PearlIdField(Column):
    """Reads as its kind of id; TypeError when another is written or looked for, and
    ValueError when text is written that is no id at all."""

    kind: type[PearlId]

    def from_db_value(self, value: str | None, *args: object) -> PearlId | None:
        return None if value is None else self.kind(value)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, PearlId) and not isinstance(value, self.kind):
            raise TypeError(f"{self.name} is no place for a {type(value).__name__}")
        text = super().get_prep_value(value)
        return text if text is None else str(text)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        text = super().get_db_prep_save(value, connection)
        return str(self.kind(text)) if isinstance(text, str) else text

    def deconstruct(self) -> Any:
        """As the plain column that it is to the database."""
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options


class RequestIdField(PearlIdField):
    kind = RequestId


class CallIdField(PearlIdField):
    kind = CallId
