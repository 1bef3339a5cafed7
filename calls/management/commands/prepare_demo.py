"""What the demo needs: a user, a campaign, and the valid leads of demo/ queued.

It refuses any Pearl but the simulator. A second run finds what is there and puts the
leads back in the queue.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls import by_hand, claims, runs
from calls.models import CallAttempt, Campaign, Clinic, Resource
from calls.states import State
from leads import selection
from leads.models import Consent, Lead

OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"  # the simulator's campaign
PEARL_ID = "66f0aaaabbbbccccdddd0001"
CONSENT = "Datos inventados de la demostración"


class Command(BaseCommand):
    help = "Prepara la demostración con el simulador."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.PEARL_IS_SIMULATOR:
            raise CommandError(
                _("La demostración solo funciona con el simulador de este equipo.")
            )
        logging.getLogger("calls").setLevel(logging.WARNING)
        self._make_admin()
        campaign = self._make_campaign()
        self._settle_lost_calls(campaign)
        self._import_leads()
        self._make_clinics()
        self._queue(campaign)

    def _make_admin(self) -> None:
        users = get_user_model().objects
        if users.filter(username="admin").exists():
            self.stdout.write(_("Usuario admin: el de la vez anterior."))
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", "admin@example.com", password)
        self.stdout.write(
            _("Usuario admin, contraseña %s (no se volverá a mostrar).") % password
        )

    def _make_campaign(self) -> Campaign:
        campaign, _made = Campaign.objects.get_or_create(
            outbound_id=OUTBOUND_ID,
            defaults={
                "name": "Demostración",
                "pearl_id": PEARL_ID,
                "always_open": True,
                "max_concurrent_calls": 20,
                "min_gap_minutes": 0,
                "max_per_day": 1000,
            },
        )
        now = timezone.now()
        runs.stop(campaign.pk, now=now, reason=str(_("La demostración empieza.")))
        return campaign

    def _settle_lost_calls(self, campaign: Campaign) -> None:
        """Calls of a demo that was cut short: the simulator that held them is gone, and
        with it the calls. No real Pearl forgets, so nothing but the demo does this."""
        now, lost = timezone.now(), 0
        reason = _("El simulador se cerró con la llamada en curso.")
        for attempt in CallAttempt.objects.filter(campaign=campaign).held():
            if attempt.state == State.CLAIMED:
                claims.release(attempt, now=now)
                continue
            if attempt.state == State.DIALING:
                claims.mark_unknown(attempt, reason=reason, now=now)
            claims.mark_manual(attempt, reason=reason, now=now)
            attempt.refresh_from_db()
            lost += by_hand.close_by_hand(attempt, rang=False, reason=reason, now=now)
        runs.finish_if_idle(campaign.pk, now=now)
        if lost:
            text = ngettext(
                "%d llamada se perdió con el simulador anterior; su lead vuelve a la "
                "cola.",
                "%d llamadas se perdieron con el simulador anterior; sus leads vuelven "
                "a la cola.",
                lost,
            )
            self.stdout.write(text % lost)

    def _import_leads(self) -> None:
        if Lead.objects.filter(consent_source=CONSENT).exists():
            self.stdout.write(_("Leads de la demostración: los de la vez anterior."))
            return
        folder = settings.BASE_DIR / "demo"
        call_command(
            "import_leads",
            str(folder / "leads.csv"),
            suppressions=folder / "suppressed.csv",
            consent_source=CONSENT,
            stdout=self.stdout,
            stderr=self.stderr,
        )

    def _make_clinics(self) -> None:
        """Those that the leads name: what calls agree is booked there."""
        ours = Lead.objects.filter(consent_source=CONSENT).exclude(clinic_name="")
        for name in ours.order_by().values_list("clinic_name", flat=True).distinct():
            clinic, _made = Clinic.objects.get_or_create(name=name)
            for diary in ("Agenda", "Agenda 2"):
                Resource.objects.get_or_create(clinic=clinic, name=diary)

    def _queue(self, campaign: Campaign) -> None:
        now = timezone.now()
        ours = Lead.objects.filter(consent=Consent.GIVEN, consent_source=CONSENT)
        known = ours.exclude(time_zone="")
        selection.reset(known, now=now)
        selection.select(known, outbound_id=campaign.outbound_id, now=now)
        self.stdout.write(
            _("%d leads válidos en la cola.") % campaign.leads.queued().count()
        )
