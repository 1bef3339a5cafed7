"""Deliberate faults between queue and send, and the tests that must see them."""

from __future__ import annotations

from reliability.planting import Edit, Mutant

CLAIMS = "calls/tests/test_claims.py"
ENDED = "calls/tests/test_claims_ended.py"
TEETH = "reliability/tests/test_witnesses.py"
FAULTS = "reliability/tests/test_database_faults.py"
WRITES = "calls/claims/writes.py"
SENDING = "calls/claims/sending.py"

MUTANTS = (
    Mutant(
        name="dial before the commit",
        edits=[
            Edit(
                "calls/call_manager.py",
                "from django.db import DatabaseError, close_old_connections",
                "from django.db import transaction\n"
                "from django.db import DatabaseError, close_old_connections",
            ),
            Edit(
                "calls/call_manager.py",
                "            with self._lines:\n                self.dialer",
                "            with self._lines, transaction.atomic():\n"
                "                self.dialer",
            ),
        ],
        tests=[f"{TEETH}::test_what_pearl_receives_is_committed_and_on_disk_already"],
    ),
    Mutant(
        name="dial after a commit that failed",
        edits=[
            Edit(
                "calls/dialing.py",
                'self._not_sent(attempt, _("La base de datos no respondió."))\n'
                "            return False\n",
                "return True\n",
            )
        ],
        tests=[f"{TEETH}::test_a_commit_to_dial_that_failed_sends_nothing"],
    ),
    Mutant(
        name="no line in the dial journal",
        edits=[
            Edit(
                "calls/dialing.py",
                "self.journal.write_before(attempt, now=timezone.now())",
                "pass",
            )
        ],
        tests=[f"{TEETH}::test_what_pearl_receives_is_committed_and_on_disk_already"],
    ),
    Mutant(
        name="send however long the commit took",
        edits=[
            Edit(
                "calls/dialing.py",
                "if in_time - since > SEND_BUDGET_SECONDS:",
                "if False:",
            )
        ],
        tests=[f"{TEETH}::test_what_waited_too_long_for_its_commit_is_not_sent"],
    ),
    Mutant(
        name="count the deadline from the waking",
        edits=[Edit("calls/dialing.py", "                since=in_time,\n", "")],
        tests=[f"{TEETH}::test_who_froze_once_it_was_let_send_does_not_when_awake"],
    ),
    Mutant(
        name="write without the state guard",
        edits=[
            Edit(
                WRITES,
                "pk=attempt.pk, token=attempt.token, state__in=before",
                "pk=attempt.pk, token=attempt.token",
            )
        ],
        tests=[f"{ENDED}::test_a_stale_worker_can_change_nothing"],
    ),
    Mutant(
        name="write without the token guard",
        edits=[
            Edit(
                WRITES,
                "pk=attempt.pk, token=attempt.token, state__in=before",
                "pk=attempt.pk, state__in=before",
            )
        ],
        tests=[f"{TEETH}::test_an_attempt_of_before_a_restore_moves_none_of_after"],
    ),
    Mutant(
        name="send without the token guard",
        edits=[
            Edit(
                SENDING,
                "filter(pk=attempt.pk, token=attempt.token)\n    ours = ",
                "filter(pk=attempt.pk)\n    ours = ",
            )
        ],
        tests=[f"{TEETH}::test_an_attempt_of_before_a_restore_moves_none_of_after"],
    ),
    Mutant(
        name="send after the lease",
        edits=[Edit(SENDING, ", lease_expires_at__gt=now)", ")")],
        tests=[f"{CLAIMS}::test_a_lease_that_is_over_cannot_be_sent"],
    ),
    Mutant(
        name="send ignoring the generation",
        edits=[Edit(SENDING, " or gate.generation != attempt.generation:", ":")],
        tests=[f"{CLAIMS}::test_nothing_passes_pre_send_after_stop"],
    ),
    Mutant(
        name="STOP keeps the generation",
        edits=[
            Edit(
                "calls/runs.py",
                "        state=RunState.STOPPING,\n"
                "        generation=gate.generation + 1,\n",
                "        state=RunState.STOPPING,\n",
            )
        ],
        tests=[
            "calls/tests/test_pause.py::test_a_stop_between_the_checks_and_the_end_of_a_pause_wins"
        ],
    ),
    Mutant(
        name="STOP of what is stopped goes unnoticed",
        edits=[
            Edit(
                "calls/runs.py",
                "        Campaign.objects.filter(pk=gate.pk)"
                ".update(generation=gate.generation + 1)\n",
                "",
            )
        ],
        tests=[
            "calls/tests/test_dashboard.py::"
            "test_a_stop_pressed_while_start_is_being_checked_wins"
        ],
    ),
    Mutant(
        name="send without asking the rules again",
        edits=[Edit(SENDING, "    if not answer.allowed:\n", "    if False:\n")],
        tests=[
            f"{CLAIMS}::test_a_change_between_claim_and_send_stops_the_call",
        ],
    ),
    Mutant(
        name="the reaper frees a dial",
        edits=[
            Edit(
                "calls/claims/doubts.py",
                "changed += mark_unknown(attempt, reason=silent, now=now)",
                "changed += give_back(\n"
                "                attempt, State.NOT_SENT, now=now, lead_at=now\n"
                "            )",
            )
        ],
        tests=[
            f"{ENDED}::test_a_silent_claim_is_released_and_a_silent_dial_is_unknown"
        ],
    ),
    Mutant(
        name="count the lines without the gate's lock",
        edits=[
            Edit(
                "calls/claims/claiming.py",
                "Campaign.objects.select_for_update().get(pk=campaign_id)",
                "Campaign.objects.get(pk=campaign_id)",
            )
        ],
        tests=[
            "calls/tests/test_claims_concurrent.py::"
            "test_a_claim_waits_for_one_that_is_being_committed_and_then_counts_it"
        ],
        needs_mariadb=True,
    ),
    Mutant(
        name="send without the gate's lock",
        edits=[
            Edit(
                SENDING,
                "Campaign.objects.select_for_update().get(pk=attempt.campaign_id)",
                "Campaign.objects.get(pk=attempt.campaign_id)",
            )
        ],
        tests=[
            "calls/tests/test_claims_concurrent.py::"
            "test_a_send_waits_for_a_stop_that_is_being_committed_and_then_fails"
        ],
        needs_mariadb=True,
    ),
    Mutant(
        name="a doubtful call takes no line",
        edits=[
            Edit(
                "calls/states.py",
                "OPEN = (State.CLAIMED, State.DIALING, State.ACCEPTED, State.UNKNOWN)",
                "OPEN = (State.CLAIMED, State.DIALING, State.ACCEPTED)",
            )
        ],
        tests=[
            f"{CLAIMS}::test_open_attempts_never_exceed_the_limit_unknown_ones_included"
        ],
    ),
    Mutant(
        name="save() a stale object",
        edits=[
            Edit(
                WRITES,
                "    moved = rows.update(state=to, **changes) == 1\n",
                "    moved = rows.exists()\n"
                "    if moved:\n"
                "        for name, value in {'state': to, **changes}.items():\n"
                "            setattr(attempt, name, value)\n"
                "        attempt.save()\n",
            )
        ],
        tests=[
            f"{ENDED}::"
            "test_accepted_and_unknown_count_one_call_each_however_often_written"
        ],
    ),
    Mutant(
        name="the heartbeat stops at the drain",
        edits=[
            Edit(
                "calls/call_manager.py",
                "if self._drained.wait(HEARTBEAT.total_seconds()):",
                "if self.stop.wait(HEARTBEAT.total_seconds()):",
            )
        ],
        tests=[f"{TEETH}::test_the_heart_beats_until_the_last_request_is_recorded"],
    ),
    Mutant(
        name="a restore under a living worker goes unnoticed",
        edits=[
            Edit(
                "calls/dialing.py",
                "if self._last_sent is None or is_known(self._last_sent):",
                "if True:",
            )
        ],
        tests=[
            f"{TEETH}::"
            "test_a_backup_restored_between_two_dials_is_noticed_before_the_second"
        ],
    ),
    Mutant(
        name="the journal is asked no more after a restore",
        edits=[
            Edit(
                "calls/journal.py",
                "lost += [entry for entry in chunk if entry.token not in known]",
                "lost += []",
            )
        ],
        tests=[
            "calls/tests/test_reconcile_journal.py::"
            "test_a_lost_dial_comes_back_as_unknown_and_its_lead_is_out_of_the_queue"
        ],
    ),
    Mutant(
        name="count a call apart from its answer",
        edits=[
            Edit(
                SENDING,
                "        count(attempt)\n"
                "        show_calling(attempt)\n"
                "    return moved\n",
                "        show_calling(attempt)\n    return moved\n",
            ),
            Edit(
                SENDING,
                "look_at=look_at, **answer):\n            return True\n",
                "look_at=look_at, **answer):\n"
                "            count(attempt)\n"
                "            return True\n",
            ),
        ],
        tests=[
            f"{FAULTS}::"
            "test_a_step_struck_at_any_statement_is_whole_or_nothing[accepted]"
        ],
        needs_mariadb=True,
    ),
    Mutant(
        name="write a result once, and never again",
        edits=[
            Edit(
                "calls/dialing.py",
                "                close_old_connections()\n"
                "            except DatabaseError:",
                "                close_old_connections()\n"
                "                return None\n"
                "            except DatabaseError:",
            )
        ],
        tests=[
            f"{FAULTS}::test_a_dial_struck_at_any_statement_"
            "rings_once_and_is_known_or_never_rings[cut_request]"
        ],
        needs_mariadb=True,
    ),
    Mutant(
        name="wait for the database for ever",
        edits=[
            Edit(
                "calls/management/commands/run_calls.py",
                "    options.update(read_timeout=at_most, write_timeout=at_most)\n",
                "",
            )
        ],
        tests=[
            f"{FAULTS}::"
            "test_run_calls_waits_for_no_connection_for_ever_nor_lets_the_server"
        ],
        needs_mariadb=True,
    ),
    Mutant(
        name="three doubts do not hold the run",
        edits=[
            Edit(
                "calls/queue.py",
                "        Wait.UNCONFIRMED: unknown >= MAX_UNKNOWN,\n",
                "",
            )
        ],
        tests=[f"{CLAIMS}::test_three_unknown_attempts_pause_the_run"],
    ),
    Mutant(
        name="no gap between two calls to a number",
        edits=[
            Edit(
                "calls/eligibility.py",
                "gap_ends_at=last + gap if last else None",
                "gap_ends_at=None",
            )
        ],
        tests=[f"{CLAIMS}::test_the_same_number_is_not_rung_again_within_the_gap"],
    ),
    Mutant(
        name="ignore the clock at Pearl",
        edits=[
            Edit(
                "calls/models/campaign.py",
                "            provider_zone=MADRID,  # preflight sees to it\n",
                "",
            )
        ],
        tests=[
            "reliability/tests/test_every_minute.py::"
            "test_what_was_claimed_in_the_last_second_is_not_sent_after_it[CN]"
        ],
    ),
)
