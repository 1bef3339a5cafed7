"""Every guarded write of the protocol (design, section 5). Nothing else moves one.

Locks are always taken in the order campaign (the gate), account, lead, attempt. Every
write names the state and the token it expects, and a write that finds neither returns
False: the attempt is no longer ours.
"""

from __future__ import annotations

from calls.claims.claiming import Claim, claim, lease_of
from calls.claims.doubts import (
    ask_sooner,
    expect_report,
    leave_unconfirmed,
    look_again,
    mark_manual,
    mark_not_placed,
    reap_leases,
    reopen,
    restore_unknown,
    revive_unknown,
    unbind,
)
from calls.claims.sending import (
    mark_accepted,
    mark_not_sent,
    mark_refused,
    mark_refused_account,
    mark_unknown,
    pre_send,
    release,
    settle,
)
from calls.claims.writes import end_test, lock_lead, reread

__all__ = [
    "Claim",
    "ask_sooner",
    "claim",
    "end_test",
    "expect_report",
    "lease_of",
    "leave_unconfirmed",
    "lock_lead",
    "look_again",
    "mark_accepted",
    "mark_manual",
    "mark_not_placed",
    "mark_not_sent",
    "mark_refused",
    "mark_refused_account",
    "mark_unknown",
    "pre_send",
    "reap_leases",
    "release",
    "reopen",
    "reread",
    "restore_unknown",
    "revive_unknown",
    "settle",
    "unbind",
]
