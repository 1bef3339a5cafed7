"""Every function that writes attempts, leads, campaigns or runs is known here, with the
pairs of `writers` that attack it; and the table of what may become of an
attempt, state by state and write by write.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from calls import claims, reconciling
from calls.models import CallAttempt, Campaign
from calls.states import HELD, TRANSITIONS, State
from leads.models import CallStatus, Lead
from reliability.interleavings import Again
from reliability.static_writes import writers, writers_in
from reliability.tests.meetings import SETTINGS
from reliability.tests.worlds import NOW, told, world
from reliability.tests.writers import OPS

# A writer, and the ops that go through it; or in words, why it is in no pair.
KNOWN: dict[str, tuple[str, ...] | str] = {
    "calls.by_hand:_put_back": ("hand silent",),
    "calls.by_hand:_show_unanswered": ("hand rang",),
    "calls.by_hand:close_by_hand": ("hand rang", "hand silent"),
    "calls.claims.claiming:_claim_lead": ("claim",),
    "calls.claims.claiming:_claim_leads": ("claim",),
    "calls.claims.doubts:ask_sooner": ("ask sooner",),
    "calls.claims.doubts:expect_report": ("expect report",),
    "calls.claims.doubts:_run_of": ("restore",),
    "calls.claims.doubts:leave_unconfirmed": ("leave unconfirmed",),
    "calls.claims.doubts:look_again": ("look again",),
    "calls.claims.doubts:mark_manual": ("manual", "give up old"),
    "calls.claims.doubts:mark_not_placed": ("not placed", "hand silent"),
    "calls.claims.doubts:reap_leases": ("reap",),
    "calls.claims.doubts:reopen": ("confirm goes on",),
    "calls.claims.doubts:restore_unknown": ("restore",),
    "calls.claims.doubts:revive_unknown": "calls/tests/test_reconcile_journal.py",
    "calls.claims.doubts:unbind": ("unbind",),
    "calls.claims.sending:_accept": ("accepted",),
    "calls.claims.sending:mark_accepted": ("accepted",),
    "calls.claims.sending:mark_not_sent": ("not sent",),
    "calls.claims.sending:mark_refused": ("refused",),
    "calls.claims.sending:mark_refused_account": ("refused account",),
    "calls.claims.sending:mark_unknown": ("unknown",),
    "calls.claims.sending:pre_send": ("pre-send",),
    "calls.claims.sending:release": ("release",),
    "calls.claims.sending:settle": ("report end", "hand rang", "correct busy"),
    "calls.claims.writes:count": ("accepted", "refused"),
    "calls.claims.writes:end_test": "of a test, which rings the tester's own telephone",
    "calls.claims.writes:give_back": ("release", "not sent", "not placed", "reap"),
    "calls.claims.writes:move": ("accepted", "unknown", "manual"),
    "calls.claims.writes:reread": "calls/tests/test_outcomes_concurrent.py",
    "calls.claims.writes:show_calling": ("accepted", "confirm goes on"),
    "calls.claims.writes:uncount": ("not placed",),
    "calls.claims.writes:write": ("accepted", "report end"),
    "calls.collected:_settle": "what was said: only `effects_due_at` of the attempt",
    "calls.corrections:correct": ("correct busy", "correct success"),
    "calls.dialing:Dialer._persist": "writes what it is given, again if it must",
    "calls.effects:follow_due": ("effects",),
    "calls.lead_ending:follow": ("report end", "confirm end"),
    "calls.lead_ending:show": ("report end", "correct busy"),
    "calls.merging:_move_history": ("merge",),
    "calls.merging:merge": ("merge",),
    "calls.opt_outs:decide": "what a person makes of a proposed exclusion",
    "calls.outcomes:_join": ("report end", "confirm end"),
    "calls.outcomes:_raise_incident": "a second call of one attempt: it only says so",
    "calls.outcomes:_reopen": ("confirm goes on",),
    "calls.queue:put_off": ("claim",),
    "calls.rereading:_change": "calls/tests/test_outcomes_concurrent.py",
    "calls.rereading:_show": "calls/tests/test_outcomes_concurrent.py",
    "calls.runs:_begin": ("start",),
    "calls.runs:_close_open_runs": ("start", "finish"),
    "calls.runs:_finish": ("stop", "finish"),
    "calls.runs:_resume": ("start",),
    "calls.runs:change_limit": ("limit",),
    "calls.runs:pause": ("pause",),
    "calls.runs:stop": ("stop",),
    # Columns that no claim and no send depends on, or one statement that is its guard.
    "calls.appointments:_written": "appointments/tests have their own races",
    "calls.api.configuration:_change": "settings of a campaign, under its gate",
    "calls.management.commands.prepare_demo:Command._make_campaign": "an empty site",
    "calls.pearl_switch:_switch": "what Pearl shows of the campaign",
    "calls.pearl_switch:read_campaigns": "what Pearl shows of campaigns",
    "calls.preflight:_outbound": "what Pearl shows of the campaign",
    "calls.reconciling:_space_rounds": "when the next question is",
    "calls.reconciling:_take_round": "whose the next question is, in one statement",
    "calls.reconciling:sweep": "whose the next sweep is, in one statement",
    "calls.test_mode:set_test_phone": "a stopped campaign, under its gate",
    "leads.adding:_update": "contact data by the API, through `editing`",
    "leads.editing:edit": ("edit phone",),
    "leads.import_steps:_write_once": "leads/tests/test_import_processes.py",
    "leads.import_undo:_delete": "leads that were never called",
    "leads.import_undo:_put_back": "contact data of an import",
    "leads.lead_form_admin:LeadFormAdmin.save_model": "contact data, by `editing`",
    "leads.lead_form_admin:_create": "a new lead",
    "leads.notes:add_note": "the notes of a lead",
    "leads.promises:drop_promise": ("drop promise",),
    "leads.selection:_apply": ("bulk deselect", "bulk manual", "bulk exclude"),
    "leads.selection:_do": ("call now", "promise"),
    "leads.selection:undo": ("bulk undo",),
    "leads.suppressions:give_turns": ("withdraw exclusion",),
    "leads.writing:write_columns": "contact data of an import",
}


def test_every_writer_in_the_code_is_known_here():
    found = writers()

    assert found - KNOWN.keys() == set(), "new: attack it in a pair, or say why not"
    assert KNOWN.keys() - found == set(), "gone"


def test_every_attack_that_is_named_meets_others():
    meeting = {name for setting in SETTINGS.values() for name in setting.ops}
    named = {op for ops in KNOWN.values() if isinstance(ops, tuple) for op in ops}

    assert named <= meeting == OPS.keys()


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    CallAttempt.objects.filter(pk=1).update(state='claimed')",
        "def f(x):\n    for one in CallAttempt.objects.all():\n        one.save()",
        "def f(x: Lead):\n    x.save()",
        "def f(x):\n    rows = g(Lead.objects)\n    rows.filter(a=1).update(b=2)",
        "class A:\n    def f(self, x):\n        return move(x, State.CLAIMED)",
        "def f(x):\n    claims.settle(x, State.ENDED)",
    ],
)
def test_a_new_writer_is_found(source):
    assert [*writers_in(source, "calls.new")]


# --- What may become of an attempt --------------------------------------------------

EARLY = ("dialing", "unknown", "not_placed", "not_sent", "rejected")
BEGUN = dict.fromkeys(EARLY, "accepted")
OVER = dict.fromkeys((*EARLY, "accepted", "manual"), "ended")
# A webhook ended a call that goes on, says Pearl itself: by `claims.reopen` alone.
OUTSIDE_THE_TABLE = {("ended", "accepted")}
# By write: from which state to which. What is not here must change nothing.
MOVES: dict[str, dict[str, str]] = {
    "pre-send": {"claimed": "dialing"},
    "release": {"claimed": "released"},
    "reap": {"claimed": "released", "dialing": "unknown"},
    "accepted": BEGUN,
    "not sent": {"dialing": "not_sent"},
    "refused": {"dialing": "rejected"},
    "refused account": {"dialing": "rejected"},
    "unknown": {"dialing": "unknown"},
    "not placed": {"unknown": "not_placed", "manual": "not_placed"},
    "manual": {"unknown": "manual", "accepted": "manual"},
    "unbind": {"unknown": "manual", "accepted": "manual"},
    "give up old": {"unknown": "manual", "accepted": "manual"},
    "report start": BEGUN,
    "report end": OVER,
    "report other end": OVER,
    "confirm end": OVER,
    "confirm goes on": BEGUN | {"ended": "accepted"},
    "hand rang": {"manual": "ended"},
    "hand silent": {"manual": "not_placed"},
}


def made(state):
    return told(confirmed=False) if state == State.ENDED else world(state)


def after(here, op):
    """The state of the attempt after the write."""
    try:
        with transaction.atomic():
            OPS[op].act(here)
    except (ValueError, IntegrityError, Again):
        pass  # nothing was changed
    return CallAttempt.objects.get(pk=here.attempt.pk).state


@pytest.mark.django_db
@pytest.mark.parametrize("op", OPS)
def test_each_write_moves_an_attempt_as_the_table_says_and_not_otherwise(op):
    for state in State:
        with transaction.atomic():
            here = made(state)
            came_to = after(here, op)
            transaction.set_rollback(True)

        assert came_to == MOVES.get(op, {}).get(state.value, state.value), state
        if (state.value, came_to) not in OUTSIDE_THE_TABLE:
            assert came_to == state or came_to in TRANSITIONS[state]


def test_every_step_that_the_states_allow_is_somebodys():
    made_by_some = {(a, b) for moves in MOVES.values() for a, b in moves.items()}
    allowed = {(str(a), str(b)) for a, to in TRANSITIONS.items() for b in to}

    # A correction ends again what has ended.
    assert made_by_some - OUTSIDE_THE_TABLE == allowed - {("ended", "ended")}


@pytest.mark.django_db
@pytest.mark.parametrize("state", State)
def test_time_alone_gives_no_lead_a_second_call_while_the_first_may_ring(state):
    here = made(state)
    much_later = NOW + timedelta(days=20)
    Campaign.objects.update(max_concurrent_calls=5, min_gap_minutes=0)

    claims.reap_leases(now=much_later)
    reconciling.give_up_old(here.campaign, now=much_later)
    claimed = claims.claim(
        here.campaign.pk, worker="b", at_most=5, now=much_later
    ).attempts
    wanted = Lead.objects.filter(pk=here.lead.pk, call_status=CallStatus.ERROR)
    wanted.update(selected_for_calling=True, next_call_at=NOW)
    claimed += claims.claim(
        here.campaign.pk, worker="b", at_most=5, now=much_later
    ).attempts

    is_again = here.lead.pk in {attempt.lead_id for attempt in claimed}
    assert not is_again or state not in set(HELD) - {State.CLAIMED}
