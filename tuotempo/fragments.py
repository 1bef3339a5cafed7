"""A fragment asked for without a login sends the whole page to the login instead."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails


class LoginForFragments:
    """Otherwise htmx would follow the redirect and put the login into a table. After
    the login one is back on the page, with its filter, not in the fragment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        login = resolve_url(settings.LOGIN_URL)
        htmx = HtmxDetails(request)
        location = response.headers.get("Location", "")
        if not htmx or not location.startswith(login):
            return response
        try:
            page = htmx.current_url_abs_path
        except ValueError:  # no address at all
            page = None
        if page and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
            login += f"?{urlencode({'next': page})}"
        return HttpResponse(status=401, headers={"HX-Redirect": login})
