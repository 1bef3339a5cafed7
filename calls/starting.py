"""START as somebody presses it: everything that must hold is asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from calls import preflight, runs
from calls.models import Campaign
from calls.pearl import PearlClient
from calls.why import why_not_start

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from calls.models import Run


class Refused(Exception):
    """Nothing was started; its text says why and what to do."""


def start(campaign_id: int, *, by: User, test_phone: str = "") -> Run:
    """Start a campaign, or go on with it after a pause. Raises Refused.

    `test_phone`: what the one who pressed was shown; another mode is refused.
    """
    seen = runs.last_event(campaign_id)
    campaign = Campaign.objects.get(pk=campaign_id)
    now = timezone.now()
    problem = why_not_start(campaign, now=now)
    if not problem:
        with PearlClient.from_settings() as pearl:
            findings = preflight.check(campaign, pearl=pearl, now=now)
        problem = next(iter(preflight.refusals(findings)), "")
    if problem:
        raise Refused(problem)
    run = runs.start(
        campaign.pk,
        now=timezone.now(),
        by=by,
        seen_generation=campaign.generation,
        seen_event=seen,
        test_phone=test_phone,
    )
    if run is None:
        raise Refused(
            _(
                "Mientras se comprobaba Pearl se pulsó Detener o Pausar, o cambió el "
                "modo de prueba: no se ha empezado. Mire el estado y pulse de nuevo "
                "Iniciar."
            )
        )
    return run
