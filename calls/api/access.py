"""Who asks, and whether they may: a session, or a token that programs show."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from threading import Lock, local
from typing import TYPE_CHECKING, cast

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.errors import AuthenticationError, AuthorizationError
from ninja.security import HttpBearer, SessionAuth
from ninja.throttling import AuthRateThrottle

from calls.models import ApiToken, Scope
from calls.models.token import digest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest

# A token's last use is noted no more often than that.
NOTED_EVERY = timedelta(minutes=1)


class RateLimit(AuthRateThrottle):
    """As ninja's, which keeps what it knows of one request on an object that all
    requests share: with several threads it counted one person's request for another."""

    def __init__(self, rate: str, *, scope: str) -> None:
        super().__init__(rate)
        self.scope = scope
        self._counting = Lock()
        self._mine = local()

    def allow_request(self, request: HttpRequest) -> bool:
        one = copy(self)
        with self._counting:
            is_allowed = super(RateLimit, one).allow_request(request)
        self._mine.wait = None if is_allowed else super(RateLimit, one).wait()
        return is_allowed

    def wait(self) -> float | None:
        """Of the request that this thread has just refused."""
        wait: float | None = self._mine.wait
        return wait


EVERYTHING = RateLimit("20/s", scope="auth")
# What asks Pearl at each request, with the budget that the calls live on.
ASKS_PEARL = RateLimit("6/m", scope="asks-pearl")


class TokenAuth(HttpBearer):
    """`Authorization: Bearer tt_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        now = timezone.now()
        valid = ApiToken.objects.valid(now=now).select_related("user")
        known = valid.filter(hash=digest(token)).first()
        if known is None:
            raise AuthenticationError(message=_("Esta clave no vale o ha caducado."))
        unused = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
        ApiToken.objects.filter(unused, pk=known.pk).update(last_used_at=now)
        request.user = known.user
        request.api_token = known  # type: ignore[attr-defined]
        return known.user


class LoginAuth(SessionAuth):
    """The session of somebody at a screen; what changes something needs the token of
    its forms too (X-CSRFToken)."""

    def _get_key(self, request: HttpRequest) -> str | None:
        if not request.user.is_authenticated:
            return None
        return super()._get_key(request)


def allow(request: HttpRequest, *permissions: str, scope: Scope = Scope.READ) -> User:
    """Who asks. Raises AuthorizationError unless they may, and their token too."""
    token: ApiToken | None = getattr(request, "api_token", None)
    if token is not None and scope not in token.scopes:
        text = _("A esta clave le falta el alcance «%s».")
        raise AuthorizationError(message=text % scope.label)
    if not request.user.has_perms(permissions):
        raise AuthorizationError(message=_("No tiene permiso para esto."))
    return cast("User", request.user)
