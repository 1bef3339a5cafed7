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
from ninja import NinjaAPI
from ninja.throttling import AuthRateThrottle

from calls.api import attempts, control, leads, problems
from calls.api.access import LoginAuth, TokenAuth


class Api(NinjaAPI):
    """Says of every endpoint how it refuses."""

    def get_openapi_schema(self, **options: Any) -> Any:
        schema = super().get_openapi_schema(**options)
        known = problems.Problem.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        parts = schema["components"]["schemas"]
        parts |= known.pop("$defs", {}) | {"Problem": known}
        content = {"schema": {"$ref": "#/components/schemas/Problem"}}
        refusal = {
            "description": "A problem, in words (RFC 9457)",
            "content": {problems.MEDIA_TYPE: content},
        }
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"]["default"] = refusal
        return schema


api = Api(
    title="TuoTempo Llamadas",
    version="1",
    description="Leads, calls and their results. Errors are application/problem+json.",
    auth=[TokenAuth(), LoginAuth()],
    throttle=[AuthRateThrottle("20/s")],
    docs_url="/docs",
    docs_decorator=login_required,
    urls_namespace="api",
)
problems.register(api)
api.add_router("calls/", control.router)
api.add_router("calls/", leads.router)
api.add_router("calls/", attempts.router)


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
