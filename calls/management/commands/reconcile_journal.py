"""Bring back the dials that the database has lost, so that nobody is rung again.

Each dial of the journal that the database does not know becomes an UNKNOWN attempt of
its lead; the worker then asks Pearl what became of it, as of any other. A dial whose
lead is gone, or has another number now, is for a person: `--dismiss` says it was seen.

Exit codes: 0 the journal and the database agree; 1 some dials wait for a person.
"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import claims
from calls.journal import DialJournal, Entry
from calls.models import Campaign
from leads.models import Lead
from leads.phones import phone_hash


class Command(BaseCommand):
    help = "Recupera las llamadas que el diario recuerda y la base de datos no."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dismiss",
            action="store_true",
            help="da por vistas las que no se pueden recuperar",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        journal = DialJournal.from_settings()
        missing = journal.missing(now=now)
        restored, left = 0, []
        for entry in missing:
            if self._restore(entry):
                restored += 1
            else:
                left.append(entry)
        self.stdout.write(
            _("%(lost)d llamadas perdidas; %(restored)d vuelven como sin confirmar.")
            % {"lost": len(missing), "restored": restored}
        )
        if left and options["dismiss"]:
            for entry in left:
                journal.dismiss(entry, now=now)
            left = []
        for entry in left:
            self.stdout.write(
                _("Sin lead que las reciba: lead %(lead)d, %(at)s.")
                % {
                    "lead": entry.lead_id,
                    "at": timezone.localtime(entry.sent_at).strftime("%d/%m/%Y %H:%M"),
                }
            )
        if left:
            self.stdout.write(
                _("Compruébelas en Pearl y después ejecute de nuevo con --dismiss.")
            )
            sys.exit(1)

    def _restore(self, entry: Entry) -> bool:
        lead = Lead.objects.filter(pk=entry.lead_id).first()
        campaign = Campaign.objects.filter(outbound_id=entry.outbound_id).first()
        if lead is None or campaign is None:
            return False
        rung = [
            phone
            for phone in (lead.phone_e164, campaign.test_phone)
            if phone and phone_hash(phone) == entry.phone_hash
        ]
        if not rung:
            return False
        try:
            claims.restore_unknown(
                lead,
                campaign=campaign,
                token=entry.token,
                sent_at=entry.sent_at,
                phone=rung[0],
            )
        except IntegrityError:
            return False
        return True
