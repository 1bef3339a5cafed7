"""A proxy that understands enough of MySQL's protocol to strike at one statement.

It tells the transactions of each connection apart, so that a test can cut exactly the
answer to the COMMIT of a claim; and it notes which COMMITs a client was told of.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reliability.fault_proxy import Address, Cut, Link, Proxy

COM_QUERY = 3
COMMIT = "COMMIT"
ENDS = (COMMIT, "ROLLBACK")
STATE = re.compile(r"^UPDATE `call_attempts` SET .*?`state` = '(\w+)'", re.DOTALL)
TOKEN = re.compile(r"`token` = '([0-9a-f-]{32,36})'")


class Strike(StrEnum):
    """What befalls one statement."""

    CUT_REQUEST = "cut_request"  # the server never gets it (2013 for the client)
    CUT_REPLY = "cut_reply"  # the server does it, and the client never hears (2013)
    GONE = "gone"  # the connection is lost after it, before the next one (2006)
    DEADLOCK = "deadlock"  # 1213: the server has rolled the transaction back
    LOCK_WAIT = "lock_wait"  # 1205: this statement was not done, the others stand


ERRORS = {
    Strike.DEADLOCK: (1213, b"40001", b"Deadlock found when trying to get lock"),
    Strike.LOCK_WAIT: (1205, b"HY000", b"Lock wait timeout exceeded"),
}
#: Sees the statements of the transaction so far, the one that just came included.
Judge = Callable[[Sequence[str]], Strike | None]


def nothing(_statements: Sequence[str]) -> Strike | None:
    return None


@dataclass(kw_only=True)
class _Session:
    """What one connection is at."""

    statements: list[str] = field(default_factory=list)
    in_transaction: bool = False
    strike: Strike | None = None

    def note(self, statement: str) -> None:
        if statement in ("SET autocommit=0", "SET autocommit=1"):
            self.statements, self.in_transaction = [statement], statement[-1] == "0"
        elif not self.in_transaction or self._is_over:
            self.statements = [statement]
        else:
            self.statements.append(statement)

    @property
    def _is_over(self) -> bool:
        return bool(self.statements) and self.statements[-1] in ENDS


class MySqlProxy(Proxy):
    """`judge` decides about each statement; `acknowledged` holds the statements of each
    transaction whose COMMIT a client was told of."""

    def __init__(self, upstream: Address, *, judge: Judge = nothing) -> None:
        super().__init__(upstream)
        self.judge = judge
        self.acknowledged: list[list[str]] = []
        self.struck: list[tuple[Strike, list[str]]] = []
        self._acknowledged_dials: set[str] = set()
        self._lock = threading.Lock()

    def may_dial(self, marker: str) -> bool:
        """Whether somebody was told that this attempt's pre-send is committed."""
        with self._lock:
            return marker.replace("-", "") in self._acknowledged_dials

    async def converse(self, link: Link) -> None:
        answers = await self.connect(link)
        session = _Session()
        pumps = [
            asyncio.ensure_future(self._ask(link, session)),
            asyncio.ensure_future(self._answer(link, answers, session)),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in done:
                pump.result()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _ask(self, link: Link, session: _Session) -> None:
        assert link.upstream is not None
        while True:
            header = await link.reader.readexactly(4)
            length = int.from_bytes(header[:3], "little")
            packet = await link.reader.readexactly(length)
            await self.may_pass(link)
            is_query = header[3] == 0 and packet[:1] == bytes([COM_QUERY])
            if is_query and not await self._let_through(link, session, packet[1:]):
                continue
            link.upstream.write(header + packet)
            await link.upstream.drain()

    async def _let_through(self, link: Link, session: _Session, query: bytes) -> bool:
        """False: the server does not get it."""
        session.note(query.decode("utf-8", "replace").strip())
        session.strike = self.judge(session.statements)
        if session.strike is not None:
            self.struck.append((session.strike, list(session.statements)))
        match session.strike:
            case Strike.CUT_REQUEST:
                raise Cut
            case Strike.DEADLOCK:
                assert link.upstream is not None
                link.upstream.write(_packet(bytes([COM_QUERY]) + b"ROLLBACK", 0))
                return False
            case Strike.LOCK_WAIT:
                link.writer.write(_error(session.strike))
                session.strike = None
                return False
        return True

    async def _answer(
        self, link: Link, answers: asyncio.StreamReader, session: _Session
    ) -> None:
        while piece := await answers.read(65536):
            await self.may_pass(link)
            match session.strike:
                case Strike.CUT_REPLY:
                    raise Cut
                case Strike.DEADLOCK:
                    piece, session.strike = _error(Strike.DEADLOCK), None
                case _:
                    self._note_acknowledged(session)
            link.writer.write(piece)
            await link.writer.drain()
            if session.strike == Strike.GONE:
                await asyncio.sleep(0.02)  # the rest of a long answer
                raise Cut

    def _note_acknowledged(self, session: _Session) -> None:
        statements = session.statements
        if not statements or statements[-1] != COMMIT:
            return
        with self._lock:
            self.acknowledged.append(statements)
            session.statements = []
            for statement in statements:
                if state_written([statement]) == "dialing":
                    tokens = TOKEN.findall(statement)
                    self._acknowledged_dials.update(t.replace("-", "") for t in tokens)


def state_written(statements: Sequence[str]) -> str:
    """The state that a transaction gives an attempt: `claimed`, `dialing`, …; or ""."""
    for statement in reversed(statements):
        if statement.startswith("INSERT INTO `call_attempts`"):
            return "claimed"
        if found := STATE.match(statement):
            return found[1]
    return ""


def _packet(payload: bytes, sequence: int) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def _error(strike: Strike) -> bytes:
    code, sql_state, message = ERRORS[strike]
    payload = b"\xff" + code.to_bytes(2, "little") + b"#" + sql_state + message
    return _packet(payload, 1)
