"""The loop that claims, dials, follows and drains: one `run_calls` process."""

from __future__ import annotations

import logging
import os
import platform
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event, Semaphore, Thread
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import budget, claims, preflight, reconciling, runs
from calls.claims import Wait
from calls.journal import DialJournal
from calls.models import CallAttempt, Campaign, Run, RunState, Worker
from calls.pearl import (
    AccessDenied,
    CallNotSent,
    CallRefused,
    CallUncertain,
    PearlClient,
    PearlError,
    PlacedCall,
    Throttled,
)
from calls.preflight import Level
from leads.window import WindowError

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.2
IDLE_SECONDS = 1.0
HEARTBEAT = timedelta(seconds=5)
# A process whose heartbeat cannot be written for this long dials no more.
DEAD_AFTER = timedelta(seconds=30)
# Between the commit to dial and the first byte; beyond it nothing is sent.
SEND_BUDGET_SECONDS = 5.0
CHECK_EVERY = timedelta(minutes=5)
CHORES_EVERY = timedelta(seconds=2)

DatabaseGone = (DatabaseError, InterfaceError)
T = TypeVar("T")


def identity() -> str:
    """Unique for each start of a process: never a host name or a pid alone."""
    return f"{platform.node()[:40]}/{os.getpid()}/{secrets.token_hex(4)}"


def seconds_awake() -> float:
    """A clock that goes on while the machine sleeps, where the system has one."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class CallManager:
    """Dials the queue of running campaigns, at most `max_concurrent_calls` at a time
    for each (None: as many as the campaign allows), until told to stop."""

    def __init__(
        self,
        *,
        pearl: PearlClient,
        max_concurrent_calls: int | None = None,
        campaign_id: int | None = None,
        journal: DialJournal | None = None,
    ) -> None:
        self.pearl = pearl
        self.max_concurrent_calls = max_concurrent_calls
        self.campaign_id = campaign_id
        self.journal = journal or DialJournal.from_settings()
        self.worker = identity()
        self.stop = Event()
        self.abandon = Event()
        self.database_gone = Event()
        self.waits: dict[int, Wait] = {}
        self.in_flight: dict[Future[None], CallAttempt] = {}
        self._lines = Semaphore(settings.PEARL_MAX_IN_FLIGHT)
        self._threads = max(1, settings.PEARL_MAX_IN_FLIGHT - 1)
        self._wake = Event()
        self._drained = Event()
        self._beat_at = timezone.now()
        self._chores_at = self._beat_at

    # The loop

    def run(
        self, *, until_empty: bool, on_tick: Callable[[], None] | None = None
    ) -> None:
        """Work until `stop` is set or, with `until_empty`, until no campaign runs.

        Leaving the pool is the drain: a request under way is finished and recorded, and
        calls that Pearl has accepted are left to webhook and poll.
        """
        self._register(serving=not until_empty)
        helpers = [
            Thread(target=self._keep_beating, name="heartbeat"),
            Thread(target=self._keep_asking, name="questions"),
        ]
        for helper in helpers:
            helper.start()
        try:
            with ThreadPoolExecutor(self._threads, "dial") as pool:
                self._loop(pool, until_empty=until_empty, on_tick=on_tick)
                self.stop.set()
        finally:
            self.stop.set()
            self._drained.set()
            for helper in helpers:
                helper.join()
            self._sign_off()

    def _loop(
        self,
        pool: ThreadPoolExecutor,
        *,
        until_empty: bool,
        on_tick: Callable[[], None] | None,
    ) -> None:
        while not self.stop.is_set():
            pause = IDLE_SECONDS
            try:
                close_old_connections()
                busy = self.tick(pool, now=timezone.now())
                self.database_gone.clear()
                if until_empty and not busy:
                    return
                pause = TICK_SECONDS if busy else IDLE_SECONDS
            except DatabaseGone:
                logger.exception("the database does not answer; nothing is dialled")
                self.database_gone.set()
            if on_tick is not None:
                on_tick()
            self._wake.wait(pause)
            self._wake.clear()

    def tick(self, pool: ThreadPoolExecutor, *, now: datetime) -> bool:
        """Start every call that can start now. False: no campaign is switched on."""
        self._forget_done()
        if now >= self._chores_at:
            claims.reap_leases(now=now)
            self._chores_at = now + CHORES_EVERY
        active = list(self._campaigns().exclude(state=RunState.STOPPED))
        for campaign in active:
            if campaign.state == RunState.STOPPING:
                runs.finish_if_idle(campaign.pk, now=now)
            else:
                self._start_calls(campaign, pool, now=now)
        return bool(active)

    def _campaigns(self) -> QuerySet[Campaign]:
        every = Campaign.objects.order_by("id")
        return every.filter(pk=self.campaign_id) if self.campaign_id else every

    def _start_calls(
        self, campaign: Campaign, pool: ThreadPoolExecutor, *, now: datetime
    ) -> None:
        free = self._threads - len(self.in_flight)
        if free < 1 or now - self._beat_at > DEAD_AFTER:
            return
        try:
            claim = claims.claim(
                campaign.pk,
                worker=self.worker,
                at_most=free,
                limit=self.max_concurrent_calls,
                now=now,
            )
        except WindowError as exc:
            runs.stop(campaign.pk, now=now, reason=str(exc.reason))
            return
        self.waits[campaign.pk] = claim.wait
        for attempt in claim.attempts:
            future = pool.submit(self._in_thread, attempt)
            self.in_flight[future] = attempt
            future.add_done_callback(lambda _done: self._wake.set())
        if claim.postponed:
            self._wake.set()
        elif not claim.attempts:
            self._end_if_done(campaign, claim.wait, now=now)

    def _end_if_done(self, campaign: Campaign, wait: Wait, *, now: datetime) -> None:
        """A run that was to last until the queue is empty ends when nothing is left."""
        if wait not in (Wait.QUEUE_EMPTY, Wait.CALL_LIMIT, Wait.CLOSED):
            return
        if CallAttempt.objects.filter(campaign=campaign).open().exists():
            return
        run = Run.objects.filter(campaign=campaign, ended_at=None, until_empty=True)
        if run.exists():
            runs.stop(campaign.pk, now=now, reason=str(wait.label))

    def _forget_done(self) -> None:
        for future in [future for future in self.in_flight if future.done()]:
            del self.in_flight[future]

    # One call

    def _in_thread(self, attempt: CallAttempt) -> None:
        try:
            close_old_connections()
            with self._lines:
                self.dial(attempt)
        except Exception:
            logger.exception("attempt %s: dialing failed", attempt.token)
        finally:
            close_old_connections()

    def dial(self, attempt: CallAttempt) -> None:
        """Send one claimed attempt to Pearl, once, and record what is known of it."""
        since = seconds_awake()
        if self.stop.is_set() or not self._commit_to_dial(attempt):
            return
        if seconds_awake() - since > SEND_BUDGET_SECONDS:
            self._not_sent(attempt, _("Pasó demasiado tiempo antes de enviarla."))
            return
        try:
            placed = self.pearl.make_call(
                attempt.campaign.outbound_id,
                to=attempt.phone,
                data=call_data(attempt),
                deadline=attempt.campaign.timeout_seconds,
            )
        except PearlError as exc:
            self._record_failure(attempt, exc)
        else:
            self._record_placed(attempt, placed)

    def _commit_to_dial(self, attempt: CallAttempt) -> bool:
        """Pre-send and journal. False: nothing may be sent, and the lead went back."""
        try:
            answer = claims.pre_send(attempt, now=timezone.now())
        except DatabaseGone:
            # The commit may or may not have happened; not a byte was sent.
            logger.exception("attempt %s: pre-send failed", attempt.token)
            self._not_sent(attempt, _("La base de datos no respondió."))
            return False
        if answer is None or not answer.allowed:
            self._persist(
                lambda: claims.release(attempt, now=timezone.now(), verdict=answer)
            )
            return False
        try:
            self.journal.write_before(attempt, now=timezone.now())
        except OSError:
            reason = _("No se puede escribir el diario de llamadas (DIAL_JOURNAL).")
            logger.exception("the dial journal cannot be written")
            self._not_sent(attempt, reason)
            self._stop_run(attempt.campaign, reason)
            return False
        return True

    def _not_sent(self, attempt: CallAttempt, reason: str) -> None:
        def write() -> bool:
            now = timezone.now()
            return claims.mark_not_sent(
                attempt, reason=reason, now=now, again_at=now
            ) or claims.release(attempt, now=now)

        self._persist(write)

    def _record_placed(self, attempt: CallAttempt, placed: PlacedCall) -> None:
        now = timezone.now()
        request_id = str(placed.request_id)
        try:
            self.journal.write_after(attempt, request_id=request_id, now=now)
        except OSError:
            logger.exception("the dial journal cannot be written")
        self._persist(
            lambda: claims.mark_accepted(
                attempt,
                request_id=request_id,
                queue_position=placed.queue_position,
                now=now,
                look_at=reconciling.poll_after(now),
            )
        )
        self._persist(budget.note_success)

    def _record_failure(self, attempt: CallAttempt, exc: PearlError) -> None:
        now, reason = timezone.now(), str(exc)
        logger.warning("attempt %s: %s", attempt.token, type(exc).__name__)
        match exc:
            case CallNotSent():
                self._not_sent(attempt, reason)
                self._persist(lambda: budget.note_failure(now=now))
            case Throttled():
                self._persist(
                    lambda: budget.block(now=now, retry_after=exc.retry_after)
                )
                self._not_sent(attempt, reason)
            case AccessDenied():
                self._persist(
                    lambda: claims.mark_refused_account(attempt, reason=reason, now=now)
                )
                self._stop_run(attempt.campaign, reason)
            case CallRefused():
                self._record_refusal(attempt, exc)
            case _:
                assert isinstance(exc, CallUncertain)  # noqa: S101 (make_call's errors)
                self._persist(
                    lambda: claims.mark_unknown(attempt, reason=reason, now=now)
                )
                self._persist(lambda: budget.note_failure(now=now))

    def _record_refusal(self, attempt: CallAttempt, exc: CallRefused) -> None:
        """A refusal may be the campaign's or the account's fault: ask before the lead
        pays for it."""
        now = timezone.now()
        reason = " ".join([str(exc), *exc.reasons])
        findings = preflight.check(attempt.campaign, pearl=self.pearl, now=now)
        if problems := preflight.refusals(findings):
            self._persist(
                lambda: claims.mark_refused_account(attempt, reason=reason, now=now)
            )
            self._stop_run(attempt.campaign, problems[0])
        else:
            self._persist(lambda: claims.mark_refused(attempt, reason=reason, now=now))

    def _stop_run(self, campaign: Campaign, reason: str) -> None:
        self._persist(lambda: runs.stop(campaign.pk, now=timezone.now(), reason=reason))

    def _persist(self, write: Callable[[], T]) -> T | None:
        """Write, again and again while the database is away: what Pearl answered must
        not be lost. None: the process was told to leave at once."""
        pause = 0.1
        while True:
            try:
                return write()
            except DatabaseGone:
                logger.exception("a result could not be written; trying again")
                close_old_connections()
            if self.abandon.wait(pause):
                return None
            pause = min(pause * 2, 5.0)

    # Questions

    def _keep_asking(self) -> None:
        while not self.stop.wait(TICK_SECONDS):
            try:
                close_old_connections()
                for campaign in self._campaigns():
                    self._ask_about(campaign)
            except reconciling.Interrupted:
                break
            except DatabaseGone:
                logger.warning("the database does not answer; no questions are asked")
                self.stop.wait(IDLE_SECONDS)
            except Exception:
                logger.exception("questions to Pearl failed")
                self.stop.wait(IDLE_SECONDS)
        close_old_connections()

    def _ask_about(self, campaign: Campaign) -> None:
        now = timezone.now()
        try:
            if not self._is_well(campaign, now=now):
                return
            if not campaign.pearl_id:
                return
            asked = reconciling.poll(
                campaign, pearl=self.pearl, turn=self._turn, now=now
            )
            if campaign.state != RunState.STOPPED:
                asked |= reconciling.sweep(
                    campaign, pearl=self.pearl, turn=self._turn, now=now
                )
            if asked:
                budget.note_success()
        except Throttled as exc:
            budget.block(now=timezone.now(), retry_after=exc.retry_after)
        except AccessDenied as exc:
            runs.stop(campaign.pk, now=timezone.now(), reason=str(exc))
        except PearlError as exc:
            logger.warning("Pearl gave no answer: %s", exc.code)
            budget.note_failure(now=timezone.now())

    def _is_well(self, campaign: Campaign, *, now: datetime) -> bool:
        """Check a running campaign at Pearl now and then, and while the breaker is
        open. False: Pearl does not answer, so nothing else is asked."""
        account = budget.account()
        broken = budget.breaker_is_open(account)
        if broken and account.breaker_until and account.breaker_until > now:
            return False
        fresh = campaign.checked_at and now - campaign.checked_at < CHECK_EVERY
        if not broken and (campaign.state != RunState.RUNNING or fresh):
            return True
        with self._lines:
            findings = preflight.check(
                campaign, pearl=self.pearl, now=now, turn=self._turn
            )
        if any(finding.level == Level.NO_ANSWER for finding in findings):
            budget.note_failure(now=timezone.now())
            return False
        budget.note_success()
        wrong = [one.sentence for one in findings if one.level == Level.REFUSAL]
        if wrong and campaign.state == RunState.RUNNING:
            runs.stop(campaign.pk, now=timezone.now(), reason=wrong[0])
        return True

    def _turn(self) -> bool:
        """Wait for a turn to send a question. False: the process is stopping."""
        while not budget.take_turn(now=timezone.now()):
            if self.stop.wait(0.05):
                return False
        return not self.stop.is_set()

    def leave_at_once(self) -> None:
        """The second Ctrl-C: requests under way become UNKNOWN, never a redial."""
        self.abandon.set()
        reason = _("Se cerró el programa mientras Pearl respondía.")
        for attempt in list(self.in_flight.values()):
            now = timezone.now()
            if not claims.release(attempt, now=now):
                claims.mark_unknown(attempt, reason=reason, now=now)

    def finish(self) -> None:
        """Ctrl-C, SIGTERM or SIGHUP: claim no more, and drain. Safe in a handler."""
        self.stop.set()
        self._wake.set()

    # Signs of life

    def _register(self, *, serving: bool) -> None:
        now = timezone.now()
        Worker.objects.create(
            identity=self.worker, started_at=now, heartbeat_at=now, serving=serving
        )

    def _keep_beating(self) -> None:
        """Until the last request under way is recorded, drain included."""
        while True:
            try:
                close_old_connections()
                now = timezone.now()
                mine = Worker.objects.filter(identity=self.worker)
                mine.update(heartbeat_at=now)
                self._beat_at = now
            except DatabaseGone:
                logger.warning("the heartbeat could not be written")
            if self._drained.wait(HEARTBEAT.total_seconds()):
                break
        close_old_connections()

    def _sign_off(self) -> None:
        try:
            now = timezone.now()
            Worker.objects.filter(identity=self.worker).update(stopped_at=now)
        except DatabaseGone:
            logger.warning("the process could not sign off")


def call_data(attempt: CallAttempt) -> dict[str, str]:
    """What the voice needs to speak, and our marker; no more (pearl-api.md 9.12)."""
    lead = attempt.lead
    data = {
        "ttAttemptId": str(attempt.token),
        "firstName": lead.first_name,
        "lastName": lead.last_name,
        "nombreClinica": lead.clinic_name,
        "direccionClinica": lead.clinic_address,
    }
    return {key: value for key, value in data.items() if value}
