from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.utils.translation import gettext_lazy

from calls.calendar_feed import calendar_feed
from calls.home import home, today_fragment
from calls.metrics import metrics
from calls.pearl_pill import pearl_pill_fragment
from calls.webhooks import pearl_webhook
from tuotempo.health import healthz, readyz
from tuotempo.language import choose_language
from tuotempo.login import LogIn, admin_login

handler400 = "tuotempo.errors.bad_request"
handler500 = "tuotempo.errors.server_error"

admin.site.site_header = admin.site.site_title = "TuoTempo Llamadas"
admin.site.index_title = gettext_lazy("Administración")

urlpatterns = [
    path("", home, name="home"),
    path("today", today_fragment, name="today"),
    path("calls/", include("calls.urls")),
    path("pearl", pearl_pill_fragment, name="pearl_pill"),
    path("login/", LogIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language", choose_language, name="choose_language"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("webhooks/pearl/<str:token>", pearl_webhook, name="pearl_webhook"),
    path("calendars/<str:token>.ics", calendar_feed, name="calendar_feed"),
    path("api/", include("calls.api.urls", namespace="api")),
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
]
