from __future__ import annotations

from django.urls import path

from calls import (
    appointment_pages,
    attempts_page,
    dashboard,
    dashboard_lead,
    dashboard_leads,
    live,
    recording_page,
)

app_name = "calls"

urlpatterns = [
    path("", dashboard.calls_manager, name="manager"),
    path("<int:campaign_id>/board", dashboard.board_fragment, name="board"),
    path("attempts", attempts_page.attempts, name="all_attempts"),
    path("<int:campaign_id>/attempts", attempts_page.attempts, name="attempts"),
    path(
        "attempts/<int:attempt_id>/recording",
        recording_page.recording,
        name="recording",
    ),
    path("appointments", appointment_pages.appointment_list, name="appointments"),
    path(
        "appointments/calendar",
        appointment_pages.calendar_fragment,
        name="appointment_calendar",
    ),
    path("appointments/new", appointment_pages.new_appointment, name="new_appointment"),
    path("appointments/<int:pk>", appointment_pages.appointment, name="appointment"),
    path("appointments/<int:pk>/move", appointment_pages.move, name="move_appointment"),
    path(
        "appointments/<int:pk>/state",
        appointment_pages.change_state,
        name="change_appointment",
    ),
    path("<int:campaign_id>/leads", dashboard_leads.leads_fragment, name="leads"),
    path(
        "<int:campaign_id>/leads/change",
        dashboard_leads.change_leads,
        name="change_leads",
    ),
    path(
        "<int:campaign_id>/leads/list",
        dashboard_leads.list_fragment,
        name="lead_list",
    ),
    path(
        "<int:campaign_id>/leads/undo/<int:change_id>",
        dashboard_leads.undo_change,
        name="undo_change",
    ),
    path(
        "<int:campaign_id>/lead/<int:lead_id>",
        dashboard_lead.lead_fragment,
        name="lead",
    ),
    path(
        "<int:campaign_id>/lead/<int:lead_id>/history",
        dashboard_lead.history_fragment,
        name="lead_history",
    ),
    path(
        "<int:campaign_id>/lead/<int:lead_id>/note",
        dashboard_lead.note,
        name="lead_note",
    ),
    path(
        "<int:campaign_id>/lead/<int:lead_id>/call-now",
        dashboard_lead.call_now,
        name="lead_call_now",
    ),
    path(
        "<int:campaign_id>/lead/<int:lead_id>/callback",
        dashboard_lead.promise,
        name="lead_promise",
    ),
    path(
        "<int:campaign_id>/lead/<int:lead_id>/callback/drop",
        dashboard_lead.drop_promise,
        name="lead_drop_promise",
    ),
    path(
        "suggestions",
        dashboard_leads.suggestions_fragment,
        name="suggestions",
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
