"""Where the API is, and what it says of itself: /api/calls/…, /api/docs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required, login_required
from ninja import NinjaAPI
from ninja.throttling import AuthRateThrottle

from calls.api import control, leads, problems
from calls.api.access import LoginAuth, TokenAuth

api = NinjaAPI(
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

urlpatterns, app_name, _namespace = api.urls
# It asks who it is by itself, and answers programs instead of sending them to a login.
for _pattern in urlpatterns:
    _view: Any = _pattern.callback
    if "docs" not in str(_pattern.pattern):
        _pattern.callback = login_not_required(_view)
