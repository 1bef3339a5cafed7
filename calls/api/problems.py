"""Errors as RFC 9457 has them: application/problem+json, in words, by field."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import Schema
from ninja.errors import (
    AuthenticationError,
    AuthorizationError,
    HttpError,
    Throttled,
    ValidationError,
)

from calls.pearl import PearlError
from calls.starting import Refused
from leads.locks import is_lock
from leads.selection import ChangeRefused

if TYPE_CHECKING:
    from django.http import HttpRequest
    from ninja import NinjaAPI

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class FieldError(Schema):
    field: str
    message: str


class Problem(Schema):
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []


class Busy(Exception):
    """Somebody else is at it just now: nothing was done."""


class Unprocessable(Exception):
    """By field, what is wrong with it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors


def problem(
    status: int,
    title: str,
    *,
    detail: str = "",
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    body = {"title": title, "status": status, "detail": detail, "errors": errors or []}
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=headers)


def _wrong(errors: Mapping[str, str]) -> HttpResponse:
    listed = [{"field": name, "message": text} for name, text in errors.items()]
    return problem(
        422, _("Hay datos que no valen: no se ha hecho nada."), errors=listed
    )


def _throttled(_request: HttpRequest, exc: Any) -> HttpResponse:
    wait = str(max(1, math.ceil(exc.wait or 1)))
    title = _("Demasiadas peticiones: espere y repita.")
    return problem(429, title, headers={"Retry-After": wait})


def _unauthenticated(_request: HttpRequest, exc: Any) -> HttpResponse:
    detail = str(exc.message) if exc.message != "Unauthorized" else ""
    return problem(
        401,
        _("Entre en la aplicación o use una clave de API."),
        detail=detail,
        headers={"WWW-Authenticate": "Bearer"},
    )


def _busy(_request: HttpRequest, _exc: Any) -> HttpResponse:
    title = _("Otra petición lo está cambiando ahora mismo: espere y repita.")
    return problem(409, title, headers={"Retry-After": "1"})


def _unforeseen(request: HttpRequest, exc: Any) -> HttpResponse:
    if isinstance(exc, OperationalError) and is_lock(exc):
        return _busy(request, exc)
    if isinstance(exc, (OperationalError, InterfaceError)):
        logger.warning("api: no database: %s", type(exc).__name__)
        return problem(503, _("La base de datos no responde: repita más tarde."))
    logger.exception("api: unforeseen", exc_info=exc)
    return problem(500, _("Ha fallado algo por nuestra parte: no es culpa suya."))


def register(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Any] = {
        ValidationError: lambda _request, exc: _wrong(
            {_place(one["loc"]): one["msg"] for one in exc.errors}
        ),
        Unprocessable: lambda _request, exc: _wrong(exc.errors),
        HttpError: lambda _request, exc: problem(exc.status_code, str(exc)),
        AuthenticationError: _unauthenticated,
        AuthorizationError: lambda _request, exc: problem(403, str(exc.message)),
        Http404: lambda _request, _exc: problem(404, _("No existe.")),
        Throttled: _throttled,
        Busy: _busy,
        RequestDataTooBig: lambda _request, _exc: problem(
            413, _("Es demasiado para una sola petición: pídalo por partes.")
        ),
        Refused: lambda _request, exc: problem(409, str(exc)),
        ChangeRefused: lambda _request, exc: problem(409, str(exc.reason)),
        PearlError: lambda _request, exc: problem(502, str(exc)),
        Exception: _unforeseen,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _place(location: tuple[Any, ...]) -> str:
    """Of ("query", "filters", "status", 0): "status"."""
    inner = [
        part
        for part in location[1:]
        if isinstance(part, str) and part not in ("filters", "payload")
    ]
    return ".".join(inner) or str(location[0])
