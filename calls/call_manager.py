"""The loop that claims, dials, follows and drains: one `run_calls` process."""

from __future__ import annotations

import logging
import os
import platform
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event, Lock, Semaphore, Thread

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import (
    budget,
    claims,
    confirming,
    pearl_switch,
    preflight,
    reconciling,
    runs,
)
from calls.dialing import DatabaseGone, Dialer
from calls.event_reader import keep_reading
from calls.journal import DialJournal
from calls.log_context import ids_of
from calls.models import CallAttempt, Campaign, Run, RunState, Worker
from calls.pearl import (
    AccessDenied,
    PearlClient,
    PearlError,
    Throttled,
)
from calls.pearl_search import Interrupted
from calls.preflight import Level
from calls.queue import Wait
from calls.recording_copier import RecordingCopier
from leads.window import WindowError

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.2
IDLE_SECONDS = 1.0
HEARTBEAT = timedelta(seconds=5)
# A process whose heartbeat cannot be written for this long dials no more.
DEAD_AFTER = timedelta(seconds=30)
CHECK_EVERY = timedelta(minutes=5)
CHORES_EVERY = timedelta(seconds=2)


def identity() -> str:
    """Unique for each start of a process: never a host name or a pid alone."""
    return f"{platform.node()[:40]}/{os.getpid()}/{secrets.token_hex(4)}"


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
        self.worker = identity()
        # Plain flags, which a signal handler may set at any instant.
        self.interrupted = False
        self.abandoned = False
        self.stop = Event()
        self.abandon = Event()
        self.database_gone = Event()
        self.waits: dict[int, Wait] = {}
        self._journal_asked: dict[int, int] = {}
        self.in_flight: dict[Future[None], CallAttempt] = {}
        self.dialer = Dialer(
            pearl=pearl,
            journal=journal or DialJournal.from_settings(),
            stop=self.stop,
            abandon=self.abandon,
        )
        self._lines = Semaphore(settings.PEARL_MAX_IN_FLIGHT)
        self._threads = max(1, settings.PEARL_MAX_IN_FLIGHT - 1)
        # The line that is left: questions and recordings take it in turn.
        self._spare_line = Lock()
        self._is_blind = False
        self._wake = Event()
        self._drained = Event()
        self._still_since: datetime | None = None
        self._beat_at = timezone.now()
        self._chores_at = self._beat_at
        self._states_at = self._beat_at + CHECK_EVERY

    # The loop

    def run(
        self, *, until_empty: bool, on_tick: Callable[[], None] | None = None
    ) -> None:
        """Work until `interrupted` or, with `until_empty`, until no campaign runs.

        It ends with the drain: requests under way are finished and recorded, and calls
        that Pearl has accepted are left to webhook and poll.
        """
        self._register(serving=not until_empty)
        copier = RecordingCopier(
            pearl=self.pearl, line=self._spare_line, turn=self._turn, stop=self.stop
        )
        helpers = [
            Thread(target=self._keep_beating, name="heartbeat"),
            Thread(target=self._keep_asking, name="questions"),
            Thread(target=keep_reading, args=(self.stop,), name="events"),
            Thread(target=copier.run, name="recordings"),
        ]
        for helper in helpers:
            helper.start()
        pool = ThreadPoolExecutor(self._threads, "dial")
        try:
            self._loop(pool, until_empty=until_empty, on_tick=on_tick)
        finally:
            self.stop.set()
            try:
                self._drain(pool, on_tick=on_tick)
            finally:
                self._drained.set()
        # Their last question may wait for Pearl; a second Ctrl-C does not wait for it.
        while not self.abandoned and any(one.is_alive() for one in helpers):
            self.abandon.wait(0.05)
        self._sign_off()

    def _drain(
        self, pool: ThreadPoolExecutor, *, on_tick: Callable[[], None] | None
    ) -> None:
        """Finish and record the requests under way, unless told to leave at once."""
        pool.shutdown(wait=False)
        while not all(future.done() for future in self.in_flight):
            if self.abandoned:
                self._leave_at_once()
                return
            self._show(on_tick)
            self.abandon.wait(0.05)

    def _loop(
        self,
        pool: ThreadPoolExecutor,
        *,
        until_empty: bool,
        on_tick: Callable[[], None] | None,
    ) -> None:
        while not self.stop.is_set() and not self.interrupted:
            pause = IDLE_SECONDS
            try:
                close_old_connections()
                busy = self.tick(pool, now=timezone.now())
                self.database_gone.clear()
                if until_empty and not busy and not self._is_owed():
                    return
                pause = TICK_SECONDS if busy else IDLE_SECONDS
            except DatabaseGone as exc:
                self._note_database_gone(exc)
            self._show(on_tick)
            self._wake.wait(pause)
            self._wake.clear()

    def _is_owed(self) -> bool:
        """Whether the last calls' ends wait for Pearl's own word, and not for long."""
        now = timezone.now()
        self._still_since = self._still_since or now
        at_most = timedelta(seconds=3 * settings.POLL_SECONDS)
        is_owed = confirming.is_owed(self._campaigns(), now=now)
        return is_owed and now - self._still_since < at_most

    def _show(self, on_tick: Callable[[], None] | None) -> None:
        """Drawing may fail (a lost terminal, no database); calls do not care."""
        if on_tick is None or self._is_blind:
            return
        try:
            on_tick()
        except DatabaseError:
            logger.warning("progress cannot be shown without the database")
        except Exception:
            logger.exception("progress cannot be shown; the calls go on")
            self._is_blind = True

    def _note_database_gone(self, exc: Exception) -> None:
        """Once for each outage; the next tick tries again."""
        if not self.database_gone.is_set():
            logger.warning("no database, nobody is dialled: %s", type(exc).__name__)
        self.database_gone.set()
        self._journal_asked.clear()

    def tick(self, pool: ThreadPoolExecutor, *, now: datetime) -> bool:
        """Start every call that can start now. False: no campaign is switched on."""
        self._forget_done()
        if now >= self._chores_at:
            claims.reap_leases(now=now)
            self._chores_at = now + CHORES_EVERY
        active = list(self._campaigns().exclude(state=RunState.STOPPED))
        for campaign in active:
            try:
                self._serve_campaign(campaign, pool, now=now)
            except DatabaseGone:
                raise
            except Exception:
                # One campaign that cannot be worked must not stop the others.
                logger.exception(
                    "campaign %s cannot be worked",
                    campaign.pk,
                    extra={"campaign": campaign.pk},
                )
                reason = _("La campaña tiene datos que no se entienden: revíselos.")
                runs.stop(campaign.pk, now=now, reason=reason)
        return bool(active)

    def _serve_campaign(
        self, campaign: Campaign, pool: ThreadPoolExecutor, *, now: datetime
    ) -> None:
        if campaign.state == RunState.STOPPING:
            runs.finish_if_idle(campaign.pk, now=now)
        elif campaign.state == RunState.PAUSED:
            self.waits[campaign.pk] = Wait.PAUSED
        elif self._journal_agrees(campaign, now=now):
            self._start_calls(campaign, pool, now=now)

    def _journal_agrees(self, campaign: Campaign, *, now: datetime) -> bool:
        """Once for each START, and after each outage: has the database lost dials?"""
        if self._journal_asked.get(campaign.pk) == campaign.generation:
            return True
        problem = preflight.journal_problem(self.dialer.journal, now=now)
        if problem:
            runs.stop(campaign.pk, now=now, reason=problem)
            return False
        self._journal_asked[campaign.pk] = campaign.generation
        return True

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

    def _in_thread(self, attempt: CallAttempt) -> None:
        try:
            close_old_connections()
            with self._lines:
                self.dialer.dial(attempt)
        except Exception:
            ids = ids_of(attempt)
            logger.exception("attempt %s: dialing failed", attempt.token, extra=ids)
        finally:
            close_old_connections()

    # Questions

    def _keep_asking(self) -> None:
        while not self.stop.wait(TICK_SECONDS):
            try:
                close_old_connections()
                with self._spare_line:
                    for campaign in self._campaigns():
                        self._ask_about_safely(campaign)
                    self._read_states()
            except Interrupted:
                break
            except DatabaseGone:
                logger.warning("the database does not answer; no questions are asked")
                self.stop.wait(IDLE_SECONDS)
            except Exception:
                logger.exception("questions to Pearl failed")
                self.stop.wait(IDLE_SECONDS)
        close_old_connections()

    def _ask_about_safely(self, campaign: Campaign) -> None:
        try:
            self._ask_about(campaign)
        except (Interrupted, *DatabaseGone):
            raise
        except Exception:
            # Its own trouble only: the other campaigns are asked about all the same.
            logger.exception(
                "campaign %s: questions to Pearl failed",
                campaign.pk,
                extra={"campaign": campaign.pk},
            )

    def _ask_about(self, campaign: Campaign) -> None:
        now = timezone.now()
        try:
            if not self._is_well(campaign, now=now):
                return
            reconciling.give_up_old(campaign, now=now)
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
                budget.note_answer()
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
        budget.note_answer()
        wrong = [one.sentence for one in findings if one.level == Level.REFUSAL]
        if wrong and campaign.state == RunState.RUNNING:
            runs.stop(campaign.pk, now=timezone.now(), reason=wrong[0])
        return True

    def _read_states(self) -> None:
        """Now and then: what the chooser shows of campaigns that are not run here."""
        now = timezone.now()
        if now < self._states_at:
            return
        self._states_at = now + CHECK_EVERY
        if budget.breaker_is_open(budget.account()) or not self._turn():
            return
        try:
            with self._lines:
                pearl_switch.read_campaigns(pearl=self.pearl)
        except Throttled as exc:
            budget.block(now=timezone.now(), retry_after=exc.retry_after)
        except PearlError as exc:
            logger.warning("Pearl does not list its campaigns: %s", exc.code)

    def _turn(self) -> bool:
        """Wait for a turn to send a question. False: the process is stopping."""
        while not budget.take_turn(now=timezone.now()):
            if self.stop.wait(0.05):
                return False
        return not self.stop.is_set()

    def _leave_at_once(self) -> None:
        """The second Ctrl-C: requests under way become UNKNOWN, never a redial."""
        self.abandon.set()
        reason = _("Se cerró el programa mientras Pearl respondía.")
        for attempt in list(self.in_flight.values()):
            now = timezone.now()
            try:
                if not claims.release(attempt, now=now):
                    claims.mark_unknown(attempt, reason=reason, now=now)
            except DatabaseError:
                ids = ids_of(attempt)
                logger.warning(
                    "attempt %s is left to its lease", attempt.token, extra=ids
                )
                close_old_connections()

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
