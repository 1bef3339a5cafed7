"""How a log line is written: for people, or (LOG_FORMAT=json) one object a line.

Either way it carries the ids of whom it concerns: the web request, and the attempt, its
lead and its campaign (`calls.log_context`).
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

from calls.log_context import NAMES, concerned

HEADER = "X-Request-ID"
META = "tuotempo.request_id"
FROM_A_PROXY = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestId:
    """Gives each web request an id, or keeps the one that a proxy gave it; it is in the
    answer too, so that a person's complaint finds its lines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        known = given if FROM_A_PROXY.fullmatch(given) else secrets.token_hex(8)
        # Django tells of failed requests when this is over, and shows the request.
        request.META[META] = known
        before = _request_id.set(known)
        try:
            response = self.get_response(request)
        finally:
            _request_id.reset(before)
        response.headers[HEADER] = known
        return response


def ids_of(record: logging.LogRecord) -> dict[str, str | int]:
    meta = getattr(record.__dict__.get("request"), "META", {})
    request_id = _request_id.get() or meta.get(META)
    ids = {"request": request_id} if request_id else {}
    own = {name: record.__dict__[name] for name in NAMES if name in record.__dict__}
    return {**ids, **concerned(), **own}


class Text(logging.Formatter):
    """One line for people; the ids follow what is said."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        said = super().formatMessage(record)
        # What somebody else wrote must not look like a line of ours.
        said = said.replace("\r", "\\r").replace("\n", "\\n")
        ids = ids_of(record)
        if str(ids.get("attempt")) in said:
            del ids["attempt"]
        return " ".join([said, *(f"{name}={value}" for name, value in ids.items())])


class Json(logging.Formatter):
    """One JSON object a line, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, str | int] = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **ids_of(record),
            "process": record.process or 0,
            "thread": record.threadName or "",
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            fields["exception"] = record.exc_text
        return json.dumps(fields, ensure_ascii=False)
