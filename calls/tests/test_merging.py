"""Two records of one person become one, and nothing of either is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import QuerySet

from calls import merging, timeline
from calls.models import CallAttempt
from calls.states import Outcome, State
from calls.tests.factories import AppointmentFactory, AttemptFactory
from leads import promises, selection
from leads.models import BulkChange, CallStatus, Lead, LeadEvent, LeadImport
from leads.notes import add_note
from leads.tests.factories import LeadFactory, SuppressionFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
DAY = timedelta(days=1)
IDLE = {
    "call_status": CallStatus.NO_SELECTED,
    "selected_for_calling": False,
    "next_call_at": None,
}


def pair(*, kept=None, other=None) -> tuple[Lead, Lead]:
    return (
        LeadFactory(phone_e164="+34612034118", **(kept or {})),
        LeadFactory(phone_e164="+34612034118", **(IDLE | (other or {}))),
    )


def merge(kept: Lead, other: Lead, *, from_other=(), by=None) -> Lead:
    kept.refresh_from_db()
    other.refresh_from_db()
    merging.merge(
        kept.pk,
        other.pk,
        from_other=from_other,
        seen_as=merging.seen(kept, other),
        by=by,
        now=NOW,
    )
    return Lead.objects.get(pk=kept.pk)


def over(lead: Lead, run, **values) -> CallAttempt:
    values = {"state": State.ENDED, "outcome": Outcome.NO_ANSWER} | values
    return AttemptFactory(
        run=run, lead=lead, open_lead_id=None, open_phone=None, **values
    )


# --- Finding ------------------------------------------------------------------------


def test_duplicates_share_a_number_in_either_column_or_the_nif():
    lead = LeadFactory(
        phone_e164="+34612034118", phone_alt_e164="+34912345678", national_id="1Z"
    )
    same = [
        LeadFactory(phone_e164="+34612034118"),
        LeadFactory(phone_alt_e164="+34612034118"),
        LeadFactory(phone_e164="+34912345678"),
        LeadFactory(national_id="1Z"),
    ]
    LeadFactory(national_id="2Z")

    assert merging.duplicates_of(lead) == same


def test_a_lead_without_number_or_nif_has_no_duplicates():
    lead = LeadFactory(phone_e164="", phone="")
    LeadFactory(phone_e164="", phone="")

    assert merging.duplicates_of(lead) == []


def test_the_filled_value_is_offered_and_of_two_the_newer():
    kept, other = pair(
        kept={"email": "", "city": "Madrid"},
        other={"email": "a@example.com", "city": "Getafe", "national_id": ""},
    )
    Lead.objects.filter(pk=kept.pk).update(national_id="1Z", updated_at=NOW - DAY)
    Lead.objects.filter(pk=other.pk).update(updated_at=NOW)
    kept.refresh_from_db()
    other.refresh_from_db()

    offered = {one.name: one.prefers_other for one in merging.choices(kept, other)}

    assert (offered["email"], offered["city"]) == (True, True)
    assert (offered["national_id"], offered["postal_code"]) == (False, False)


# --- Joining ------------------------------------------------------------------------


def test_both_histories_are_kept_on_one_timeline(run, admin_user):
    kept, other = pair(other={"email": "b@example.com", "call_notes": "Antigua"})
    over(kept, run)
    theirs = over(other, run, outcome=Outcome.SUCCESS)
    add_note(kept.pk, text="Mía", by=admin_user, now=NOW - DAY)
    add_note(other.pk, text="Suya", by=admin_user, now=NOW - DAY)

    lead = merge(kept, other, from_other=["email"], by=admin_user)

    assert not Lead.objects.filter(pk=other.pk).exists()
    assert lead.attempts.count() == 2
    assert CallAttempt.objects.get(pk=theirs.pk).lead_id == lead.pk
    assert lead.email == "b@example.com"
    assert lead.call_notes == "Mía\nAntigua\nSuya"
    told = timeline.timeline(lead)
    assert {str(e.text) for e in told if e.title == "Nota"} == {"Mía", "Suya"}
    joined = next(entry for entry in told if entry.title == "Duplicado unido")
    assert joined.by == "admin"
    assert {c.label: c.after for c in joined.details}["Correo"] == "b@example.com"
    assert {c.label: c.after for c in joined.changes}["Correo"] == "b@example.com"


def test_counters_add_up_and_the_last_call_is_the_latest():
    kept, other = pair(
        kept={"call_attempts_count": 1, "last_call_attempt": NOW - 2 * DAY},
        other={
            "call_attempts_count": 2,
            "last_call_attempt": NOW - DAY,
            "call_error_message": "Número ocupado",
        },
    )

    lead = merge(kept, other)

    assert lead.call_attempts_count == 3
    assert lead.last_call_attempt == NOW - DAY
    assert lead.call_error_message == "Número ocupado"
    assert (lead.call_status, lead.selected_for_calling) == ("selected", True)


@pytest.mark.parametrize(
    ("mine", "theirs", "after"),
    [
        ("given", "refused", "refused"),
        ("refused", "given", "refused"),
        ("given", "unknown", "given"),
        ("unknown", "given", "given"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_the_stricter_consent_stays(mine, theirs, after):
    kept, other = pair(kept={"consent": mine}, other={"consent": theirs})

    assert merge(kept, other).consent == after


def test_who_asked_for_peace_under_the_other_number_is_not_called_under_this_one():
    kept = LeadFactory(phone_e164="+34612034118", national_id="1Z")
    other = LeadFactory(phone_e164="+34612034119", national_id="1Z", **IDLE)
    SuppressionFactory(phone_e164="+34612034119", list="request")

    lead = merge(kept, other)

    assert (lead.phone_e164, lead.consent) == ("+34612034118", "refused")


def test_a_wish_of_the_other_alone_selects_nobody():
    kept, other = pair(kept=IDLE, other={"call_status": "completed"})
    Lead.objects.filter(pk=other.pk).update(
        selected_for_calling=True, call_status="selected", next_call_at=NOW
    )

    lead = merge(kept, other)

    assert (lead.call_status, lead.selected_for_calling) == ("no_selected", False)


def test_the_earliest_promise_is_kept():
    kept, other = pair()
    promises.promise(kept.pk, at=NOW + 3 * DAY, now=NOW, by=None)
    promises.promise(
        other.pk,
        at=NOW + DAY,
        now=NOW,
        by=None,
        outbound_id=str(kept.pearl_outbound_id),
    )

    lead = merge(kept, other)

    assert (lead.callback_at, lead.next_call_at) == (NOW + DAY, NOW + DAY)
    assert lead.selected_for_calling


def test_never_again_said_to_one_holds_for_both():
    kept, other = pair(other={"disposition": "do_not_call"})

    lead = merge(kept, other)

    assert (lead.disposition, lead.selected_for_calling) == ("do_not_call", False)
    assert lead.call_status == CallStatus.NO_SELECTED


def test_the_chosen_number_takes_along_what_follows_from_it():
    kept = LeadFactory(phone_e164="+34612034118", national_id="1Z")
    other = LeadFactory(phone_e164="+34699000111", national_id="1Z", **IDLE)

    lead = merge(kept, other, from_other=["phone", "first_name"])

    assert (lead.phone, lead.phone_e164) == (other.phone, "+34699000111")
    assert "699000111" in lead.search_text
    assert "612034118" not in lead.search_text


def test_appointments_come_along_with_what_was_done_to_them():
    kept, other = pair()
    mine, theirs = AppointmentFactory(lead=kept), AppointmentFactory(lead=other)

    lead = merge(kept, other)

    assert {*lead.appointments.all()} == {mine, theirs}


# --- Refusing, and failing ----------------------------------------------------------


@pytest.mark.parametrize("state", [State.CLAIMED, State.ACCEPTED, State.MANUAL])
@pytest.mark.parametrize("of_kept", [True, False])
def test_a_call_that_is_not_over_forbids_it(run, state, of_kept):
    kept, other = pair()
    busy = kept if of_kept else other
    AttemptFactory(run=run, lead=busy, state=state)

    with pytest.raises(merging.MergeRefused):
        merge(kept, other)

    assert Lead.objects.count() == 2
    assert not LeadEvent.objects.exists()


def test_what_changed_since_it_was_seen_is_not_joined():
    kept, other = pair()
    seen = merging.seen(kept, other)
    Lead.objects.filter(pk=other.pk).update(city="Getafe")

    with pytest.raises(merging.MergeRefused):
        merging.merge(kept.pk, other.pk, from_other=[], seen_as=seen, by=None, now=NOW)

    assert Lead.objects.count() == 2


def test_when_it_fails_half_way_nothing_is_done(run, monkeypatch):
    kept, other = pair(kept={"city": "Madrid"}, other={"city": "Getafe"})
    over(other, run)
    add_note(other.pk, text="Suya", by=None, now=NOW)

    def fail(*args, **named):
        raise RuntimeError("the database went away")

    monkeypatch.setattr(QuerySet, "delete", fail)
    with pytest.raises(RuntimeError):
        merge(kept, other, from_other=["city"])
    monkeypatch.undo()

    kept.refresh_from_db()
    assert kept.city == "Madrid"
    assert other.attempts.count() == other.events.count() == 1


def test_undoing_what_touched_the_other_does_not_reach_the_kept(admin_user):
    record = LeadImport.objects.create(name="a.csv", sha256="0")
    kept, other = pair(kept=IDLE)
    change = selection.apply(
        Lead.objects.filter(pk=other.pk),
        BulkChange.Verb.SELECT,
        {"outbound_id": str(other.pearl_outbound_id)},
        now=NOW,
        by=admin_user,
    )
    LeadEvent.objects.create(lead=other, kind="imported", lead_import=record)

    lead = merge(kept, other)

    assert change.changed == 1
    assert not lead.events.exclude(bulk_change=None, lead_import=None).exists()
    texts = {event.text for event in lead.events.all()}
    assert "a.csv" in texts
    assert any(text.startswith("Poner en cola") for text in texts)
