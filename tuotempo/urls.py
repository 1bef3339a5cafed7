from __future__ import annotations

from django.contrib import admin
from django.urls import path

from calls.webhooks import pearl_webhook

urlpatterns = [
    path("webhooks/pearl/<str:token>", pearl_webhook, name="pearl_webhook"),
    path("admin/", admin.site.urls),
]
