"""The dialing loop in a terminal or as a service.

Exit codes: 0 done, or drained after Ctrl-C or SIGTERM; 1 it could not start, or Pearl
made it stop (the reason is printed); 130 left at once after a second Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls import database_trust, preflight, runs
from calls.breakdown import breakdown
from calls.call_manager import CallManager
from calls.journal import DialJournal
from calls.models import Campaign, RunState
from calls.pearl import PearlClient
from calls.progress import Display, as_data, display_for, summary_lines, take_picture
from calls.queue import Wait, next_in_line
from leads.verdict import Rule

IGNORE_REPEATS_SECONDS = 1.0
# Longer than the server lets anybody wait for a lock (50 s), so that it says so itself.
DATABASE_WAIT_SECONDS = 60
DRY_RUN_SHOWS = 100
# The kinds of end that are no failure.
GOOD_ENDS = (Wait.QUEUE_EMPTY, Wait.CALL_LIMIT)


class Command(BaseCommand):
    help = "Llama a los leads seleccionados de una campaña hasta vaciar la cola."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--campaign", metavar="ID", help="id de Pearl o nombre; si hay una, esa"
        )
        parser.add_argument("--max-concurrent-calls", type=int, metavar="N")
        parser.add_argument("--limit", type=int, metavar="N", help="llamadas a hacer")
        parser.add_argument(
            "--dry-run", action="store_true", help="dice a quién llamaría, sin llamar"
        )
        parser.add_argument(
            "--serve", action="store_true", help="espera el START del panel"
        )
        parser.add_argument(
            "--test", action="store_true", help="la campaña está en modo de prueba"
        )
        parser.add_argument("--quiet", action="store_true", help="solo el resumen")
        parser.add_argument("--json", action="store_true", help="para máquinas")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["serve"] and options["verbosity"] < 2:
            # A person reads this terminal: each call's log line is for services.
            logging.getLogger("calls").setLevel(logging.WARNING)
        wait_for_database(at_most=DATABASE_WAIT_SECONDS)
        for name in ("max_concurrent_calls", "limit"):
            value = options[name]
            if value is not None and value < 1:
                flag = name.replace("_", "-")
                raise CommandError(_("--%s debe ser 1 o más.") % flag)
        try:
            self._handle(**options)
        except DatabaseError as exc:
            raise CommandError(
                _(
                    "La base de datos no responde. No se ha llamado a nadie. Revise "
                    "DATABASE_URL y que el servidor esté en marcha (y «manage.py "
                    "migrate» hecho)."
                )
            ) from exc

    def _handle(self, **options: Any) -> None:
        if options["serve"]:
            self._check_host()
            self._serve(options)
            return
        campaign = find_campaign(options["campaign"])
        if options["dry_run"]:
            self._dry_run(campaign, as_json=options["json"])
            return
        self._check_host()
        self._run(campaign, options)

    def _check_host(self) -> None:
        """What could lose a call on this host or in this database: then no start."""
        now = timezone.now()
        journal = DialJournal.from_settings()
        problems = database_trust.database_problems(now)
        if forgotten := preflight.journal_problem(journal, now=now):
            # Workers of other hosts, whose journals may miss nothing, must not go on.
            for campaign in Campaign.objects.exclude(state=RunState.STOPPED):
                runs.stop(campaign.pk, now=now, reason=forgotten)
            problems.append(forgotten)
        if problems:
            raise CommandError("\n".join(problems))
        journal.drop_old(now=now)

    def _run(self, campaign: Campaign, options: dict[str, Any]) -> None:
        with PearlClient.from_settings() as pearl:
            quiet = options["quiet"] or options["json"]
            limit = options["limit"]
            test = options["test"]
            self._start(campaign, pearl=pearl, call_limit=limit, quiet=quiet, test=test)
            manager = CallManager(
                pearl=pearl,
                campaign_id=campaign.pk,
                max_concurrent_calls=options["max_concurrent_calls"],
            )
            display = display_for(
                self.stdout, quiet=options["quiet"], as_json=options["json"]
            )
            with signals_to(manager):
                try:
                    manager.run(
                        until_empty=True,
                        on_tick=lambda: show(display, manager, campaign),
                    )
                finally:
                    display.close()
        if manager.interrupted:
            runs.stop(campaign.pk, now=timezone.now(), reason=_("Detenida con Ctrl-C."))
        self._sum_up(campaign, as_json=options["json"])

    def _start(
        self,
        campaign: Campaign,
        *,
        pearl: PearlClient,
        call_limit: int | None,
        quiet: bool,
        test: bool,
    ) -> None:
        now = timezone.now()
        if campaign.state == RunState.RUNNING:
            self.stderr.write(_("La campaña ya está en marcha: este proceso se une."))
            return
        if campaign.state == RunState.PAUSED:
            raise CommandError(
                _("La campaña está en pausa: reanúdela o deténgala en Llamadas.")
            )
        findings = preflight.check(campaign, pearl=pearl, now=now)
        if reasons := preflight.refusals(findings):
            raise CommandError("\n".join(reasons))
        seen = campaign.generation
        campaign.refresh_from_db()
        if bool(campaign.test_phone) != test:
            raise CommandError(_wrong_mode(campaign))
        if pearl.is_simulator and not quiet:
            self.stdout.write(_("Simulador: no suena ningún teléfono de verdad."))
        counts = breakdown(campaign, now=now)
        if not counts.pop(Rule.ALLOWED, 0):
            raise CommandError("\n".join(nobody_to_call(counts)))
        run = runs.start(
            campaign.pk,
            now=now,
            until_empty=True,
            call_limit=call_limit,
            seen_generation=seen,
            test_phone=campaign.test_phone,
        )
        if run is None:
            raise CommandError(_("Se detuvo la campaña mientras se comprobaba Pearl."))

    def _sum_up(self, campaign: Campaign, *, as_json: bool) -> None:
        now = timezone.now()
        picture = take_picture(campaign.pk, wait=Wait.NOTHING, now=now)
        if as_json:
            data = {**as_data(picture), "event": "summary"}
            self.stdout.write(json.dumps(data, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(summary_lines(picture)))
        reason = picture.run.end_reason if picture.run else ""
        good = {str(wait.label) for wait in GOOD_ENDS} | {_("Detenida con Ctrl-C.")}
        by_system = picture.run is not None and picture.run.stopped_by_id is None
        if by_system and reason and reason not in good:
            raise CommandError(reason)

    def _serve(self, options: dict[str, Any]) -> None:
        campaign = find_campaign(options["campaign"]) if options["campaign"] else None
        with PearlClient.from_settings() as pearl:
            manager = CallManager(
                pearl=pearl,
                campaign_id=campaign.pk if campaign else None,
                max_concurrent_calls=options["max_concurrent_calls"],
            )
            self.stdout.write(
                _("Proceso %s listo: espera el START del panel.") % manager.worker
            )
            self.stdout.flush()
            with signals_to(manager):
                manager.run(until_empty=False)
        self.stdout.write(_("Proceso terminado: nada quedó a medias."))

    def _dry_run(self, campaign: Campaign, *, as_json: bool) -> None:
        now = timezone.now()
        counts = breakdown(campaign, now=now)
        allowed = counts.pop(Rule.ALLOWED, 0)
        order = next_in_line(campaign, at_most=DRY_RUN_SHOWS, now=now)
        if as_json:
            rules = {rule.value: count for rule, count in counts.items()}
            data = {"allowed": allowed, "order": [x.pk for x in order], "not": rules}
            self.stdout.write(json.dumps(data))
            return
        text = ngettext(
            "%d lead se llamaría ahora, en este orden:",
            "%d leads se llamarían ahora, en este orden:",
            allowed,
        )
        self.stdout.write(text % allowed)
        for place, lead in enumerate(order, 1):
            self.stdout.write(f"  {place:>5}. {lead} ({lead.pk})")
        if allowed > len(order):
            self.stdout.write(_("         … y %d más") % (allowed - len(order)))
        for rule, count in counts.items():
            self.stdout.write(f"{count:>7}  {rule.label}")


def wait_for_database(*, at_most: int) -> None:
    """Seconds after which this process gives up a connection that says nothing: a
    database may vanish without a word (a failover, a firewall), and its answer would be
    waited for for ever. Should this process vanish so, the server waits twice as long,
    and then lets go the gate that STOP needs."""
    if connection.vendor != "mysql":
        return
    options = connection.settings_dict["OPTIONS"]
    options.update(read_timeout=at_most, write_timeout=at_most)
    options["connect_timeout"] = min(at_most, options.get("connect_timeout", at_most))
    command = options.get("init_command", "").split(",wait_timeout")[0]
    options["init_command"] = f"{command},wait_timeout={2 * at_most}"


def nobody_to_call(counts: dict[Rule, int]) -> list[str]:
    """Why not, and what to do."""
    if not counts:
        return [
            _(
                "La cola está vacía: seleccione leads en el panel (/calls) o en "
                "Administración, Leads."
            )
        ]
    reasons = [f"{count:>7}  {rule.label}" for rule, count in counts.items()]
    return [_("Ningún lead de la cola se puede llamar ahora:"), *reasons]


def _wrong_mode(campaign: Campaign) -> str:
    if campaign.test_phone:
        return _(
            "La campaña está en modo de prueba: todas las llamadas irían a un mismo "
            "teléfono. Añada --test si es lo que quiere, o quite el modo de prueba en "
            "Administración, Campañas."
        )
    return _(
        "La campaña no está en modo de prueba: sonarían los teléfonos de los leads. "
        "Quite --test si es lo que quiere."
    )


def find_campaign(wanted: str | None) -> Campaign:
    """By Pearl's id or by name; without either, PEARL_OUTBOUND_ID or the only one."""
    every = Campaign.objects.order_by("id")
    wanted = wanted or settings.PEARL_OUTBOUND_ID
    found = list(
        every.filter(Q(outbound_id=wanted) | Q(name=wanted))[:2]
        if wanted
        else every[:2]
    )
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{c.name} ({c.outbound_id})" for c in every[:10])
    if not names:
        raise CommandError(
            _("No hay ninguna campaña: créela en Administración, Campañas.")
        )
    raise CommandError(_("Diga qué campaña con --campaign: %s.") % names)


def show(display: Display, manager: CallManager, campaign: Campaign) -> None:
    if manager.database_gone.is_set():
        display.say(_("La base de datos no responde: se espera a que vuelva."))
        return
    note = ""
    if manager.stop.is_set():
        note = _("Terminando las peticiones en curso… (Ctrl-C otra vez: salir ya)")
    wait = manager.waits.get(campaign.pk, Wait.NOTHING)
    display.show(campaign.pk, wait=wait, note=note)


@contextmanager
def signals_to(manager: CallManager) -> Iterator[None]:
    """The first Ctrl-C, SIGTERM or SIGHUP drains; a later Ctrl-C leaves at once."""
    first: list[float] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            manager.interrupted = True
        elif (
            number == signal.SIGINT
            and time.monotonic() - first[0] > IGNORE_REPEATS_SECONDS
        ):
            manager.abandoned = True

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            # What is left takes no time: a repeated signal must not cut it short.
            signal.signal(number, signal.SIG_IGN if first else handler)
        if manager.abandoned:
            # Requests under way are UNKNOWN by now; their threads are not waited for.
            sys.stdout.flush()
            os._exit(130)
