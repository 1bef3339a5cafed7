"""One way in, for the site and its admin alike; asked of every view that does not say
otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from tuotempo import language


class LoginRequiredUnlessExempt(LoginRequiredMiddleware):
    """Django's own reads the session and the user of views that need neither."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class LogIn(LoginView):
    """Brings the person's language into this browser."""

    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        chosen = self.request.session.pop(language.CHOSEN, "")
        response = super().form_valid(form)
        language.follow(response, form.get_user().pk, chosen=chosen)
        return response


@login_not_required
def admin_login(request: HttpRequest) -> HttpResponse:
    """Whoever is in and may not enter the admin is told so, not asked again."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
