"""What a person reads when there is no page for them: never how it failed inside."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django_htmx.http import trigger_client_event


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of an unforeseen error; that of a database that does not answer says so
    (503, for monitors and for the dashboard's own message). Neither asks the database
    for anything, the person included."""
    is_outage = isinstance(sys.exception(), (OperationalError, InterfaceError))
    status = 503 if is_outage else 500
    with translation.override(translation.get_language_from_request(request)):
        return HttpResponse(render_to_string(f"{status}.html"), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """As Django's, with the header of the site."""
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is older than the session. A fragment's form says so in a toast."""
    response = render(request, "403_csrf.html", status=403)
    if not request.headers.get("HX-Request"):
        return response
    text = _(
        "La página llevaba demasiado tiempo abierta y no se ha cambiado nada: "
        "recárguela y repita."
    )
    return trigger_client_event(response, "toast", {"text": text, "kind": "error"})


class WordsForRefusedMethods:
    """Django refuses a method with an empty page; a browser gets one with words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = "text/html" in request.headers.get("Accept", "")
        if response.status_code != 405 or not is_page:
            return response
        allowed = response.headers["Allow"]
        response = render(request, "405.html", status=405)
        response.headers["Allow"] = allowed
        return response
