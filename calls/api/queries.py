"""What is asked by API, as the filters of the site read it: an address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from ninja import Schema
from ninja.parser import Parser
from pydantic import AfterValidator, AwareDatetime, Field

from calls.api.problems import Unprocessable
from leads.filters import LARGEST_ID

LONGEST_PAGE = 500
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
# What a database can hold wherever its clock is.
YEARS = range(1900, 2200)


def _storable(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise ValueError(f"not in the years {YEARS.start} to {YEARS.stop - 1}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_storable)]


class TextParser(Parser):
    """JSON whose texts can be written: no half of a character, which Python reads."""

    def parse_body(self, request: HttpRequest) -> Any:
        text = request.body.decode()
        told = json.loads(text)
        if "\\u" in text:
            json.dumps(told, ensure_ascii=False).encode()
        return told


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


def understood(found: Any, *, names: Mapping[str, str] | None = None) -> Any:
    """A filter or form without errors. Raises Unprocessable.

    `names`: by field of the form, how the API calls it."""
    if not found.is_valid():
        known = names or {}
        raise Unprocessable(
            {
                known.get(name, name): " ".join(map(str, errors))
                for name, errors in found.errors.items()
            }
        )
    return found


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "value", value))
