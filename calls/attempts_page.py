"""The page of the calls that a number counts, for whoever may see the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from calls.attempt_list import AttemptList
from calls.models import Campaign
from calls.viewers import Rights

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_GET
@permission_required("calls.view_campaign", raise_exception=True)
def attempts(request: HttpRequest, campaign_id: int | None = None) -> HttpResponse:
    """Of one campaign, or of all. What was said in them is for who may read it."""
    may_read = request.user.has_perms(("calls.view_callattempt", "leads.view_lead"))
    if "said" in request.GET and not may_read:
        raise PermissionDenied
    campaign = None
    if campaign_id is not None:
        campaign = get_object_or_404(Campaign, pk=campaign_id)
    context = {
        "list": AttemptList(request.GET, campaign=campaign, now=timezone.now()),
        "rights": Rights.of(request.user),
        "may_read": may_read,
    }
    return render(request, "calls/attempts.html", context)
