"""The leads' page in Django's admin, once there are campaigns to call them."""

from __future__ import annotations

from calls.lead_export import LeadExportMixin
from calls.lead_page_admin import LeadPageAdmin
from calls.models import Campaign


class CallableLeadAdmin(LeadExportMixin, LeadPageAdmin):
    """The leads' page, with the queue of each campaign and the calls of each lead."""

    def campaign_choices(self) -> list[tuple[str, str]]:
        campaigns = Campaign.objects.order_by("name", "id")
        return list(campaigns.values_list("outbound_id", "name"))
