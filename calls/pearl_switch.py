"""The switch of a campaign at Pearl itself, apart from ours (pearl-api.md 9.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from calls import preflight, runs
from calls.models import Campaign, ControlEvent
from calls.pearl import NoAnswer, Outbound, PearlClient
from calls.pearl.campaigns import PAUSED, RUNNING

if TYPE_CHECKING:
    from django.contrib.auth.models import User

IN_PEARLS_QUEUE = 1  # pearl-api.md 2.4
# Requests older than that are not looked for: Pearl would have dialled or dropped them.
QUEUED_SINCE = timedelta(days=2)
PAGES_AT_MOST = 10


def pause(
    campaign: Campaign, *, pearl: PearlClient, now: datetime, by: User | None
) -> bool:
    """Calls that Pearl holds in its queue wait there. Returns whether Pearl says that
    it is paused. Raises PearlError: it may be so or not.

    Source: POST /v1/Outbound/{outboundId}/Active, pearl-api.md 4.1.
    """
    is_paused = _switch(campaign, False, pearl=pearl)
    if is_paused:
        runs.note(campaign, ControlEvent.Kind.PEARL_OFF, now=now, by=by)
    return is_paused


def resume(
    campaign: Campaign, *, pearl: PearlClient, now: datetime, by: User | None
) -> bool:
    """Pearl dials at once whatever it has queued. Returns and raises as `pause`."""
    is_running = _switch(campaign, True, pearl=pearl)
    if is_running:
        runs.note(campaign, ControlEvent.Kind.PEARL_ON, now=now, by=by)
        # That it was paused is no problem any more; whatever else is wrong, still is.
        preflight.check(campaign, pearl=pearl, now=now)
    return is_running


def queued(campaign: Campaign, *, pearl: PearlClient, now: datetime) -> int:
    """How many calls Pearl holds back, to dial when the campaign runs again.

    Raises PearlError. Source: POST /v1/Outbound/{outboundId}/CallRequest, 4.3.
    """
    count, skip = 0, 0
    for _page in range(PAGES_AT_MOST):
        page = pearl.search_call_requests(
            campaign.outbound_id, since=now - QUEUED_SINCE, until=now, skip=skip
        )
        count += sum(one.status == IN_PEARLS_QUEUE for one in page.items)
        if page.next_skip is None:
            break
        skip = page.next_skip
    return count


def read_campaigns(*, pearl: PearlClient) -> list[Outbound]:
    """Keep the state of each campaign at Pearl; returns those that are not used here.

    Raises PearlError. Source: GET /v1/Outbound, pearl-api.md 4.1.
    """
    theirs = {one.id: one for one in pearl.outbounds()}
    for campaign in Campaign.objects.filter(outbound_id__in=theirs):
        status = theirs.pop(campaign.outbound_id).status
        Campaign.objects.filter(pk=campaign.pk).update(pearl_status=status)
    return list(theirs.values())


def _switch(campaign: Campaign, active: bool, *, pearl: PearlClient) -> bool:
    wanted = RUNNING if active else PAUSED
    try:
        status = pearl.set_outbound_active(campaign.outbound_id, active)
    except NoAnswer:
        status = None
    if status is None:
        status = pearl.outbound(campaign.outbound_id).status
    Campaign.objects.filter(pk=campaign.pk).update(pearl_status=status)
    return status == wanted
