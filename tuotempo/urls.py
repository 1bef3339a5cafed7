from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from calls import dashboard
from calls.webhooks import pearl_webhook
from tuotempo.health import healthz, readyz

handler500 = "tuotempo.errors.server_error"

urlpatterns = [
    path("", dashboard.home, name="home"),
    path("calls/", include("calls.urls")),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("webhooks/pearl/<str:token>", pearl_webhook, name="pearl_webhook"),
    path("admin/", admin.site.urls),
]
