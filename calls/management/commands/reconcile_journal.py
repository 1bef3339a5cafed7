"""Bring back the dials that the database has lost, so that nobody is rung again.

Each dial of the journal that the database does not know becomes an UNKNOWN attempt of
its lead, and Pearl is asked at once what became of them all; what it does not tell yet,
the worker asks about as of any other. A dial whose lead is gone, or has another number
now, is for a person: `--dismiss` says it was seen.

Exit codes: 0 the journal and the database agree; 1 some dials wait for a person.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import budget, claims, reconciling
from calls.journal import DialJournal, Entry
from calls.models import Campaign
from calls.pearl import PearlClient, PearlError, Throttled
from leads.models import Lead
from leads.phones import phone_hash

# Pearl says 429 often; after so many it is left to the worker.
TRIES = 5


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
        left = self._bring_back(missing, of=missing)
        self._ask_pearl(missing)
        if left:
            # Pearl may have told that what kept them out is over.
            left = self._bring_back(left, of=missing)
            self._ask_pearl(missing)
        self.stdout.write(
            _("%(lost)d llamadas perdidas; %(restored)d vuelven como sin confirmar.")
            % {"lost": len(missing), "restored": len(missing) - len(left)}
        )
        if left and options["dismiss"]:
            for entry in left:
                journal.dismiss(entry, now=now)
            left = []
        self._tell_left(left)
        if left:
            sys.exit(1)

    def _tell_left(self, left: Sequence[Entry]) -> None:
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

    def _bring_back(
        self, entries: Sequence[Entry], *, of: Sequence[Entry]
    ) -> list[Entry]:
        """Oldest first, as they were made; returns those that cannot come back."""
        last = {entry.lead_id: entry.token for entry in of}
        return [
            entry
            for entry in entries
            if not self._restore(entry, is_over=last[entry.lead_id] != entry.token)
        ]

    def _restore(self, entry: Entry, *, is_over: bool) -> bool:
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
            if claims.revive_unknown(entry.token, sent_at=entry.sent_at):
                return True
            claims.restore_unknown(
                lead,
                campaign=campaign,
                token=entry.token,
                sent_at=entry.sent_at,
                phone=rung[0],
                is_over=is_over,
            )
        except IntegrityError:
            return False
        return True

    def _ask_pearl(self, missing: Sequence[Entry]) -> None:
        """Of each campaign, everything since the first dial that was lost."""
        names = {entry.outbound_id for entry in missing}
        campaigns = Campaign.objects.filter(outbound_id__in=names).exclude(pearl_id="")
        with PearlClient.from_settings() as pearl:
            for campaign in campaigns.order_by("id"):
                try:
                    self._ask_about(campaign, missing, pearl=pearl)
                except PearlError as exc:
                    text = _("%(what)s Lo preguntará el proceso que llama.")
                    self.stdout.write(text % {"what": exc})

    def _ask_about(
        self, campaign: Campaign, missing: Sequence[Entry], *, pearl: PearlClient
    ) -> None:
        """Raises PearlError."""
        ours = [e.sent_at for e in missing if e.outbound_id == campaign.outbound_id]
        for left in reversed(range(TRIES)):
            try:
                reconciling.read_since(
                    campaign,
                    since=min(ours),
                    pearl=pearl,
                    turn=_turn,
                    now=timezone.now(),
                )
            except Throttled as exc:
                budget.block(now=timezone.now(), retry_after=exc.retry_after)
                if not left:
                    raise
            else:
                return


def _turn() -> bool:
    """Wait for a turn to send a question."""
    while not budget.take_turn(now=timezone.now()):
        time.sleep(0.05)
    return True
