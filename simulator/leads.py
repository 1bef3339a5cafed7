"""The lead engine: Pearl dials these by itself, with its own retries (11.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.codes import RETRY_HOURS, Conversation, RequestStatus
from simulator.exchange import Json, Refused
from simulator.records import Call, Campaign, Lead, Request, new_id

if TYPE_CHECKING:
    from simulator.world import World

RETRIED = (Conversation.NEED_RETRY, Conversation.ERROR)
WRITABLE = (1, 10, 100, 110, 130)  # the statuses a client may set (2.1)
AGAIN = (Conversation.NEW, Conversation.NEED_RETRY)


class LeadEngine:
    """Gives each lead its turns in the queue and keeps its status."""

    def __init__(self, world: World, *, changed: Callable[[Lead], None]) -> None:
        self._world = world
        self._changed = changed
        # First, so that what is told of a call knows the verdict on its lead.
        world.listeners.insert(0, self)

    # What clients ask for

    def add(self, campaign: Campaign, fields: Json) -> Lead:
        """Duplicates are welcome (U19); the first turn starts at once."""
        phone = fields.get("phoneNumber")
        if not isinstance(phone, str) or not phone:
            raise Refused("PhoneNumber", "The PhoneNumber field is required.")
        _check(fields)
        now = self._world.clock.wall()
        lead = Lead(
            id=new_id(now),
            campaign=campaign,
            phone_number=phone,
            external_id=fields.get("externalId"),
            zone=fields.get("timeZoneId"),
            call_data=fields.get("callData") or {},
            created=now,
        )
        campaign.leads.append(lead)
        campaign.leads_by_id[lead.id] = lead
        self._index(lead)
        self._take_turn(lead)
        return lead

    def update(self, lead: Lead, fields: Json) -> None:
        """Statuses 100, 110 and 130 stop the dialling; 1 and 10 start it again."""
        status = fields.get("status")
        if status is not None and status not in WRITABLE:
            raise Refused("Status", f"The Status must be one of {list(WRITABLE)}.")
        _check(fields)
        self._unindex(lead)
        lead.phone_number = fields.get("phoneNumber") or lead.phone_number
        lead.external_id = fields.get("externalId") or lead.external_id
        lead.zone = fields.get("timeZoneId") or lead.zone
        lead.call_data = fields.get("callData") or lead.call_data
        self._index(lead)
        if status is None:
            return
        self._stop(lead)
        self._set(lead, Conversation(status))
        if status in AGAIN:
            lead.is_stopped = False
            self._take_turn(lead)

    def delete(self, campaign: Campaign, leads: list[Lead]) -> None:
        for lead in leads:
            self._stop(lead)
            self._unindex(lead)
            campaign.leads_by_id.pop(lead.id, None)
        gone = set(map(id, leads))
        campaign.leads = [lead for lead in campaign.leads if id(lead) not in gone]

    # What becomes of their calls

    def call_started(self, call: Call) -> None:
        lead = call.request.lead
        if lead is not None:
            lead.calls.append(call)
            lead.attempts += 1
            self._set(lead, Conversation.ON_CALL)

    def call_ended(self, call: Call) -> None:
        lead = call.request.lead
        if lead is None or lead.is_stopped:
            return
        settings = lead.campaign.settings
        if call.conversation not in RETRIED:
            self._set(lead, call.conversation)
        elif lead.attempts >= settings.maximumCallAttempts:
            if call.conversation is Conversation.NEED_RETRY:
                call.conversation = Conversation.UNREACHABLE
            self._set(lead, Conversation.UNREACHABLE)
        else:
            self._set(lead, Conversation.NEED_RETRY)
            seconds = RETRY_HOURS[settings.minimumRetryIntervalHours] * 3600
            clock = self._world.clock
            lead.timer = clock.later(seconds, lambda: self._take_turn(lead))

    def call_processed(self, call: Call) -> None:
        """Nothing changes for the lead: its status is that of the conversation."""

    def request_refused(self, request: Request) -> None:
        lead = request.lead
        if lead is None:
            return
        if request.status is RequestStatus.BLACK_LISTED:
            self._set(lead, Conversation.BLACKLISTED)
        elif "WrongCountryCode" in request.errors:
            self._set(lead, Conversation.WRONG_COUNTRY_CODE)
        else:
            self._set(lead, Conversation.ERROR)

    def _take_turn(self, lead: Lead) -> None:
        self._set(lead, Conversation.IN_CALL_QUEUE)
        place = self._world.place
        lead.turn = place(lead.campaign, lead.phone_number, lead.call_data, lead=lead)

    def _stop(self, lead: Lead) -> None:
        """No new dial from here on; a call in course goes on to its end."""
        lead.is_stopped = True
        if lead.timer is not None:
            lead.timer.cancel()
        if lead.turn is not None and lead.turn.status is RequestStatus.IN_CALL_QUEUE:
            lead.turn.withdrawn = True

    def _set(self, lead: Lead, status: Conversation) -> None:
        if lead.status is not status:
            lead.status = status
            self._changed(lead)

    def _index(self, lead: Lead) -> None:
        campaign = lead.campaign
        campaign.leads_by_phone.setdefault(lead.phone_number, []).append(lead)
        if lead.external_id is not None:
            campaign.leads_by_external.setdefault(lead.external_id, []).append(lead)

    def _unindex(self, lead: Lead) -> None:
        campaign = lead.campaign
        campaign.leads_by_phone[lead.phone_number].remove(lead)
        if lead.external_id is not None:
            campaign.leads_by_external[lead.external_id].remove(lead)


def _check(fields: Json) -> None:
    for name in ("phoneNumber", "externalId", "timeZoneId"):
        if not isinstance(fields.get(name), str | None):
            raise Refused(name, f"The {name} field must be a string.")
    if not isinstance(fields.get("callData"), dict | None):
        raise Refused("CallData", "The CallData field must be an object.")
