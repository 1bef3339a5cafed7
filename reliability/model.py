"""What must hold of calls, told a second time in plain Python, and compared with the
database after every step. None of the product's logic is used to judge the product.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from calls.journal import DialJournal
from calls.models import CallAttempt, Campaign, PearlAccount
from leads.models import Lead
from reliability.oracle import Call, Oracle, Post

MADRID = ZoneInfo("Europe/Madrid")
SETTLE, HORIZON, LAG = timedelta(minutes=10), timedelta(hours=3), timedelta(seconds=30)

OPEN = {"claimed", "dialing", "accepted", "unknown"}
HELD = OPEN | {"manual"}
NEVER_RANG = {"claimed", "released", "not_sent", "rejected", "not_placed"}
COUNTS = {"accepted", "unknown", "manual", "ended"}

# Of two ends that webhooks tell, the one further down is believed.
STRENGTH = [
    *("cancelled", "provider_error", "failed", "no_answer", "busy", "unreachable"),
    *("too_brief", "voicemail", "conversation", "not_successful", "success"),
    "blacklisted",
]

# Which steps an attempt may take, by who acts; what is not here is nobody's to do.
TOLD = {
    *((one, "accepted") for one in ("dialing", "unknown", "not_placed")),
    *((one, "ended") for one in ("dialing", "unknown", "accepted", "not_placed")),
    ("manual", "ended"),
}
TAKEN_BACK = ("claimed", "released")
STEPS: dict[str, set[tuple[str, str]]] = {
    "staff": set(),
    "switch": set(),
    "death": set(),
    "tick": {("", "claimed"), TAKEN_BACK, ("dialing", "unknown")},
    "pre_send": {("claimed", "dialing")},
    "answer": {
        TAKEN_BACK,
        ("dialing", "not_sent"),
        ("dialing", "rejected"),
        ("dialing", "accepted"),
        ("dialing", "unknown"),
        ("unknown", "accepted"),
        ("not_placed", "accepted"),
    },
    "abandon": {TAKEN_BACK, ("dialing", "unknown")},
    "events": TOLD | {TAKEN_BACK},
    "ask": TOLD
    | {
        TAKEN_BACK,
        ("unknown", "not_placed"),
        ("unknown", "manual"),
        ("accepted", "manual"),
        ("ended", "accepted"),
    },
    "hand": {("manual", "ended"), ("manual", "not_placed")},
    "correct": {TAKEN_BACK},
    "effects": {TAKEN_BACK},
}


class Row(NamedTuple):
    """An attempt, as much of it as is judged."""

    pk: int
    token: UUID
    lead_id: int
    phone: str
    state: str
    outcome: str
    counted: bool
    generation: int
    lease_expires_at: datetime
    send_started_at: datetime | None
    confirmed_at: datetime | None
    effects_due_at: datetime | None
    end_heard_at: datetime | None
    next_lookup_at: datetime | None
    open_lead_id: int | None
    open_phone: str | None


@dataclass(kw_only=True)
class Model:
    """`limit_at` is the limit under which an attempt was claimed, by its token."""

    now: Callable[[], datetime]
    campaign_id: int
    gap: timedelta
    max_per_day: int
    limit: int
    rows: dict[int, Row] = field(default_factory=dict)
    calls_of: Counter[int] = field(default_factory=Counter)
    state: str = "stopped"
    generation: int = 0
    paused: int = 0
    lists: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    limit_at: dict[UUID, int] = field(default_factory=dict)
    refused: set[UUID] = field(default_factory=set)
    corrected: dict[UUID, str] = field(default_factory=dict)
    by_hand: set[UUID] = field(default_factory=set)
    #: Whose call is (or was) believed to be over, or nobody's, though it goes on.
    given_up: set[UUID] = field(default_factory=set)
    #: Of which a person said that no phone rang, though one rings or will.
    mistaken: set[UUID] = field(default_factory=set)
    #: Which steps were seen, by whom: what is never seen proves nothing.
    seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    heard_peace: set[UUID] = field(default_factory=set)
    oracle: Oracle = field(init=False)

    # The switch

    def start(self, *, generation: int, paused: int) -> bool:
        """`generation`, `paused`: as whoever pressed START had seen them."""
        if self.state == "running":
            return True
        if generation != self.generation:
            return False
        if self.state == "paused":
            if paused != self.paused:
                return False
        else:
            self.generation += 1
        self.state = "running"
        return True

    def pause(self) -> None:
        if self.state == "running":
            self.state = "paused"
            self.paused += 1

    def stop(self) -> None:
        self.generation += 1
        if self.state in ("running", "paused"):
            self.state = "stopping"

    # After each step

    def look(self, who: str, tokens: Iterable[UUID] | None = None) -> None:
        """Compare with the database what `who` has done. `tokens`: the only attempts
        that it may have touched, but for claims that it takes back."""
        before, self.rows = self.rows, self._read()
        only = None if tokens is None else set(tokens)
        for pk, row in self.rows.items():
            old = before.get(pk)
            was = old.state if old else ""
            if was != row.state:
                self._check_step(who, was, row, old, only=only)
            self._count(row, old)
            self._check_row(row)
            if old is not None and was == row.state == "ended":
                self._check_end(who, row, old)
        assert before.keys() <= self.rows.keys(), "an attempt has disappeared"
        self._check_slots()
        self._check_leads()
        self._check_switch()

    def _read(self) -> dict[int, Row]:
        rows = CallAttempt.objects.order_by("pk").values_list(*Row._fields)
        return {row[0]: Row(*row) for row in rows}

    def _check_step(
        self, who: str, was: str, row: Row, old: Row | None, *, only: set[UUID] | None
    ) -> None:
        step, now = (was, row.state), self.now()
        assert step in STEPS[who], f"{who}: {was} -> {row.state}"
        self.seen[who, *step] += 1
        if only is not None and step != TAKEN_BACK:
            assert row.token in only, f"{who} changed another attempt"
        if old is None:
            self.limit_at[row.token] = self.limit
            return
        if who == "tick":
            assert old.lease_expires_at <= now, "taken from a living owner"
        age = now - (old.send_started_at or now)
        if row.state == "not_placed" and who == "ask":
            assert age >= SETTLE, "believed absent too soon"
        if row.state == "manual":
            assert age > HORIZON, "given to a person too soon"
            self.given_up.add(row.token)
        if step == ("ended", "accepted"):
            self.corrected.pop(row.token, None)

    def _check_end(self, who: str, row: Row, old: Row) -> None:
        """Webhooks may come in any order, and Pearl's own word outdoes them."""
        told = {row.token} - self.by_hand - self.corrected.keys()
        if who == "events" and told:
            ranks = [STRENGTH.index(one.outcome) for one in (old, row)]
            assert ranks == sorted(ranks), f"{row.outcome} outdoes {old.outcome}"
        if who != "ask" or old.confirmed_at or not old.next_lookup_at:
            return
        heard_at = old.end_heard_at or self.now()
        if str(row.token) in self.oracle.shown and self.now() - heard_at >= LAG:
            assert self._sent_besides(row), "a call that goes on is left as over"

    def check_heard(self, call: Call) -> None:
        """Pearl has told of it: a claim of its lead or number gives way."""
        row = self.row_of(call)
        assert row.state != "not_placed" or self._sent_besides(row), "not believed"

    def row_of(self, call: Call) -> Row:
        return next(r for r in self.rows.values() if str(r.token) == call.token)

    def _sent_besides(self, row: Row) -> list[Row]:
        sent = [one for one in self.rows.values() if one.state in HELD - {"claimed"}]
        return [o for o in sent if o.lead_id == row.lead_id or o.phone == row.phone]

    def recently_called(self) -> list[int]:
        """Leads in no call, who were called within the pause."""
        held = {row.lead_id for row in self.rows.values() if row.state in HELD}
        since = self.now() - self.gap
        return [
            row.lead_id
            for row in self.rows.values()
            if row.state == "ended" and row.lead_id not in held
            if row.send_started_at and row.send_started_at > since
        ]

    def _count(self, row: Row, old: Row | None) -> None:
        """Calls of a lead: one more for each attempt that counts, less if it does not
        any more."""
        if old is not None and old.lead_id != row.lead_id:
            return  # joined: `merged` has added them up
        was = old.counted if old else False
        if row.counted and not was:
            self.calls_of[row.lead_id] += 1
        elif was and not row.counted and self.calls_of[row.lead_id]:
            self.calls_of[row.lead_id] -= 1

    def merged(self, kept: int, other: int) -> None:
        self.calls_of[kept] += self.calls_of.pop(other, 0)

    def _check_row(self, row: Row) -> None:
        call = self.oracle.of(row.token)
        counts = row.state in COUNTS or row.token in self.refused
        assert row.counted == counts, f"{row.state}: counted is {row.counted}"
        if row.state in NEVER_RANG:
            never = call is None or call.request_failed or row.token in self.mistaken
            assert never, f"{row.state}, yet it rings"
        if row.state == "ended":
            assert row.outcome in self._outcomes(row, call), (
                f"ended as {row.outcome}, really {call and call.end}"
            )
        is_held = row.state in HELD
        assert (row.open_lead_id, row.open_phone) == (
            (row.lead_id, row.phone) if is_held else (None, None)
        )

    def _outcomes(self, row: Row, call: Call | None) -> set[str]:
        if row.token in self.corrected:
            return {self.corrected[row.token]}
        told = {"no_answer"} if row.token in self.by_hand else set()
        if call is None:
            return told
        if call.request_failed:
            return {"provider_error"}
        if row.confirmed_at is None:
            told |= call.lies
        return told | {call.end} - {""}

    def _check_slots(self) -> None:
        held = [row for row in self.rows.values() if row.state in HELD]
        assert len({row.lead_id for row in held}) == len(held), "a lead in two calls"
        assert len({row.phone for row in held}) == len(held), "a number in two calls"

    def _check_leads(self) -> None:
        in_call = {row.lead_id for row in self.rows.values() if row.state in OPEN}
        leads = Lead.objects.values_list(
            "pk", "call_status", "call_attempts_count", "next_call_at"
        )
        for pk, status, count, next_call_at in leads:
            assert (status == "calling") == (pk in in_call), (
                f"{status}: {pk in in_call}"
            )
            assert status != "calling" or next_call_at is None
            assert count == self.calls_of[pk], (
                f"counts {count}, not {self.calls_of[pk]}"
            )

    def _check_switch(self) -> None:
        gate = Campaign.objects.get(pk=self.campaign_id)
        if self.state == "stopping" and gate.state == "stopped":
            assert not self.open_rows(), "stopped with calls open"
            self.state = "stopped"
        assert (gate.state, gate.generation) == (self.state, self.generation)

    def are_there(self, state: str) -> bool:
        return any(row.state == state for row in self.rows.values())

    def open_rows(self) -> list[Row]:
        return [row for row in self.rows.values() if row.state in OPEN]

    # When a request arrives

    def judge(self, post: Post) -> None:
        """May this phone be rung, now, by this attempt?"""
        posts = [one for one in self.oracle.posts if one.token == post.token]
        assert len(posts) <= 1, "two requests for one attempt"
        row = next(r for r in self._read().values() if str(r.token) == post.token)
        self.look("pre_send", [row.token])
        now, lead = self.now(), Lead.objects.get(pk=row.lead_id)
        assert (row.state, row.phone) == ("dialing", post.phone)
        assert (self.state, self.generation) == ("running", row.generation), (
            "after STOP"
        )
        assert is_open(now), "outside the hours"
        assert not self.lists[post.phone], "a suppressed number"
        assert lead.phone_e164 == post.phone
        assert lead.selected_for_calling
        assert not lead.manual_management
        assert lead.consent == "given"
        assert lead.disposition != "do_not_call"
        self._judge_others(post, row, is_promised=is_promised(lead, now=now))
        tokens = {
            entry.token for entry in DialJournal.from_settings().entries(since=post.at)
        }
        assert row.token in tokens, "not in the journal"

    def _judge_others(self, post: Post, row: Row, *, is_promised: bool) -> None:
        now = self.now()
        today = now.astimezone(MADRID).date()
        rung = [
            call
            for call in self.oracle.calls
            if call.phone == post.phone
            and not call.request_failed
            and UUID(call.token) not in self.mistaken
        ]
        for call in rung:
            assert now - call.rings_at >= self.gap, "rung again too soon"
        of_today = [c for c in rung if c.rings_at.astimezone(MADRID).date() == today]
        assert is_promised or len(of_today) < self.max_per_day
        going_on = [
            call
            for call in self.oracle.calls
            if call.goes_on(now)
            and not call.lies
            and UUID(call.token) not in self.given_up
        ]
        assert len(going_on) < self.limit_at[row.token], "more calls than lines"

    # What must go on

    def may_claim(self) -> bool:
        """Whether a claim now must find somebody: stricter than the rules, so that
        what it demands is beyond doubt."""
        now, account = self.now(), PearlAccount.objects.first()
        is_blocked = account is not None and (
            account.failures >= 3
            or account.breaker_until is not None
            or (account.blocked_until is not None and account.blocked_until > now)
        )
        rows = self.rows.values()
        unknown = sum(row.state == "unknown" for row in rows)
        if self.state != "running" or is_blocked or unknown >= 3 or not is_open(now):
            return False
        if len(self.open_rows()) >= self.limit:
            return False
        return any(self._is_free(lead, now=now) for lead in Lead.objects.all())

    def _is_free(self, lead: Lead, *, now: datetime) -> bool:
        at = lead.next_call_at
        if not lead.selected_for_calling or at is None or at > now:
            return False
        if lead.manual_management or lead.consent != "given" or lead.disposition:
            return False
        if lead.callback_at or lead.call_attempts_count or not lead.phone_e164:
            return False
        if self.lists[lead.phone_e164] or lead.call_status == "calling":
            return False
        return not any(
            lead.pk == row.lead_id or lead.phone_e164 == row.phone
            for row in self.rows.values()
        )


def is_promised(lead: Lead, *, now: datetime) -> bool:
    return lead.call_now or (lead.callback_at is not None and lead.callback_at <= now)


def is_open(now: datetime) -> bool:
    """From 9 to 21 on working days, closing two minutes early. (The examples live in
    the nine weeks after 13 January 2026: no holiday.)"""
    local = now.astimezone(MADRID)
    minute = local.hour * 60 + local.minute
    return local.weekday() < 5 and 9 * 60 <= minute < 21 * 60 - 2
