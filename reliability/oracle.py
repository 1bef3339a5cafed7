"""A pretend Pearl in memory, without network or clock of its own, for many examples.

It remembers what each phone felt and is therefore the judge, as the simulator's ring
log is elsewhere. It speaks below `PearlClient._send`, so that the real client reads,
and the real dialing classifies, whatever it answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from calls.pearl import PearlClient
from calls.pearl.transport import Answer, Lost, Unsent

# How a call may end: Pearl's two codes and a duration, and what that is to us. Written
# here a second time, by hand, after pearl-api.md 2: the code must not judge itself.
ENDS: dict[str, tuple[int, int, int]] = {
    "success": (4, 100, 40),
    "not_successful": (4, 110, 31),
    "conversation": (4, 130, 25),
    "voicemail": (4, 70, 9),
    "too_brief": (4, 10, 0),
    "busy": (5, 10, 0),
    "no_answer": (7, 10, 0),
    "unreachable": (7, 150, 0),
    "failed": (6, 500, 0),
    "blacklisted": (4, 220, 0),
    "cancelled": (8, 500, 0),
}
PEACE = "No quiero que me llamen más."
OPEN_CODES = (3, 40, 0)
WRITTEN_AFTER = timedelta(minutes=1)


class Killed(BaseException):
    """The process dies here: nobody below may answer it."""


@dataclass(kw_only=True)
class Call:
    """A call that Pearl will make, makes or has made for one attempt."""

    token: str
    phone: str
    number: int
    known_from: datetime
    rings_at: datetime
    #: Pearl writes how long they talked a while after the end (pearl-api.md 2.2).
    is_slow: bool = False
    end: str = ""
    ended_at: datetime | None = None
    request_failed: bool = False
    asks_for_peace: bool = False
    #: How webhooks said that it was over while it went on.
    lies: set[str] = field(default_factory=set)

    @property
    def request_id(self) -> str:
        return f"{self.number:024x}"

    @property
    def call_id(self) -> str:
        return f"{self.number + 0x1000000:024x}"

    def has_rung(self, now: datetime) -> bool:
        return not self.request_failed and self.rings_at <= now

    def goes_on(self, now: datetime) -> bool:
        """It rings or is talked in, or waits in Pearl's queue."""
        return not self.request_failed and self.ended_at is None


@dataclass(kw_only=True)
class Post:
    """One request to create a call, as it arrived."""

    token: str
    phone: str
    at: datetime


@dataclass(kw_only=True)
class Script:
    """What Pearl does with the next request, and what happens meanwhile."""

    answer: str
    lag: timedelta = timedelta(0)
    queue: timedelta = timedelta(0)
    is_slow: bool = False
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None


# Whether the call is placed, by what the client is answered.
PLACES = {
    "accepted": True,
    "refused_connection": False,
    "reset_before": False,
    "reset_after": True,
    "500_before": False,
    "500_after": True,
    "no_id": True,
    "html": False,
    "redirect": True,
    "another_id": True,
    "throttled": False,
    "refused": False,
    "denied": False,
    "killed_before": False,
    "killed_after": True,
}


@dataclass(kw_only=True)
class Oracle:
    """`judge` sees each request before anything else happens."""

    now: Callable[[], datetime]
    judge: Callable[[Post], None]
    shows_marker: bool = True
    calls: list[Call] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    script: Script | None = None
    #: Which calls a search showed as going on, since somebody cleared this.
    shown: set[str] = field(default_factory=set)

    def of(self, token: object) -> Call | None:
        return next((c for c in self.calls if c.token == str(token)), None)

    def rung(self) -> list[Call]:
        now = self.now()
        return [call for call in self.calls if call.has_rung(now)]

    def take(self, body: dict[str, Any]) -> Answer:
        """A request to create a call has arrived, or has not."""
        script, self.script = self.script, None
        assert script is not None, "a request that nobody expected"
        post = Post(
            token=body["callData"]["ttAttemptId"], phone=body["to"], at=self.now()
        )
        if script.answer != "refused_connection":
            self.posts.append(post)
        self.judge(post)
        script.before()
        if script.answer == "killed_before":
            raise Killed
        if PLACES[script.answer]:
            self.place(post, script)
        script.after()
        return self._answer(post, script.answer)

    def place(self, post: Post, script: Script) -> Call:
        known_from = max(self.now(), post.at + script.lag)
        call = Call(
            token=post.token,
            phone=post.phone,
            number=len(self.calls) + 1,
            known_from=known_from,
            rings_at=known_from + script.queue,
            is_slow=script.is_slow,
        )
        self.calls.append(call)
        return call

    def _answer(self, post: Post, answer: str) -> Answer:
        if answer == "killed_after":
            raise Killed
        if answer == "refused_connection":
            raise Unsent("connect")
        if answer in ("reset_before", "reset_after"):
            raise Lost("cut")
        problem = {"title": "Wrong", "status": 400, "errors": {"To": ["no"]}}
        call = self.of(post.token)
        identifier = call.request_id if call else ""
        if answer == "another_id":
            identifier = self.calls[0].request_id
        answers: dict[str, tuple[int, object]] = {
            "accepted": (200, {"id": identifier, "queuePosition": 0}),
            "another_id": (200, {"id": identifier, "queuePosition": 0}),
            "500_before": (500, None),
            "500_after": (502, None),
            "no_id": (200, {"id": None}),
            "html": (200, None),
            "redirect": (307, None),
            "throttled": (429, None),
            "refused": (400, problem),
            "denied": (402, problem),
        }
        return _json(*answers[answer])

    # What Pearl tells of a call

    def report(
        self, call: Call, *, words: bool = True, lie: str = ""
    ) -> dict[str, Any]:
        """As in a search or a webhook; `lie`: how it is said to be over."""
        if lie:
            call.lies.add(lie)
        said = lie or call.end
        codes = ENDS[said] if said else OPEN_CODES
        if (
            call.is_slow
            and call.ended_at
            and self.now() < call.ended_at + WRITTEN_AFTER
        ):
            codes, words = (*codes[:2], 0), False
        shows = (self.shows_marker or bool(lie)) and bool(said)
        talk = [{"role": 3, "content": PEACE, "startTime": 1, "endTime": 2}]
        marker = [{"id": "ttAttemptId", "name": "Marca", "value": call.token}]
        return {
            "id": call.call_id,
            "pearlId": "66f0aaaabbbbccccdddd0001",
            "startTime": call.rings_at.isoformat(),
            "status": codes[0],
            "conversationStatus": codes[1],
            "duration": codes[2],
            "from": "910000",
            "to": call.phone,
            "collectedInfo": marker if shows else [],
            "transcript": talk if said and words and call.asks_for_peace else None,
            "summary": "Habló." if said and words and codes[2] else None,
        }

    def request_report(self, call: Call) -> dict[str, Any]:
        now = self.now()
        status = 10 if call.end else 2 if call.rings_at <= now else 1
        return {
            "id": call.request_id,
            "status": 100 if call.request_failed else status,
            "created": call.known_from.isoformat(),
            "callId": call.call_id if call.has_rung(now) else None,
        }


class Line(PearlClient):
    """The real client, with the oracle where the network would be."""

    def __init__(self, oracle: Oracle) -> None:
        super().__init__(
            base_url="http://127.0.0.1:9", account_id="1" * 24, secret_key="s" * 32
        )
        self.oracle = oracle

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        deadline: float,
        since: float | None = None,
    ) -> Answer:
        del deadline, since
        oracle, now = self.oracle, self.oracle.now()
        what = path.rsplit("/", 1)[-1]
        if method == "POST" and what == "Call":
            return oracle.take(body or {})
        if what == "Bulk":
            told = [call for call in oracle.rung() if _in(call.rings_at, body)]
            oracle.shown |= {call.token for call in told if not call.end}
            return _page([oracle.report(call) for call in told], body)
        known = [call for call in oracle.calls if call.known_from <= now]
        if what == "CallRequest":
            asked = [c for c in known if _in(c.known_from, body)]
            return _page([oracle.request_report(c) for c in asked], body)
        for call in known:
            if "/CallRequest/" in path and what == call.request_id:
                return _json(200, oracle.request_report(call))
            if what == call.call_id and call.has_rung(now):
                return _json(200, oracle.report(call))
        if "/CallRequest/" in path or "/v1/Call/" in path:
            return _json(404, {"title": "Not Found", "status": 404})
        raise Lost("cut")  # of campaign and account it tells nothing


def _in(moment: datetime, body: dict[str, Any] | None) -> bool:
    assert body is not None
    since = datetime.fromisoformat(body["fromDate"])
    return since <= moment <= datetime.fromisoformat(body["toDate"])


def _page(items: list[dict[str, Any]], body: dict[str, Any] | None) -> Answer:
    assert body is not None
    part = items[body["skip"] : body["skip"] + body["limit"]]
    return _json(200, {"count": len(items), "results": part})


def _json(status: int, document: object) -> Answer:
    body = b"<html>" if document is None else json.dumps(document).encode()
    return Answer(status=status, body=body, retry_after="3", has_declared_end=True)
