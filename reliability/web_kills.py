"""`kill -9` of the web process: what it took is kept, and a press has one effect."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import requests
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

from calls.models import Campaign, ControlEvent, PearlEvent, Run
from reliability.crash_points import OF_WEB_HOOKS
from reliability.machine import free_port
from reliability.nursery import Life, Nursery
from reliability.rig import TOKEN, Simulator, nursery, set_stage

ANSWERS_WITHIN = 20.0
CONNECTIONS = 4
BODIES_PER_KILL = 60


@dataclass(kw_only=True)
class Report:
    presses: Counter[str] = field(default_factory=Counter)
    #: Presses that the dying process answered all the same.
    answered: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    webhooks: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not self.wrong

    def table(self) -> str:
        lines = [f"{'killed at':<36} {'times':>6} {'answered':>9}"]
        for point, times in self.presses.items():
            lines.append(f"{point:<36} {times:>6} {self.answered[point]:>9}")
        lines += [f"{point:<36} {times:>6}" for point, times in self.kills.items()]
        lines.append(f"webhooks kept: {self.webhooks}")
        return "\n".join([*lines, *(f"WRONG: {sentence}" for sentence in self.wrong)])


# --- START and STOP -----------------------------------------------------------------


class Operator:
    """Somebody logged in, who presses again when no answer comes."""

    def __init__(self, port: int) -> None:

        user, _made = User.objects.get_or_create(username="marta", is_superuser=True)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        self._url = f"http://127.0.0.1:{port}/calls"
        self._token = "c" * 32
        self._cookies = {
            settings.SESSION_COOKIE_NAME: str(session.session_key),
            settings.CSRF_COOKIE_NAME: self._token,
        }

    def press(self, what: str, campaign_id: int) -> bool:
        """Whether a 200 came back."""
        try:
            answer = requests.post(
                f"{self._url}/{campaign_id}/{what}",
                data={"test_phone": ""},
                cookies=self._cookies,
                headers={"X-CSRFToken": self._token, "HX-Request": "true"},
                timeout=ANSWERS_WITHIN,
            )
        except requests.RequestException:
            return False
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:500]}"
        return "toast" in answer.headers.get("HX-Trigger", "")


class Switch:
    """A campaign's switch, pressed on processes that die of it."""

    def __init__(
        self, *, campaign_id: int, nursery: Nursery, port: int, report: Report
    ) -> None:
        self.campaign_id = campaign_id
        self.nursery = nursery
        self.port = port
        self.report = report
        self.operator = Operator(port)

    def press(self, what: str, *, point: str, delay: float = 0.0) -> None:
        """One press, and another if no answer came: one effect."""
        before = self._effects(what)
        web = self._web(point, delay)
        is_answered = self.operator.press(what, self.campaign_id)
        if web.wait(2) is None:
            self.report.wrong.append(f"{what}: never came to «{point}»")
        web.kill()
        self.report.presses[point] += 1
        self.report.answered[point] += is_answered
        if is_answered and self._effects(what) != before + 1:
            self.report.wrong.append(f"«{point}»: {what} was answered, and undone")
        if not is_answered:
            web = self._web("", 0.0)
            if not self.operator.press(what, self.campaign_id):
                self.report.wrong.append(f"«{point}»: the second {what} was refused")
            web.kill()
        if (effects := self._effects(what)) != before + 1:
            self.report.wrong.append(
                f"«{point}»: {what} had {effects - before} effects"
            )
        if not self._is_switched(what):
            self.report.wrong.append(f"«{point}»: the switch does not show {what}")

    def _web(self, point: str, delay: float) -> Life:
        return self.nursery.start(role="web", port=self.port, point=point, delay=delay)

    def _effects(self, what: str) -> int:

        kind = {"start": "started", "stop": "stopped"}[what]
        events = ControlEvent.objects.filter(campaign_id=self.campaign_id, kind=kind)
        return events.count()

    def _is_switched(self, what: str) -> bool:

        campaign = Campaign.objects.get(pk=self.campaign_id)
        runs = Run.objects.filter(campaign=campaign, ended_at=None)
        if what == "start":
            return campaign.state == "running" and runs.count() == 1
        return campaign.state in ("stopping", "stopped")


# --- Webhooks -----------------------------------------------------------------------


class Sender(threading.Thread):
    """Posts each of its bodies until a 200 comes, as Pearl may."""

    def __init__(self, url: str, bodies: list[bytes]) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._bodies = bodies
        self.answered: list[bytes] = []

    def run(self) -> None:
        for body in self._bodies:
            while not self._is_taken(body):
                time.sleep(0.02)
            self.answered.append(body)

    def _is_taken(self, body: bytes) -> bool:
        headers = {"Content-Type": "application/json"}
        try:
            answer = requests.post(self._url, data=body, headers=headers, timeout=10)
        except requests.RequestException:
            return False
        return answer.status_code == 200


def kill_while_webhooks_come(
    *, nursery: Nursery, port: int, times: int, report: Report, dice: random.Random
) -> None:
    """Whatever was answered with 200 is in the database when the process is dead, and
    in the end every body is, once."""

    points = [*OF_WEB_HOOKS, ""]
    url = f"http://127.0.0.1:{port}/webhooks/pearl/{TOKEN}"
    mark = dice.randrange(10**9)
    bodies = [_body(mark, number) for number in range(times * BODIES_PER_KILL)]
    senders = [Sender(url, bodies[i::CONNECTIONS]) for i in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    for number in range(times):
        point = points[number % len(points)]
        web = nursery.start(
            role="web",
            port=port,
            point=point,
            passage=dice.randint(1, 4),
            delay=dice.uniform(0.0, 0.001),
        )
        died = web.wait(0.7 if point else dice.uniform(0.0, 0.5)) is not None
        taken = [body for sender in senders for body in list(sender.answered)]
        web.kill()
        report.kills[point if died else "webhooks: at any instant"] += 1
        if lost := len(taken) - _kept(taken):
            report.wrong.append(f"«{point}»: {lost} webhooks answered, and lost")
    web = nursery.start(role="web", port=port)
    for sender in senders:
        sender.join(60)
    web.kill()
    report.webhooks += len(bodies)
    if _kept(bodies) != len(bodies):
        report.wrong.append("not every webhook was kept once")


def _body(mark: int, number: int) -> bytes:
    """The end of a call that nobody here ordered."""
    call = {"id": f"{mark:012x}{number:012x}", "status": 4, "conversationStatus": 100}
    return json.dumps({**call, "to": "+34600000001", "duration": 9}).encode()


def _kept(bodies: list[bytes]) -> int:

    digests = [hashlib.sha256(body).hexdigest() for body in bodies]
    found = 0
    for start in range(0, len(digests), 500):
        part = digests[start : start + 500]
        found += PearlEvent.objects.filter(sha256__in=part).count()
    return found


# --- The long version ---------------------------------------------------------------


def press_and_kill(pearl: Simulator, folder: Path, *, times: int, seed: int) -> Report:

    report, port, dice = Report(), free_port(), random.Random(seed)
    with nursery(pearl, folder=folder, web_port=port) as lives:
        stage = set_stage(pearl, leads=30 * times, journal=folder / "journal")
        switch = Switch(
            campaign_id=stage.campaign.pk, nursery=lives, port=port, report=report
        )
        worker = lives.start(journal=str(stage.journal))
        for number in range(times):
            moment = ("before", "during", "after")[number // 2 % 3]
            what = ("stop", "start")[number % 2]
            delay = dice.uniform(0.0, 0.001) if moment == "during" else 0.0
            point = f"{what.upper()}: {moment} the commit"
            switch.press(what, point=point, delay=delay)
        worker.kill()
        kill_while_webhooks_come(
            nursery=lives,
            port=port,
            times=max(1, times // 4),
            report=report,
            dice=dice,
        )
    return report
