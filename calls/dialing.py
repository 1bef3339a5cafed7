"""One call: commit to it, send it once, and record what is known of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event
from typing import TypeVar
from uuid import UUID

from django.db import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    close_old_connections,
)
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import budget, claims, preflight, runs
from calls.journal import DialJournal, is_known
from calls.log_context import concerning
from calls.models import CallAttempt, Campaign
from calls.pearl import (
    AccessDenied,
    CallNotSent,
    CallRefused,
    CallUncertain,
    PearlClient,
    PearlError,
    PlacedCall,
    Throttled,
    seconds_awake,
)
from calls.pearl_search import poll_after
from calls.preflight import Level
from leads.window import WindowError

logger = logging.getLogger(__name__)

# Between the commit to dial and the first byte; beyond it nothing is sent.
SEND_BUDGET_SECONDS = 5.0

# The database is away, and may be back: worth another try.
DatabaseGone = (OperationalError, InterfaceError, InternalError)
T = TypeVar("T")


class Dialer:
    """Sends claimed attempts. `stop`: begin no more; `abandon`: do not wait either."""

    def __init__(
        self,
        *,
        pearl: PearlClient,
        journal: DialJournal,
        stop: Event,
        abandon: Event,
    ) -> None:
        self.pearl = pearl
        self.journal = journal
        self.stop = stop
        self.abandon = abandon
        self._last_sent: UUID | None = None

    def dial(self, attempt: CallAttempt) -> None:
        """Send one claimed attempt to Pearl, once, and record what is known of it."""
        with concerning(attempt):
            self._dial(attempt)

    def _dial(self, attempt: CallAttempt) -> None:
        since = seconds_awake()
        if self.stop.is_set():
            self._persist(lambda: claims.release(attempt, now=timezone.now()))
            return
        if not self._commit_to_dial(attempt):
            return
        in_time = seconds_awake()
        if in_time - since > SEND_BUDGET_SECONDS:
            self._not_sent(attempt, _("Pasó demasiado tiempo antes de enviarla."))
            return
        logger.info("attempt %s is sent", attempt.token)
        try:
            placed = self.pearl.make_call(
                attempt.campaign.outbound_id,
                to=attempt.phone,
                data=call_data(attempt),
                deadline=attempt.campaign.timeout_seconds,
                # Who freezes from here on must not send when awake again.
                since=in_time,
            )
        except PearlError as exc:
            self._record_failure(attempt, exc)
        else:
            self._record_placed(attempt, placed)

    def _commit_to_dial(self, attempt: CallAttempt) -> bool:
        """Pre-send and journal. False: nothing may be sent, and the lead went back."""
        try:
            answer = claims.pre_send(attempt, now=timezone.now())
            problem = self._memory_problem()
        except WindowError:
            # The hours became unreadable or illegal: the claim stops it.
            answer, problem = None, ""
        except DatabaseGone:
            # The commit may or may not have happened; not a byte was sent. What is
            # written next must not be taken for a part of it.
            logger.warning("attempt %s: pre-send failed", attempt.token)
            close_old_connections()
            self._not_sent(attempt, _("La base de datos no respondió."))
            return False
        if answer is None or not answer.allowed:
            self._persist(
                lambda: claims.release(attempt, now=timezone.now(), verdict=answer)
            )
            return False
        if problem:
            self._not_sent(attempt, problem)
            self._stop_run(attempt.campaign, problem)
            return False
        try:
            self.journal.write_before(attempt, now=timezone.now())
        except OSError:
            reason = _("No se puede escribir el diario de llamadas (DIAL_JOURNAL).")
            logger.exception("the dial journal cannot be written")
            self._not_sent(attempt, reason)
            self._stop_run(attempt.campaign, reason)
            return False
        self._last_sent = attempt.token
        return True

    def _memory_problem(self) -> str:
        """Empty while the database knows our last dial: a backup restored under a
        living process forgets it, and those of others with it."""
        if self._last_sent is None or is_known(self._last_sent):
            return ""
        problem = preflight.journal_problem(self.journal, now=timezone.now())
        if not problem:
            self._last_sent = None  # a person has looked into it
        return problem

    def _not_sent(self, attempt: CallAttempt, reason: str) -> None:
        def write() -> bool:
            now = timezone.now()
            return claims.mark_not_sent(
                attempt, reason=reason, now=now
            ) or claims.release(attempt, now=now)

        self._persist(write)

    def _record_placed(self, attempt: CallAttempt, placed: PlacedCall) -> None:
        now = timezone.now()
        request_id = placed.request_id
        logger.info("attempt %s: Pearl's request is %s", attempt.token, request_id)
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
                look_at=poll_after(now),
            )
        )
        self._persist(budget.note_success)

    def _record_failure(self, attempt: CallAttempt, exc: PearlError) -> None:
        now, reason = timezone.now(), str(exc)
        kind = type(exc).__name__
        logger.warning("attempt %s: %s, %s", attempt.token, kind, exc.code)
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
                if exc.status is not None:  # else it was refused here
                    self._persist(budget.note_success)
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
        problem = self._campaigns_fault(attempt.campaign)
        if problem:
            self._persist(
                lambda: claims.mark_refused_account(attempt, reason=reason, now=now)
            )
            self._stop_run(attempt.campaign, problem)
        else:
            self._persist(lambda: claims.mark_refused(attempt, reason=reason, now=now))

    def _campaigns_fault(self, campaign: Campaign) -> str:
        """Why Pearl would refuse every lead of the campaign; empty if it would not, or
        if that cannot be learnt: then the refusal is the lead's."""
        try:
            findings = preflight.check(campaign, pearl=self.pearl, now=timezone.now())
        except Exception:
            logger.exception("campaign %s: the check failed", campaign.pk)
            return ""
        wrong = [one.sentence for one in findings if one.level == Level.REFUSAL]
        return wrong[0] if wrong else ""

    def _stop_run(self, campaign: Campaign, reason: str) -> None:
        self._persist(lambda: runs.stop(campaign.pk, now=timezone.now(), reason=reason))

    def _persist(self, write: Callable[[], T]) -> T | None:
        """Write, again and again while the database is away: what Pearl answered must
        not be lost. None: it cannot be written, or the process was told to leave."""
        pause = 0.1
        while True:
            try:
                return write()
            except DatabaseGone as exc:
                logger.warning(
                    "a result waits for the database: %s", type(exc).__name__
                )
                close_old_connections()
            except DatabaseError:
                logger.exception("a result cannot be written; the lease decides")
                return None
            if self.abandon.wait(pause):
                return None
            pause = min(pause * 2, 5.0)


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
