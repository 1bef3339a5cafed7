"""What is asked by API, as the filters of the site read it: an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field

from calls.api.problems import Unprocessable
from leads.filters import LARGEST_ID

LONGEST_PAGE = 500
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]


def refuse_unknown(request: HttpRequest, known: type[Schema]) -> None:
    """A mistyped filter must not mean everybody. Raises Unprocessable."""
    if unknown := sorted(set(request.GET) - set(known.model_fields)):
        raise Unprocessable({name: _("Este filtro no existe.") for name in unknown})


def as_address(asked: Schema, names: Iterable[str]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name in names:
        value = getattr(asked, name)
        values = value if isinstance(value, list) else [value]
        query.setlist(name, [_written(one) for one in values if one is not None])
    return query


def understood(found: Any) -> Any:
    """A filter without errors. Raises Unprocessable."""
    if not found.is_valid():
        raise Unprocessable(
            {name: " ".join(errors) for name, errors in found.errors.items()}
        )
    return found


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "value", value))
