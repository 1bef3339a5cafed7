"""What undoing, merging and settling by hand must not bring back: found by attack."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from calls import claims
from calls.breakdown import breakdown
from calls.by_hand import close_by_hand
from calls.merging import merge, seen
from calls.models import Campaign, RunState
from calls.outcomes import record as report
from calls.states import State
from calls.test_mode import TestModeRefused, set_test_phone
from calls.tests.factories import (
    AttemptFactory,
    CampaignFactory,
    RunFactory,
    evidence_of,
)
from leads import promises, selection
from leads.importing import import_file
from leads.importing import undo as undo_import
from leads.models import CallStatus, Lead
from leads.selection import Verb
from leads.tests.admin_pages import LIST, staff  # noqa: F401
from leads.tests.factories import OUTBOUND_ID, LeadFactory, SuppressionFactory
from leads.verdict import Rule

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SOON = NOW + 2 * MINUTE

pytestmark = pytest.mark.django_db


def bulk(verb, **values):
    return selection.apply(Lead.objects.all(), verb, values, now=NOW, by=None)


def undo(record) -> int:
    return selection.undo(record, by=None, now=SOON)


def claimed(campaign, *, at=NOW) -> list:
    return claims.claim(campaign.pk, worker="a", at_most=9, now=at).attempts


def in_a_call(**more):
    lead = LeadFactory(
        call_status=CallStatus.CALLING,
        next_call_at=None,
        last_call_attempt=NOW - MINUTE,
    )
    return AttemptFactory(lead=lead, claimed_at=NOW - MINUTE, **more)


def for_a_person(**more):
    attempt = in_a_call(state=State.UNKNOWN, **more)
    claims.mark_manual(attempt, reason="duda", now=NOW)
    attempt.refresh_from_db()
    return attempt


# --- Undone -------------------------------------------------------------------------


@pytest.mark.parametrize("ended", ["success", "no_answer"])
@pytest.mark.parametrize(
    ("verb", "values", "wanted"),
    [(Verb.DESELECT, {}, True), (Verb.SELECT, {"outbound_id": OUTBOUND_ID}, False)],
)
def test_a_change_made_during_a_call_is_not_undone_into_a_call(
    ended, verb, values, wanted
):
    attempt = in_a_call()
    Lead.objects.update(selected_for_calling=wanted)
    record = bulk(verb, **values)
    report(attempt, evidence_of(ended), now=NOW + MINUTE)

    undo(record)

    assert Lead.objects.get().call_status != CallStatus.CALLING


def test_a_promise_made_since_is_not_undone():
    lead = LeadFactory(selected_for_calling=False, call_status="no_selected")
    record = bulk(Verb.SELECT, outbound_id=OUTBOUND_ID)
    promises.promise(lead.pk, at=NOW + HOUR, now=NOW + MINUTE, by=None)

    assert undo(record) == 0
    assert Lead.objects.get().selected_for_calling


def test_a_promise_dropped_since_does_not_come_back():
    run, lead = RunFactory(), LeadFactory()
    promises.promise(lead.pk, at=NOW + HOUR, now=NOW, by=None)
    record = bulk(Verb.DESELECT)
    promises.drop_promise(lead.pk, now=NOW + MINUTE, by=None)

    undo(record)

    assert claimed(run.campaign, at=NOW + 2 * HOUR) == []


def test_what_was_done_days_ago_is_not_undone_by_its_address():
    LeadFactory()
    record = bulk(Verb.DESELECT)

    assert selection.undo(record, by=None, now=NOW + timedelta(days=2)) == 0
    assert not Lead.objects.get().selected_for_calling


def test_undoing_one_of_two_files_does_not_take_back_a_refusal_of_both():
    def csv(*cells: str) -> io.BytesIO:
        head = "NOMBRE;TELEFONO;CODIGO_POSTAL;CONSENTIMIENTO"
        return io.BytesIO(f"{head}\n{';'.join(cells)}\n".encode())

    import_file(csv("Ana", "612345601", "28001", ""), name="0.csv", now=NOW)
    refused = ("Ana", "612345601", "28001", "NO")
    first, _ = import_file(csv(*refused), name="a.csv", now=NOW)
    import_file(csv(*refused), name="b.csv", now=NOW + MINUTE)

    undo_import(first, by=None, now=SOON)

    assert Lead.objects.get().consent == "refused"


# --- No means no --------------------------------------------------------------------


def test_who_said_no_more_calls_is_not_called_whatever_the_lists_say():
    campaign = RunFactory().campaign
    LeadFactory(disposition="do_not_call")

    assert breakdown(campaign, now=NOW) == {Rule.SUPPRESSED: 1}
    assert claimed(campaign) == []


def test_a_merge_that_takes_over_a_closing_result_leaves_the_queue():
    run = RunFactory()
    kept = LeadFactory(phone_e164="+34612000150")
    other = LeadFactory(
        phone_e164="+34612000150",
        selected_for_calling=False,
        call_status="completed",
        next_call_at=None,
        disposition="not_interested",
    )
    kept.refresh_from_db()

    merge(
        kept.pk,
        other.pk,
        from_other=["disposition"],
        seen_as=seen(kept, other),
        by=None,
        now=NOW,
    )

    assert claimed(run.campaign) == []


@pytest.mark.parametrize("decide", ["not_interested", "drop"])
def test_a_call_that_did_not_ring_gives_back_no_lead_that_staff_took_out(decide):
    attempt = for_a_person()
    if decide == "drop":
        Lead.objects.update(callback_at=NOW + HOUR)
        promises.drop_promise(attempt.lead_id, now=NOW + MINUTE, by=None)
    else:
        promises.dispose(attempt.lead_id, decide, now=NOW + MINUTE, by=None)

    close_by_hand(attempt, rang=False, reason="no", now=SOON)

    assert claimed(attempt.campaign, at=NOW + 3 * HOUR) == []


def test_a_promise_for_later_stands_when_the_call_did_ring():
    attempt = for_a_person()
    Lead.objects.update(callback_at=NOW + HOUR)

    close_by_hand(attempt, rang=True, reason="sí", now=SOON)

    lead = Lead.objects.get()
    assert (lead.selected_for_calling, lead.next_call_at) == (True, NOW + HOUR)


# --- A test is no call --------------------------------------------------------------


@pytest.mark.parametrize("rang", [True, False])
@pytest.mark.parametrize(
    ("before", "after"), [("selected", "no_selected"), ("error", "error")]
)
def test_a_test_that_a_person_settles_leaves_its_lead_alone(rang, before, after):
    attempt = for_a_person(
        is_test=True, phone="+34911222333", lead_status_before=before
    )

    close_by_hand(attempt, rang=rang, reason="x", now=SOON)

    lead = Lead.objects.get()
    assert (lead.call_status, lead.selected_for_calling) == (after, False)


def test_an_excluded_number_is_no_telephone_for_tests():
    campaign = CampaignFactory()
    SuppressionFactory(phone_e164="+34911222333")

    with pytest.raises(TestModeRefused):
        set_test_phone(campaign.pk, "+34911222333", now=NOW)

    Campaign.objects.update(test_phone="+34911222333", state=RunState.RUNNING)
    run = RunFactory(campaign=campaign, test_phone="+34911222333")
    LeadFactory()
    assert claimed(run.campaign) == []


# --- Held leads, and bad input ------------------------------------------------------


def test_a_held_lead_moved_to_another_campaign_is_asked_about_again():
    lead = LeadFactory(next_call_at=None)

    bulk(Verb.CAMPAIGN, outbound_id="66f0a1b2c3d4e5f601020399")

    lead.refresh_from_db()
    assert lead.next_call_at == NOW


@pytest.mark.parametrize(
    "where",
    [
        f"{LIST}?last_to=9999-12-31",
        f"{LIST}?o={'9' * 5000}",
        f"{LIST}export/?ids={'9' * 20}",
        reverse("admin:leads_leadimport_changelist") + "abc/change/",
    ],
)
def test_nonsense_in_an_address_is_no_error_of_ours(staff, where):  # noqa: F811
    assert staff.get(where).status_code < 500


@pytest.mark.parametrize("ticked", ["abc", "9" * 20, "-1", "\u0663"])
def test_nonsense_that_is_ticked_changes_nobody(staff, ticked):  # noqa: F811
    LeadFactory()

    answer = staff.post(
        LIST,
        {"action": "deselect", "_selected_action": [ticked], "asked": 1, "apply": 1},
        follow=True,
    )

    assert answer.status_code == 200
    assert Lead.objects.get().selected_for_calling


def test_late_word_of_a_test_leaves_a_real_call_of_its_lead_alone():
    test = in_a_call(is_test=True, phone="+34911222333", state=State.DIALING)
    claims.mark_refused(test, reason="no", now=NOW)
    real = AttemptFactory(run=test.run, lead=test.lead, claimed_at=NOW)
    Lead.objects.update(call_status=CallStatus.CALLING, selected_for_calling=True)

    report(test, evidence_of("success"), now=SOON)

    lead = Lead.objects.get()
    assert (lead.call_status, lead.selected_for_calling) == ("calling", True)
    assert real.lead_id == lead.pk


@pytest.mark.parametrize("is_test", [True, False])
def test_settling_a_lead_that_staff_reset_meanwhile_breaks_nothing(is_test):
    phone = {"phone": "+34911222333"} if is_test else {}
    attempt = for_a_person(is_test=is_test, **phone)
    Lead.objects.update(callback_at=NOW + HOUR)
    bulk(Verb.RESET)

    assert close_by_hand(attempt, rang=True, reason="sí", now=SOON)

    lead = Lead.objects.get()
    assert (lead.call_status, lead.selected_for_calling) == ("no_selected", False)


def test_a_merge_keeps_the_pause_after_a_call_to_the_other_number():
    run = RunFactory(campaign__min_gap_minutes=60)
    kept = LeadFactory(national_id="12345678Z")
    other = LeadFactory(
        national_id="12345678Z",
        selected_for_calling=False,
        call_status="no_answer",
        next_call_at=None,
        last_call_attempt=NOW - MINUTE,
    )

    merge(kept.pk, other.pk, from_other=[], seen_as=seen(kept, other), by=None, now=NOW)

    assert claimed(run.campaign) == []
    assert len(claimed(run.campaign, at=NOW + HOUR)) == 1


def test_a_promise_that_another_replaced_is_told_and_not_dropped_unseen():
    lead = LeadFactory()
    promises.promise(lead.pk, at=NOW + HOUR, now=NOW, by=None)
    promises.promise(lead.pk, at=NOW + 2 * HOUR, now=NOW, by=None)

    told = [event.changes["callback_at"][0] for event in lead.events.order_by("id")]

    assert told == [None, (NOW + HOUR).isoformat()]
