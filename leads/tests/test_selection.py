"""What staff do to many leads at once, on every database alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads import selection
from leads.models import CallStatus, Lead, Priority
from leads.selection import Verb
from leads.tests.factories import OUTBOUND_ID, LeadFactory, SuppressionFactory
from leads.tests.selecting import (
    IN_CALL,
    LATER,
    NOW,
    OTHER,
    OUT_OF_QUEUE,
    apply,
    select,
    state,
)

pytestmark = pytest.mark.django_db


def test_a_selected_lead_is_in_the_queue_of_the_campaign_and_due_now():
    lead = LeadFactory(**OUT_OF_QUEUE, call_error_message="Pearl dijo que no")

    changed = select()

    assert changed == 1
    assert state(lead) == (CallStatus.SELECTED, True, OUTBOUND_ID, NOW)
    assert lead.call_error_message is None
    assert lead.updated_at == NOW


@pytest.mark.parametrize("status", [s for s in CallStatus if s != CallStatus.CALLING])
def test_a_lead_of_any_status_but_calling_can_be_selected(status):
    wanted = status == CallStatus.SELECTED
    lead = LeadFactory(
        **OUT_OF_QUEUE | {"call_status": status, "selected_for_calling": wanted}
    )

    select()

    assert state(lead) == (CallStatus.SELECTED, True, OUTBOUND_ID, NOW)


def test_selecting_twice_changes_nothing_the_second_time():
    lead = LeadFactory(**OUT_OF_QUEUE)
    select()
    Lead.objects.update(next_call_at=NOW + timedelta(hours=2))

    assert select() == 0
    assert state(lead)[3] == NOW + timedelta(hours=2)


def test_a_queued_lead_moves_to_the_queue_of_another_campaign():
    lead = LeadFactory()

    assert select(OTHER) == 1
    assert state(lead) == (CallStatus.SELECTED, True, OTHER, NOW)


@pytest.mark.parametrize("change", [{"phone_e164": ""}, {"manual_management": True}])
def test_a_lead_that_cannot_be_called_is_not_selected(change):
    lead = LeadFactory(**OUT_OF_QUEUE, **change)

    assert select() == 0
    assert state(lead)[0] == CallStatus.NO_SELECTED


@pytest.mark.parametrize("outbound_id", [OUTBOUND_ID, OTHER])
def test_a_lead_in_a_call_is_wanted_again_but_stays_in_its_call(outbound_id):
    lead = LeadFactory(**IN_CALL, selected_for_calling=False)

    assert select(outbound_id) == 1
    assert state(lead) == (CallStatus.CALLING, True, OUTBOUND_ID, None)


def test_a_deselected_lead_leaves_the_queue():
    lead = LeadFactory()

    assert selection.deselect(Lead.objects.all(), now=NOW) == 1
    assert state(lead) == (CallStatus.NO_SELECTED, False, OUTBOUND_ID, None)


def test_deselecting_a_lead_that_waits_for_a_retry_keeps_what_happened_last():
    lead = LeadFactory(call_status=CallStatus.BUSY)

    selection.deselect(Lead.objects.all(), now=NOW)

    assert state(lead)[:2] == (CallStatus.BUSY, False)


def test_deselecting_a_lead_in_a_call_lets_the_call_go_on():
    lead = LeadFactory(**IN_CALL)

    assert selection.deselect(Lead.objects.all(), now=NOW) == 1
    assert state(lead)[:2] == (CallStatus.CALLING, False)


def test_only_leads_in_the_queue_are_deselected():
    LeadFactory(**OUT_OF_QUEUE)

    assert selection.deselect(Lead.objects.all(), now=NOW) == 0


def test_reset_forgets_the_calls_and_keeps_the_selection():
    tired = {"call_attempts_count": 3, "call_error_message": "x"}
    wanted = LeadFactory(call_status=CallStatus.BUSY, **tired)
    unwanted = LeadFactory(**OUT_OF_QUEUE | {"call_status": CallStatus.ERROR}, **tired)

    assert selection.reset(Lead.objects.all(), now=NOW) == 2
    assert state(wanted) == (CallStatus.SELECTED, True, OUTBOUND_ID, NOW)
    assert state(unwanted) == (CallStatus.NO_SELECTED, False, None, None)
    assert {lead.call_attempts_count for lead in Lead.objects.all()} == {0}


def test_reset_leaves_a_lead_in_a_call_alone():
    lead = LeadFactory(**IN_CALL, call_attempts_count=2)

    assert selection.reset(Lead.objects.all(), now=NOW) == 0
    assert state(lead)[0] == CallStatus.CALLING
    assert lead.call_attempts_count == 2


def test_priority_counts_only_the_leads_that_change():
    LeadFactory(call_priority=Priority.HIGH)
    LeadFactory(call_priority=Priority.LOW)

    assert apply(Verb.PRIORITY, priority=1).changed == 1
    assert set(Lead.objects.values_list("call_priority", flat=True)) == {1}


def test_a_lead_given_to_a_person_leaves_the_queue_and_does_not_come_back_alone():
    lead = LeadFactory()

    assert apply(Verb.MANUAL).changed == 1
    assert state(lead)[:2] == (CallStatus.NO_SELECTED, False)
    assert apply(Verb.MANUAL).changed == 0
    assert apply(Verb.AUTOMATIC).changed == 1
    assert state(lead)[:2] == (CallStatus.NO_SELECTED, False)


def test_a_lead_promised_a_later_call_is_not_selected_for_an_earlier_one():
    lead = LeadFactory(**OUT_OF_QUEUE, callback_at=LATER)

    select()

    assert state(lead)[3] == LATER


@pytest.mark.parametrize("proposed", [True, False])
def test_a_suppressed_lead_is_not_selected(proposed):
    lead = LeadFactory(**OUT_OF_QUEUE)
    SuppressionFactory(phone_e164=lead.phone_e164, proposed=proposed)

    assert select() == 0


def test_an_expired_suppression_forbids_no_selection():
    lead = LeadFactory(**OUT_OF_QUEUE)
    SuppressionFactory(phone_e164=lead.phone_e164, expires_at=NOW)

    assert select() == 1
