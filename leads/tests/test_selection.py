"""What staff do to many leads at once, on every database alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leads import selection
from leads.models import (
    BulkChange,
    CallStatus,
    Disposition,
    Lead,
    Priority,
    QueueRank,
    Suppression,
)
from leads.selection import Verb
from leads.tests.factories import OUTBOUND_ID, LeadFactory, SuppressionFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LATER_TEXT = "2026-11-24T17:00:00+01:00"
LATER = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
SELECT = {"outbound_id": OUTBOUND_ID}
OTHER = "66f0a1b2c3d4e5f601020399"
OUT_OF_QUEUE = {
    "call_status": CallStatus.NO_SELECTED,
    "selected_for_calling": False,
    "pearl_outbound_id": None,
    "next_call_at": None,
}
IN_CALL = {"call_status": CallStatus.CALLING, "next_call_at": None}

pytestmark = pytest.mark.django_db


def state(lead: Lead) -> tuple:
    lead.refresh_from_db()
    return (
        lead.call_status,
        lead.selected_for_calling,
        lead.pearl_outbound_id,
        lead.next_call_at,
    )


def select(outbound_id: str = OUTBOUND_ID) -> int:
    return selection.select(Lead.objects.all(), outbound_id=outbound_id, now=NOW)


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


# --- Planned, applied, undone -------------------------------------------------------


def test_the_plan_says_how_many_change_and_why_the_others_do_not():
    LeadFactory.create_batch(3, **OUT_OF_QUEUE)
    LeadFactory(**OUT_OF_QUEUE, phone_e164="")
    LeadFactory(**OUT_OF_QUEUE, phone_e164="", manual_management=True)
    LeadFactory(**OUT_OF_QUEUE, disposition=Disposition.DO_NOT_CALL)
    SuppressionFactory(phone_e164=LeadFactory(**OUT_OF_QUEUE).phone_e164)
    LeadFactory()

    plan = selection.plan(Lead.objects.all(), Verb.SELECT, SELECT, now=NOW)

    assert (plan.total, plan.changed) == (8, 3)
    assert [(str(why), count) for why, count in plan.reasons] == [
        ("sin número válido", 2),
        ("pidió que no se le llame más", 1),
        ("en la lista de exclusión", 1),
        ("ya estaba en esa cola", 1),
    ]


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        (Verb.SELECT, {"outbound_id": OTHER}),
        (Verb.DESELECT, {}),
        (Verb.PRIORITY, {"priority": 2}),
        (Verb.RESET, {}),
        (Verb.MANUAL, {}),
        (Verb.AUTOMATIC, {}),
        (Verb.CAMPAIGN, {"outbound_id": OTHER}),
        (Verb.DISPOSITION, {"disposition": "appointment"}),
        (Verb.DISPOSITION, {"disposition": "call_back", "callback_at": LATER_TEXT}),
        (Verb.EXCLUDE, {"list": "request"}),
    ],
)
def test_a_plan_and_its_application_agree_for_every_kind_of_lead(verb, values):
    every_kind_of_lead()

    plan = selection.plan(Lead.objects.all(), verb, values, now=NOW)
    record = apply(verb, **values)

    assert plan.total == Lead.objects.count()
    assert plan.total == plan.changed + sum(count for _why, count in plan.reasons)
    assert record.changed == plan.changed == record.events.count()
    # Asked again it changes nobody, but for what can be promised or forgotten anew.
    if verb != Verb.RESET and values.get("disposition") != "call_back":
        assert apply(verb, **values).changed == 0


@pytest.mark.parametrize(
    ("verb", "values"), [(Verb.SELECT, {"outbound_id": OTHER}), (Verb.DESELECT, {})]
)
def test_undoing_a_selection_puts_every_lead_back_as_it_was(verb, values):
    every_kind_of_lead()
    before = places()

    record = apply(verb, **values)
    assert places() != before
    undone = selection.undo(record, by=None, now=NOW)

    in_calls = Lead.objects.filter(call_status=CallStatus.CALLING, events__isnull=False)
    assert undone == record.changed - in_calls.count()
    ids = set(in_calls.values_list("pk", flat=True))
    assert {k: v for k, v in places().items() if k not in ids} == {
        k: v for k, v in before.items() if k not in ids
    }
    assert selection.undo(record, by=None, now=NOW) == 0


def test_undoing_leaves_alone_who_was_called_or_changed_since():
    called, changed, untouched = LeadFactory.create_batch(3, **OUT_OF_QUEUE)
    record = apply(Verb.SELECT, **SELECT)
    Lead.objects.filter(pk=called.pk).update(
        call_status="no_answer", last_call_attempt=NOW + timedelta(minutes=1)
    )
    apply(Verb.PRIORITY, rows=Lead.objects.filter(pk=changed.pk), priority=1)

    assert selection.undo(record, by=None, now=NOW) == 1
    assert state(called)[:2] == (CallStatus.NO_ANSWER, True)
    assert state(changed)[:2] == (CallStatus.SELECTED, True)
    assert state(untouched)[:2] == (CallStatus.NO_SELECTED, False)


def test_only_the_last_selection_of_a_person_can_be_undone(django_user_model):
    ana = django_user_model.objects.create_user("ana")
    LeadFactory(**OUT_OF_QUEUE)
    first = apply(Verb.SELECT, by=ana, **SELECT)
    apply(Verb.PRIORITY, by=ana, priority=1)

    assert selection.last_undoable(ana, now=NOW) == first
    selection.undo(first, by=ana, now=NOW)
    assert selection.last_undoable(ana, now=NOW) is None


@pytest.mark.parametrize(
    ("disposition", "on_list"),
    [("do_not_call", "request"), ("wrong_number", "wrong_number")],
)
def test_who_must_not_be_called_again_leaves_the_queue_and_is_excluded(
    disposition, on_list
):
    lead = LeadFactory(callback_at=LATER)

    apply(Verb.DISPOSITION, disposition=disposition)

    assert state(lead)[:2] == (CallStatus.NO_SELECTED, False)
    assert (lead.disposition, lead.callback_at) == (disposition, None)
    assert Suppression.objects.get().list == on_list
    assert Suppression.objects.get().phone_e164 == lead.phone_e164


def test_excluding_makes_a_proposal_firm_and_repeats_nothing():
    lead, twin = LeadFactory.create_batch(2, phone_e164="+34612000150")
    SuppressionFactory(phone_e164=lead.phone_e164, list="request", proposed=True)

    record = apply(Verb.EXCLUDE, list="request", reason="Lo pidió por carta")

    assert record.changed == 2
    assert not Suppression.objects.get().proposed
    assert apply(Verb.EXCLUDE, list="request").changed == 0
    assert state(twin)[:2] == (CallStatus.NO_SELECTED, False)


def test_a_number_whose_exclusion_ended_can_be_excluded_again():
    lead = LeadFactory()
    SuppressionFactory(phone_e164=lead.phone_e164, list="request", expires_at=NOW)

    assert apply(Verb.EXCLUDE, list="request").changed == 1

    assert Suppression.objects.active(now=NOW).count() == 1


def test_a_promised_call_is_in_the_queue_from_its_time_on():
    lead = LeadFactory(**OUT_OF_QUEUE | {"pearl_outbound_id": OUTBOUND_ID})

    apply(Verb.DISPOSITION, disposition="call_back", callback_at=LATER_TEXT)

    assert state(lead) == (CallStatus.SELECTED, True, OUTBOUND_ID, LATER)
    assert (lead.callback_at, lead.queue_rank) == (LATER, QueueRank.CALLBACK)


@pytest.mark.parametrize(
    "values",
    [
        {"disposition": "call_back"},
        {"disposition": "call_back", "callback_at": "2026-11-24T10:00:00Z"},
    ],
)
def test_a_callback_without_a_future_time_is_refused(values):
    lead = LeadFactory(**OUT_OF_QUEUE)

    with pytest.raises(selection.ChangeRefused):
        apply(Verb.DISPOSITION, **values)

    assert state(lead)[0] == CallStatus.NO_SELECTED
    assert not BulkChange.objects.exists()


def test_the_statements_do_not_grow_with_the_leads(django_assert_num_queries):
    LeadFactory.create_batch(5, **OUT_OF_QUEUE)
    everyone = Lead.objects.order_by("-id").select_related("lead_import")

    # The record, its events, the leads, and the record's count, within a savepoint.
    with django_assert_num_queries(6):
        assert apply(Verb.SELECT, rows=everyone, **SELECT).changed == 5
    with django_assert_num_queries(1):
        selection.plan(everyone, Verb.SELECT, SELECT, now=NOW)


def test_who_changed_many_leads_is_told_in_the_admin(client, admin_user):
    LeadFactory(**OUT_OF_QUEUE)
    selection.undo(apply(Verb.SELECT, by=admin_user, **SELECT), by=admin_user, now=NOW)
    client.force_login(admin_user)

    page = client.get("/admin/leads/bulkchange/").content.decode()

    assert "Poner en cola" in page
    assert "24/11/2026 11:00 · admin" in page


def every_kind_of_lead() -> None:
    for n, status in enumerate(CallStatus):
        for wanted in (True, False):
            if wanted and status == CallStatus.NO_SELECTED:
                continue
            if not wanted and status == CallStatus.SELECTED:
                continue
            common = {
                "call_status": status,
                "selected_for_calling": wanted,
                "next_call_at": NOW if wanted and status != "calling" else None,
                "pearl_outbound_id": OUTBOUND_ID if n % 2 else None,
            }
            LeadFactory(**common)
            LeadFactory(**common, call_priority=2, callback_at=LATER)
            LeadFactory(**common, manual_management=True)
            LeadFactory(**common, phone_e164="", disposition="do_not_call")
            SuppressionFactory(phone_e164=LeadFactory(**common).phone_e164)


def apply(verb, *, rows=None, by=None, **values):
    rows = Lead.objects.all() if rows is None else rows
    return selection.apply(rows, verb, values, now=NOW, by=by)


def places() -> dict:
    columns = ("call_status", "selected_for_calling", "pearl_outbound_id")
    rows = Lead.objects.values_list("pk", *columns, "next_call_at")
    return {pk: place for pk, *place in rows}
