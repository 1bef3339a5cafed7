"""The language of each person: chosen in the header, kept for their next browser."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from tuotempo.models import UserLanguage

# In the session of somebody who chose it before the login.
CHOSEN = "language_chosen"


@require_POST
@login_not_required
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Back to where one was, in the language chosen."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise BadRequest("unknown language")
    if request.user.is_authenticated:
        _remember(request.user.pk, language)
    else:
        request.session[CHOSEN] = language
    return set_language(request)


def follow(response: HttpResponse, user_id: int, *, chosen: str = "") -> None:
    """At the login: what was chosen just before it counts, then what was once."""
    if chosen:
        _remember(user_id, chosen)
        return
    known = UserLanguage.objects.filter(user_id=user_id).first()
    if known is not None:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            known.language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )


def _remember(user_id: int, language: str) -> None:
    UserLanguage.objects.update_or_create(
        user_id=user_id, defaults={"language": language}
    )
