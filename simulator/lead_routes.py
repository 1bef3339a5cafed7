"""Leads over HTTP, in both versions (sections 4.5 and 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator import answers
from simulator.exchange import Answer, Ask, Handle, Json, Refused, Route
from simulator.finding import outbound_of, unknown
from simulator.leads import LeadEngine
from simulator.records import Campaign, Lead
from simulator.searching import Paging, listed

if TYPE_CHECKING:
    from simulator.world import World

MAX_BULK = 50_000


class LeadRoutes:
    """The routes, bound to the engine that dials the leads."""

    def __init__(self, engine: LeadEngine) -> None:
        self._engine = engine

    def routes(self) -> list[Route]:
        """Add is PUT in v1 and POST in v2; the older page wrote `Extrenal`."""
        v1, v2 = "/v1/Outbound/{outboundId}", "/v2/Outbound/{pearlId}"
        return [
            _route("PUT", f"{v1}/Lead", self.add),
            _route("POST", f"{v2}/Lead", self.add),
            _route("POST", f"{v2}/Leads/Add", self.add_many),
            *(
                route
                for root in (v1, v2)
                for route in (
                    _route("PUT", f"{root}/Lead/{{leadId}}", self.update),
                    _route("GET", f"{root}/Lead/{{leadId}}", self.get),
                    _route("GET", f"{root}/Lead/External/{{key}}", self.get_external),
                    _route("GET", f"{root}/Lead/Extrenal/{{key}}", self.get_external),
                    _route("GET", f"{root}/Lead/PhoneNumber/{{key}}", self.get_phone),
                    _route("POST", f"{root}/Leads", self.search),
                    _route("DELETE", f"{root}/Leads", self.delete),
                    _route("DELETE", f"{root}/Leads/External", self.delete_external),
                )
            ),
        ]

    def add(self, world: World, ask: Ask) -> Answer:
        lead = self._engine.add(outbound_of(world, ask), ask.fields)
        return Answer({"leadId": lead.id})

    def add_many(self, world: World, ask: Ask) -> Answer:
        """`true`, or a 400 naming the leads that failed: the others stay (U20)."""
        campaign = outbound_of(world, ask)
        leads = ask.fields.get("leads")
        if not isinstance(leads, list) or not leads or len(leads) > MAX_BULK:
            raise Refused("Leads", "Between 1 and 50000 leads are required.")
        failed = [f for f in (self._try_add(campaign, item) for item in leads) if f]
        if failed:
            return Answer({"status": 400, "title": "Some failed", "leads": failed}, 400)
        return Answer(True)

    def _try_add(self, campaign: Campaign, item: object) -> Json | None:
        """None: added."""
        try:
            self._engine.add(campaign, Ask({}, 2, item).fields)
        except Refused as exc:
            return {"lead": item, "errors": [str(exc)]}
        return None

    def update(self, world: World, ask: Ask) -> Answer:
        lead = self._lead(world, ask)
        self._engine.update(lead, ask.fields)
        return Answer(answers.lead_view(world, lead, version=ask.version))

    def get(self, world: World, ask: Ask) -> Answer:
        lead = self._lead(world, ask)
        return Answer(answers.lead_view(world, lead, version=ask.version))

    def get_external(self, world: World, ask: Ask) -> Answer:
        index = outbound_of(world, ask).leads_by_external
        return self._newest(world, ask, index, "ExternalId")

    def get_phone(self, world: World, ask: Ask) -> Answer:
        index = outbound_of(world, ask).leads_by_phone
        return self._newest(world, ask, index, "PhoneNumber")

    def search(self, world: World, ask: Ask) -> Answer:
        campaign = outbound_of(world, ask)
        paging = Paging.of(ask.fields)
        found = campaign.leads
        statuses = listed(ask.fields, "statuses")
        text = str(ask.fields.get("searchInput") or "")
        if statuses:
            found = [lead for lead in found if lead.status in statuses]
        if text:
            found = [lead for lead in found if text in lead.phone_number]
        page = paging.page(found, key=None)
        results = [answers.lead_item(world, lead) for lead in page]
        return Answer({"count": len(found), "results": results})

    def delete(self, world: World, ask: Ask) -> Answer:
        campaign = outbound_of(world, ask)
        ids = _strings(ask, "leadIds")
        index = campaign.leads_by_id
        self._engine.delete(campaign, [index[i] for i in ids if i in index])
        return Answer(True)

    def delete_external(self, world: World, ask: Ask) -> Answer:
        campaign = outbound_of(world, ask)
        ids = _strings(ask, "leadExternalIds")
        index = campaign.leads_by_external
        self._engine.delete(campaign, [x for i in ids for x in index.get(i, ())])
        return Answer(True)

    def _lead(self, world: World, ask: Ask) -> Lead:
        lead = outbound_of(world, ask).leads_by_id.get(ask.params["leadId"])
        if lead is None:
            raise unknown(world, "LeadId")
        return lead

    def _newest(
        self, world: World, ask: Ask, index: dict[str, list[Lead]], what: str
    ) -> Answer:
        leads = index.get(ask.params["key"])
        if not leads:
            raise unknown(world, what)
        return Answer(answers.lead_view(world, leads[-1], version=ask.version))


def _route(method: str, template: str, handle: Handle) -> Route:
    return Route(method, template, "leads", handle)


def _strings(ask: Ask, name: str) -> list[str]:
    values = ask.fields.get(name)
    if not isinstance(values, list):
        raise Refused(name, f"The {name} field is required.")
    return list(dict.fromkeys(map(str, values)))
