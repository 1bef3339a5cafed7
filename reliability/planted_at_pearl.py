"""Deliberate faults in what Pearl is sent and what it tells, and the tests that must
see them."""

from __future__ import annotations

from reliability.planting import Edit, Mutant

ONCE = (
    "calls/tests/test_pearl_matrix.py::"
    "test_a_dial_is_sent_at_most_once_and_judged_truly"
)
TEETH = "reliability/tests/test_witnesses.py"
DOUBT = "calls/tests/test_reconciling.py"
BUDGET = "calls/tests/test_budget.py"
TRANSPORT = "calls/pearl/transport.py"
RECONCILING = "calls/reconciling.py"
SEND_ONLY_ONCE = Edit(TRANSPORT, "if self._clock.sent:\n", "if False:\n")

MUTANTS = (
    Mutant(
        name="retry in urllib3",
        edits=[
            Edit(
                TRANSPORT,
                "super().__init__(max_retries=0)",
                "super().__init__(max_retries=__import__('urllib3').Retry(\n"
                "            3, allowed_methods=None, backoff_factor=0))",
            ),
            SEND_ONLY_ONCE,
        ],
        tests=[f"{ONCE}[reset after read]"],
    ),
    Mutant(
        name="POST again after a timeout",
        edits=[
            Edit(
                "calls/pearl/client.py",
                "            failure = CallUncertain(exc.code)\n",
                "            failure = CallUncertain(exc.code)\n"
                "            if deadline != 0.9:\n"
                "                return self.make_call(\n"
                "                    outbound_id, to=to, data=data, deadline=0.9\n"
                "                )\n",
            )
        ],
        tests=[f"{ONCE}[hang]"],
    ),
    Mutant(
        name="a timeout is taken for not sent",
        edits=[
            Edit(
                TRANSPORT,
                "raise Lost(code) if clock.sent else Unsent(code)",
                "raise Unsent(code)",
            )
        ],
        tests=[f"{ONCE}[hang]"],
    ),
    Mutant(
        name="follow redirects",
        edits=[
            Edit(TRANSPORT, "allow_redirects=False", "allow_redirects=True"),
            Edit(
                TRANSPORT,
                "        return None\n\n\ndef one_session",
                "        return super().get_redirect_target(resp)\n\n\ndef one_session",
            ),
            SEND_ONLY_ONCE,
        ],
        tests=[f"{ONCE}[{code} to itself]" for code in (301, 307, 308)],
    ),
    Mutant(
        name="believe the first absence",
        edits=[Edit(RECONCILING, "elif attempt.absences == 0:", "elif False:")],
        tests=[f"{TEETH}::test_one_look_at_pearl_proves_no_absence"],
    ),
    Mutant(
        name="believe an absence at once",
        edits=[Edit(RECONCILING, "if now < sent_at + settle:", "if False:")],
        tests=[f"{DOUBT}::test_absence_is_not_believed_before_the_settle_time"],
    ),
    Mutant(
        name="believe an absence while a request waits",
        edits=[
            Edit(
                RECONCILING,
                "elif _may_be_waiting(attempt, found, pearl=pearl, turn=turn, now=now)",
                "elif False",
            )
        ],
        tests=[f"{DOUBT}::test_absence_is_not_believed_while_a_request_waits_at_pearl"],
    ),
    Mutant(
        name="search by local time",
        edits=[
            Edit(
                "calls/pearl/client.py",
                "moment.astimezone(UTC)",
                "moment.replace(tzinfo=UTC)",
            )
        ],
        tests=[
            "calls/tests/test_pearl_reads.py::"
            "test_a_search_leaves_nothing_to_pearls_defaults"
        ],
    ),
    Mutant(
        name="believe the last webhook",
        edits=[
            Edit(
                "calls/evidence.py",
                "told = max(one, other, key=_conclusiveness)",
                "told = other",
            )
        ],
        tests=[
            "calls/tests/test_outcomes.py::"
            "test_a_poorer_word_of_a_withdrawn_call_changes_nothing_in_any_order"
        ],
    ),
    Mutant(
        name="match a call by its number",
        edits=[
            Edit(
                "calls/outcomes.py",
                "    return rightful(bound, marked, now=timezone.now())\n",
                "    by_number = CallAttempt.objects.filter(phone=report.to).last()\n"
                "    return rightful(bound, marked, now=timezone.now()) or by_number\n",
            )
        ],
        tests=[
            "calls/tests/test_webhooks.py::test_a_call_is_never_matched_by_its_number"
        ],
    ),
    Mutant(
        name="effects of an unconfirmed webhook",
        edits=[
            Edit(
                "calls/confirming.py",
                '        return {"next_lookup_at": told_at or (look_at or now)'
                " + _patience()}\n",
                '        return {"next_lookup_at": told_at or (look_at or now)'
                ' + _patience(), "effects_due_at": now}\n',
            )
        ],
        tests=[
            "calls/tests/test_confirming.py::"
            "test_what_only_a_webhook_says_is_shown_and_has_no_effect"
        ],
    ),
    Mutant(
        name="answer 200 to a webhook that was not kept",
        edits=[
            Edit("calls/webhooks.py", "status=200 if is_kept else 503", "status=200")
        ],
        tests=[f"{TEETH}::test_a_webhook_that_cannot_be_kept_is_not_answered_200"],
    ),
    Mutant(
        name="a webhook counts as kept, kept or not",
        edits=[
            Edit(
                "calls/webhooks.py",
                "            close_old_connections()\n        except DatabaseError:",
                "            return [True] * len(bodies)\n"
                "        except DatabaseError:",
            )
        ],
        tests=[
            "reliability/tests/test_database_faults.py::"
            "test_a_webhook_struck_at_any_statement_is_kept_or_refused"
        ],
        needs_mariadb=True,
    ),
    Mutant(
        name="cut Retry-After to a second",
        edits=[
            Edit(
                "calls/budget.py",
                "min(retry_after or THROTTLE_DEFAULT, THROTTLE_MAX)",
                "timedelta(seconds=1)",
            )
        ],
        tests=[f"{BUDGET}::test_retry_after_blocks_every_process_until_it_is_over"],
    ),
    Mutant(
        name="an answered question closes the breaker",
        edits=[
            Edit(
                "calls/budget.py",
                "            failures=FAILURES_TO_OPEN - 1\n",
                "            failures=0, breaker_until=None\n",
            )
        ],
        tests=[
            f"{BUDGET}::"
            "test_after_an_outage_calls_are_made_one_at_a_time_until_one_is_answered"
        ],
    ),
)
