from __future__ import annotations

from django.urls import path

from calls import dashboard

app_name = "calls"

urlpatterns = [
    path("", dashboard.calls_manager, name="manager"),
    path("<int:campaign_id>/panel", dashboard.panel_fragment, name="panel"),
    path("<int:campaign_id>/side", dashboard.side_fragment, name="side"),
    path("<int:campaign_id>/leads", dashboard.leads_fragment, name="leads"),
    path("<int:campaign_id>/leads/change", dashboard.change_leads, name="change_leads"),
    path("<int:campaign_id>/start", dashboard.start, name="start"),
    path("<int:campaign_id>/stop", dashboard.stop, name="stop"),
    path("<int:campaign_id>/limit", dashboard.set_limit, name="set_limit"),
]
