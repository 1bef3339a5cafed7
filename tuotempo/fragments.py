"""A fragment asked for without a login sends the whole page to the login instead."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url


class LoginForFragments:
    """Otherwise htmx would follow the redirect and put the login into a table."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        login = resolve_url(settings.LOGIN_URL)
        is_fragment = bool(request.headers.get("HX-Request"))
        location = response.headers.get("Location", "")
        if is_fragment and location.startswith(login):
            return HttpResponse(status=401, headers={"HX-Redirect": login})
        return response
