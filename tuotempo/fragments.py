"""A fragment asked for without a login sends the whole page to the login instead."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


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
            login += _back_to(request)
            return HttpResponse(status=401, headers={"HX-Redirect": login})
        return response


def _back_to(request: HttpRequest) -> str:
    """The page around the fragment, with all that its address says."""
    here = request.headers.get("HX-Current-URL", "")
    if not url_has_allowed_host_and_scheme(here, allowed_hosts={request.get_host()}):
        return ""
    page = urlsplit(here)
    path = f"{page.path}?{page.query}" if page.query else page.path
    if not page.netloc or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return ""
    return f"?{urlencode({'next': path})}"
