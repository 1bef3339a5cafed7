"""What staff do to many leads: planned, applied, undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads import selection
from leads.models import (
    BulkChange,
    CallStatus,
    Disposition,
    Lead,
    QueueRank,
    Suppression,
)
from leads.selection import Verb
from leads.tests.factories import OUTBOUND_ID, LeadFactory, SuppressionFactory
from leads.tests.selecting import LATER, NOW, OTHER, OUT_OF_QUEUE, SELECT, apply, state

LATER_TEXT = "2026-11-24T17:00:00+01:00"

pytestmark = pytest.mark.django_db


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

    # Their count, the record, its events, the leads, and the record's count, within a
    # savepoint.
    with django_assert_num_queries(7):
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


def places() -> dict:
    columns = ("call_status", "selected_for_calling", "pearl_outbound_id")
    rows = Lead.objects.values_list("pk", *columns, "next_call_at")
    return {pk: place for pk, *place in rows}
