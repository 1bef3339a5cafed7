"""Where the API is, and what it says of itself: /api/calls/…, /api/docs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from calls.api import (
    attempts,
    configuration,
    control,
    history,
    lead,
    leads,
    problems,
    suppressions,
)
from calls.api.access import EVERYTHING, LoginAuth, TokenAuth
from calls.api.once import once
from calls.api.queries import TextParser
from calls.api.schema import PublishedApi

api = PublishedApi(
    title="TuoTempo Llamadas",
    version="1",
    description="Leads, calls and their results. Errors are application/problem+json.",
    auth=[TokenAuth(), LoginAuth()],
    throttle=[EVERYTHING],
    parser=TextParser(),
    docs_url="/docs",
    docs_decorator=login_required,
    urls_namespace="api",
)
problems.register(api)
for _part in (control, configuration, leads, lead, attempts, suppressions, history):
    _part.router.add_decorator(once, mode="operation")
    api.add_router("calls/", _part.router)


def for_programs(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """It asks who it is by itself, and answers programs instead of sending them to a
    login; a method that is not there is refused in words, too."""

    @login_not_required
    @csrf_exempt  # of a session it is asked by LoginAuth
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        response = view(request, *args, **options)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        headers = {"Allow": response.headers.get("Allow", "")}
        return problems.problem(405, _("Aquí no se puede pedir eso."), headers=headers)

    return answered


@login_not_required
@csrf_exempt
def nowhere(_request: HttpRequest) -> HttpResponse:
    return problems.problem(404, _("Esta dirección no existe."))


urlpatterns, app_name, _namespace = api.urls
for _pattern in urlpatterns:
    _view: Any = _pattern.callback
    if "docs" not in str(_pattern.pattern):
        _pattern.callback = for_programs(_view)
urlpatterns = [*urlpatterns, re_path("", nowhere)]
