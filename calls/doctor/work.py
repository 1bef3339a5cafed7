"""Who is at work, what lies undone, and what nobody will ever do."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from calls import alarms, preflight, vitals
from calls.doctor.findings import Finding, Level, span
from calls.journal import DialJournal
from calls.models import CallAttempt, Campaign, PearlEvent, RunState, Worker
from calls.reconciling import HORIZON
from calls.states import State
from calls.vitals import Held, Waiting
from leads.wording import number

# A worker reaps every two seconds, and reads webhooks five times a second.
UNREAPED_AFTER = timedelta(seconds=60)
UNREAD_AFTER = timedelta(seconds=60)
UNDONE_AFTER = timedelta(minutes=10)
# `give_up_old` leaves nothing longer than an hour past the horizon.
UNCLEAR_AFTER = HORIZON + timedelta(hours=1, minutes=10)
JOURNAL_DAYS = 1
LEAST_FREE_BYTES = 200 * 1024 * 1024
LATELY = timedelta(hours=1)
FEWEST_FAILURES = 5
SHARE_OF_FAILURES = 0.2


# --- Processes ----------------------------------------------------------------------


def check_workers(
    campaigns: Sequence[Campaign],
    *,
    alive: Sequence[Worker],
    lost: Sequence[Worker],
    now: datetime,
) -> Iterator[Finding]:
    for worker in alive:
        beat = span(now - worker.heartbeat_at)
        words = _("Proceso %(name)s: último latido hace %(age)s.")
        yield _ok("worker", words % {"name": worker, "age": beat})
    if not alive:
        is_needed = any(one.state == RunState.RUNNING for one in campaigns)
        yield Finding(
            check="worker",
            level=Level.CRITICAL if is_needed else Level.WARNING,
            sentence=_(
                "Ningún proceso está llamando: arranque «manage.py run_calls --serve». "
                "Los leads conservan su sitio."
            ),
            blocks=True,
        )
    for worker in lost:
        words = _(
            "El proceso %(name)s no da señales desde hace %(age)s y no se despidió: "
            "mire su equipo y su registro."
        )
        age = span(now - worker.heartbeat_at)
        yield _warning("worker", words % {"name": worker, "age": age})


# --- The dial journal ---------------------------------------------------------------


def check_journal(journal: DialJournal, *, now: datetime) -> Iterator[Finding]:
    """Of this host; one that dials nothing has none."""
    folder = journal.folder
    if not folder.exists():
        words = _("Diario de llamadas: no hay ninguno en este equipo (%s).")
        yield _ok("journal", words % "DIAL_JOURNAL")
        return
    problem = preflight.journal_problem(journal, now=now, days=JOURNAL_DAYS)
    if not problem and not os.access(folder, os.W_OK | os.X_OK):
        problem = _(
            "No se puede escribir el diario de llamadas (DIAL_JOURNAL), y sin él no se "
            "llama: corrija sus permisos."
        )
    if not problem and _is_full(folder):
        problem = _(
            "Queda menos de 200 MB en el disco del diario de llamadas (DIAL_JOURNAL), "
            "y sin él no se llama: haga sitio."
        )
    if problem:
        yield Finding(
            check="journal", level=Level.CRITICAL, sentence=problem, blocks=True
        )
    else:
        yield _ok("journal", _("Diario de llamadas: concuerda con la base de datos."))


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < LEAST_FREE_BYTES


# --- States -------------------------------------------------------------------------


def check_attempts(*, now: datetime) -> Iterator[Finding]:
    """Attempts that have been in a state for longer than anything may be."""
    over = vitals.leases_over(before=now - UNREAPED_AFTER)
    if over.count:
        words = _(
            "Intentos preparados o enviándose pasado su plazo: %(count)s, el más "
            "antiguo desde hace %(age)s. Ningún proceso los recoge: reinicie run_calls."
        )
        yield _critical("leases", words % _told(over, now=now))
    held = vitals.held_attempts()
    yield from _unclear(held, now=now)
    yield from _manual(held, now=now)
    if stranded := vitals.leads_without_call():
        words = _(
            "Leads que figuran en llamada sin que ningún intento los tenga: %s. Nadie "
            "los llamará, y es un fallo del programa: avise a quien lo mantiene."
        )
        yield _critical("leads", words % number(stranded))
    open_now = Counter[State]()
    for one in held:
        open_now[one.state] += one.count
    listed = ", ".join(f"{state.label}: {number(n)}" for state, n in open_now.items())
    yield _ok("attempts", _("Intentos abiertos: %s.") % (listed or _("ninguno")))


def _unclear(held: Sequence[Held], *, now: datetime) -> Iterator[Finding]:
    for one in held:
        is_followed = one.state in (State.ACCEPTED, State.UNKNOWN)
        if is_followed and now - one.since > UNCLEAR_AFTER:
            words = _(
                "Hay llamadas en «%(state)s» desde hace %(age)s, más de lo que nada "
                "debe durar: ningún proceso pregunta a Pearl por ellas. Reinicie "
                "run_calls y mire su registro."
            )
            facts = {"state": one.state.label, "age": span(now - one.since)}
            yield _critical("attempts", words % facts)


def _manual(held: Sequence[Held], *, now: datetime) -> Iterator[Finding]:
    manual = [one for one in held if one.state == State.MANUAL]
    if manual:
        words = _(
            "Llamadas por revisar: %(count)s, la más antigua de hace %(age)s. Mírelas "
            "en Pearl y aclárelas en Administración, Intentos."
        )
        oldest = min(one.since for one in manual)
        total = sum(one.count for one in manual)
        facts = {"count": number(total), "age": span(now - oldest)}
        yield _warning("manual", words % facts)


# --- What lies undone ---------------------------------------------------------------


def check_undone(campaigns: Sequence[Campaign], *, now: datetime) -> Iterator[Finding]:
    words = _(
        "Avisos de Pearl sin leer: %(count)s, el más antiguo desde hace %(age)s. "
        "Arranque run_calls, que los lee."
    )
    waiting = vitals.webhooks_waiting()
    yield _undone("webhooks", _("Avisos"), words, waiting, UNREAD_AFTER, now=now)
    yield from _unreadable(now=now)
    words = _(
        "Llamadas confirmadas que esperan lo que sigue de ellas: %(count)s, desde hace "
        "%(age)s. Mire el registro de run_calls."
    )
    waiting = vitals.effects_waiting(now=now)
    yield _undone("effects", _("Consecuencias"), words, waiting, UNDONE_AFTER, now=now)
    words = _(
        "Grabaciones sin copiar: %(count)s, la más antigua desde hace %(age)s. Mire el "
        "registro de run_calls y RECORDING_HOSTS."
    )
    waiting = vitals.recordings_waiting(now=now)
    yield _undone("recordings", _("Grabaciones"), words, waiting, UNDONE_AFTER, now=now)
    for campaign in campaigns:
        waiting = vitals.lookups_waiting(campaign, now=now)
        if waiting.age(now=now) > UNDONE_AFTER and campaign.pearl_id:
            words = _(
                "«%(campaign)s»: llamadas por las que nadie pregunta a Pearl: "
                "%(count)s, desde hace %(age)s. Mire el registro de run_calls."
            )
            facts = {**_told(waiting, now=now), "campaign": campaign.name}
            yield _warning("lookups", words % facts)


def _undone(
    check: str,
    what: str,
    words: str,
    waiting: Waiting,
    at_most: timedelta,
    *,
    now: datetime,
) -> Finding:
    if waiting.age(now=now) > at_most:
        return _warning(check, words % _told(waiting, now=now))
    return _ok(check, _("%(what)s: nada atrasado.") % {"what": what})


def _told(waiting: Waiting, *, now: datetime) -> dict[str, str]:
    return {"count": number(waiting.count), "age": span(waiting.age(now=now))}


def _unreadable(*, now: datetime) -> Iterator[Finding]:
    unreadable = PearlEvent.objects.filter(result=PearlEvent.Result.UNREADABLE)
    last = unreadable.order_by("-id").values_list("received_at", flat=True).first()
    if last and now - last < timedelta(days=1):
        words = _(
            "Pearl envió un aviso ilegible hace %s: mírelo en Administración, Avisos "
            "de Pearl."
        )
        yield _warning("webhooks", words % span(now - last))


# --- The last hour ------------------------------------------------------------------


def check_errors(*, now: datetime) -> Iterator[Finding]:
    """How the last hour's calls failed to be made. No text is shown: Pearl, or a
    person, may have written it."""
    counts: Counter[State] = Counter()
    for one in vitals.closed_since(now - LATELY):
        counts[one.state] += one.count
    failed = counts[State.NOT_SENT] + counts[State.REJECTED]
    words = _(
        "Última hora. Terminadas: %(ended)s; no enviadas: %(not_sent)s; rechazadas por "
        "Pearl: %(rejected)s."
    ) % {
        "ended": number(counts[State.ENDED]),
        "not_sent": number(counts[State.NOT_SENT]),
        "rejected": number(counts[State.REJECTED]),
    }
    many = failed >= FEWEST_FAILURES and failed > SHARE_OF_FAILURES * counts.total()
    if many:
        words += " " + _("El motivo está en cada intento: Administración, Intentos.")
    if last := _last_failure(now=now):
        words += " " + _("El último fallo: intento %s.") % last
    level = Level.WARNING if many else Level.OK
    yield Finding(check="errors", level=level, sentence=words)


def _last_failure(*, now: datetime) -> str:
    every = list(Campaign.objects.values_list("pk", flat=True))
    failed = CallAttempt.objects.filter(
        campaign__in=every,
        closed_at__gte=now - LATELY,
        state__in=[State.NOT_SENT, State.REJECTED],
    )
    token = failed.order_by("-closed_at").values_list("token", flat=True).first()
    return str(token) if token else ""


# --- People -------------------------------------------------------------------------


def check_promises(*, now: datetime) -> Iterator[Finding]:
    """What every page shows above, except what names a telephone."""
    for alarm in alarms.alarms(now=now):
        if alarm.kind != "test":
            yield _warning(alarm.kind, alarm.text)


def check_configuration() -> Iterator[Finding]:
    if settings.DEBUG and not settings.PEARL_IS_SIMULATOR:
        words = _("DEBUG está puesto con el Pearl de verdad: póngalo a false.")
        yield _warning("configuration", words)
    if not settings.PEARL_WEBHOOK_TOKEN:
        words = _(
            "PEARL_WEBHOOK_TOKEN está vacía: no llegan avisos de Pearl y los "
            "resultados tardan más."
        )
        yield _warning("configuration", words)


def _ok(check: str, sentence: str) -> Finding:
    return Finding(check=check, level=Level.OK, sentence=sentence)


def _warning(check: str, sentence: str) -> Finding:
    return Finding(check=check, level=Level.WARNING, sentence=sentence)


def _critical(check: str, sentence: str) -> Finding:
    return Finding(check=check, level=Level.CRITICAL, sentence=sentence)
