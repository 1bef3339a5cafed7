"""The life of one call: dial, ring, talk, hang up, post-processing (11.4)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from simulator import outcomes
from simulator.codes import CallStatus, RequestStatus
from simulator.outcomes import OUTCOMES
from simulator.records import Call, Request, new_id

if TYPE_CHECKING:
    from simulator.world import World


class Timeline:
    """Moves calls along the simulated clock and tells the world's listeners."""

    def __init__(self, world: World) -> None:
        self._world = world

    def refuse(
        self, request: Request, status: RequestStatus, errors: list[str]
    ) -> None:
        """The request ends here: nobody is dialled, no call exists."""
        request.status = status
        request.errors = errors
        is_black = status is RequestStatus.BLACK_LISTED
        name = "blacklisted" if is_black else "request_error"
        self._world.meters.outcomes[name] += 1
        for listener in self._world.listeners:
            listener.request_refused(request)

    def dial(self, request: Request) -> None:
        """Take a line and dial, unless the number's fate is a refusal."""
        world = self._world
        nth = len(world.calls_by_number.get(request.to, ())) + 1
        settings = request.campaign.settings
        fate = outcomes.decide(
            request.to, nth, config=world.config, ring_limit=settings.ringDuration
        )
        if not fate.outcome.is_dialled:
            status = fate.outcome.request_status
            failed = status == RequestStatus.ERROR
            return self.refuse(request, status, ["Simulated error"] if failed else [])
        call = self._new_call(request, fate, nth)
        for listener in world.listeners:
            listener.call_started(call)
        call.timer = world.clock.later(fate.setup_seconds, lambda: self._ring(call))

    def end_now(self, call: Call, outcome: str) -> None:
        """Somebody at the control API hangs up, with the ending of their choice."""
        if call.timer is not None:
            call.timer.cancel()
        call.fate = dataclasses.replace(call.fate, outcome=OUTCOMES[outcome])
        if call.fate.outcome.felt == "rang" and call.rang_from is None:
            call.rang_from = self._world.clock.wall()
        if call.fate.outcome.answered and not call.answered:
            self._pick_up(call)
        if call.answered_simulated is not None:
            elapsed = self._world.clock.simulated() - call.answered_simulated
            call.talk_duration = max(1, round(elapsed))
        self._hang_up(call)

    def _new_call(self, request: Request, fate: outcomes.Fate, nth: int) -> Call:
        world, now = self._world, self._world.clock.wall()
        call = Call(
            id=new_id(now),
            request=request,
            fate=fate,
            nth=nth,
            started_at=now,
            started_simulated=world.clock.simulated(),
            status=fate.outcome.live_status,
        )
        request.call = call
        request.status = RequestStatus.ON_CALL
        world.calls[call.id] = world.live[call.id] = call
        world.calls_by_number.setdefault(call.to, []).append(call)
        world.rings.append(call)
        call.campaign.calls.append(call)
        call.campaign.busy += 1
        world.meters.line_taken()
        return call

    def _ring(self, call: Call) -> None:
        fate, clock = call.fate, self._world.clock
        if fate.outcome.felt != "rang":
            return self._hang_up(call)
        call.rang_from = clock.wall()
        then = self._answer if fate.outcome.answered else self._hang_up
        call.timer = clock.later(fate.ring_seconds, lambda: then(call))
        return None

    def _answer(self, call: Call) -> None:
        self._pick_up(call)
        limit = call.campaign.settings.callTimeout * 60
        talk = min(call.fate.talk_seconds, limit)
        call.talk_duration = max(1, round(talk))
        call.timer = self._world.clock.later(talk, lambda: self._hang_up(call))

    def _pick_up(self, call: Call) -> None:
        call.answered = True
        call.rang_until = self._world.clock.wall()
        call.answered_simulated = self._world.clock.simulated()

    def _hang_up(self, call: Call) -> None:
        """The line goes dead. A stuck call frees its agent but never says so."""
        world, outcome = self._world, call.fate.outcome
        call.timer = None
        call.ended_at = world.clock.wall()
        if call.rang_from is not None and call.rang_until is None:
            call.rang_until = call.ended_at
        world.live.pop(call.id, None)
        call.campaign.busy -= 1
        world.meters.line_freed(outcome.name)
        world.charge(call)
        if outcome.reported:
            self._report_end(call)
        world.pump(call.campaign)

    def _report_end(self, call: Call) -> None:
        world, outcome = self._world, call.fate.outcome
        call.status = outcome.call_status
        call.conversation = outcome.conversation
        call.is_final = True
        hides = call.fate.reports_zero_duration and outcome.answered
        hides = hides and call.status == CallStatus.COMPLETED
        call.duration = 0 if hides else call.talk_duration
        call.request.status = RequestStatus.COMPLETED
        for listener in world.listeners:
            listener.call_ended(call)
        if call.answered:
            seconds = world.config.post_processing_seconds
            world.clock.later(seconds, lambda: self._process(call))

    def _process(self, call: Call) -> None:
        """Summary, transcript and recording become visible."""
        call.is_processed = True
        call.duration = call.talk_duration
        for listener in self._world.listeners:
            listener.call_processed(call)
