from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.utils.translation import gettext_lazy

from calls import dashboard
from calls.webhooks import pearl_webhook
from tuotempo.health import healthz, readyz

handler500 = "tuotempo.errors.server_error"

admin.site.site_header = admin.site.site_title = "TuoTempo Llamadas"
admin.site.index_title = gettext_lazy("Administración")

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
