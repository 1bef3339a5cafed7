from __future__ import annotations

from django.urls import path

from calls import dashboard, dashboard_leads, live

app_name = "calls"

urlpatterns = [
    path("", dashboard.calls_manager, name="manager"),
    path("<int:campaign_id>/board", dashboard.board_fragment, name="board"),
    path("<int:campaign_id>/leads", dashboard_leads.leads_fragment, name="leads"),
    path(
        "<int:campaign_id>/leads/change",
        dashboard_leads.change_leads,
        name="change_leads",
    ),
    path("<int:campaign_id>/events", live.events, name="events"),
    path("<int:campaign_id>/start", dashboard.start, name="start"),
    path("<int:campaign_id>/pause", dashboard.pause, name="pause"),
    path("<int:campaign_id>/stop", dashboard.stop, name="stop"),
    path("<int:campaign_id>/emergency", dashboard.emergency, name="emergency"),
    path(
        "<int:campaign_id>/pearl/resume",
        dashboard.resume_at_pearl,
        name="resume_at_pearl",
    ),
    path("<int:campaign_id>/pearl/check", dashboard.check_pearl, name="check_pearl"),
    path("<int:campaign_id>/limit", dashboard.set_limit, name="set_limit"),
]
