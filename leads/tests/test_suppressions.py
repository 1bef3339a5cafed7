"""A number on a list is not called, however it is known, until it ends or leaves."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads import robinson, suppressions
from leads.csv_files import UnreadableFile
from leads.models import Export, Lead, ListAnswer, Suppression
from leads.robinson import AlreadyApplied
from leads.suppression_files import import_suppressions
from leads.tests.factories import LeadFactory, SuppressionFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TOMORROW, YESTERDAY = NOW + timedelta(days=1), NOW - timedelta(days=1)
A, B, C = "+34612345601", "+34612345602", "+34612345603"
List = Suppression.List

pytestmark = pytest.mark.django_db


def file_of(*lines: str) -> io.BytesIO:
    return io.BytesIO("\r\n".join(["TELEFONO", *lines]).encode())


# --- Asking -------------------------------------------------------------------------


def test_written_and_forgotten_numbers_are_found_in_one_query():
    SuppressionFactory(phone_e164=A)
    SuppressionFactory(phone_e164=B)
    Suppression.objects.filter(phone_e164=B).update(phone_e164="")

    with CaptureQueriesContext(connection) as queries:
        found = suppressions.suppressed_among([A, B, C, ""], now=NOW)

    assert found == {A, B}
    assert len(queries) == 1


def test_an_ended_one_forbids_nothing_and_a_proposed_one_does():
    SuppressionFactory(phone_e164=A, expires_at=NOW)
    SuppressionFactory(phone_e164=B, proposed=True)

    assert suppressions.suppressed_among([A, B], now=NOW) == {B}


def test_of_two_lists_the_one_that_lasts_longer_counts():
    SuppressionFactory(phone_e164=A, list=List.REQUEST, expires_at=TOMORROW)
    SuppressionFactory(phone_e164=A, list=List.INTERNAL, expires_at=NOW)
    SuppressionFactory(phone_e164=B, list=List.REQUEST, expires_at=TOMORROW)
    SuppressionFactory(phone_e164=B, list=List.ROBINSON)

    holds = suppressions.holds_on([A, B], now=NOW)

    assert {phone: hold.until for phone, hold in holds.items()} == {
        A: TOMORROW,
        B: None,
    }


def test_what_a_list_says_counts_before_a_proposal():
    SuppressionFactory(phone_e164=A, list=List.REQUEST, proposed=True)
    SuppressionFactory(phone_e164=A, list=List.INTERNAL, expires_at=TOMORROW)
    SuppressionFactory(phone_e164=B, list=List.REQUEST, proposed=True)

    holds = suppressions.holds_on([A, B], now=NOW)

    assert holds == {
        A: suppressions.Hold(proposed=False, until=TOMORROW),
        B: suppressions.Hold(proposed=True),
    }


def test_a_lost_key_of_the_hashes_frees_no_written_number(settings):
    SuppressionFactory(phone_e164=A)
    settings.PHONE_HASH_KEY = "another"

    assert suppressions.suppressed_among([A], now=NOW) == {A}


# --- Adding -------------------------------------------------------------------------


def test_the_numbers_of_leads_go_on_a_list_once_each(monkeypatch, admin_user):
    monkeypatch.setattr(suppressions, "BATCH", 2)
    LeadFactory.create_batch(2, phone_e164=A)
    LeadFactory(phone_e164=B)
    LeadFactory(phone_e164=C)
    LeadFactory(phone_e164="")
    SuppressionFactory(phone_e164=C, list=List.INTERNAL, proposed=True)

    done = suppressions.exclude(
        Lead.objects.all(), list=List.INTERNAL, reason="Cierre", by=admin_user, now=NOW
    )

    assert (done.added, done.already, done.without_number) == (2, 1, 1)
    on_list = Suppression.objects.filter(list=List.INTERNAL, proposed=False)
    assert {*on_list.values_list("phone_e164", flat=True)} == {A, B, C}
    added = on_list.get(phone_e164=A)
    assert (added.reason, added.created_by) == ("Cierre", admin_user)


def test_adding_again_without_end_takes_the_end_away_but_never_shortens():
    SuppressionFactory(phone_e164=A, expires_at=YESTERDAY)
    SuppressionFactory(phone_e164=B)

    import_suppressions(file_of("612345601"), now=NOW)
    import_suppressions(file_of("612345602"), now=NOW, expires_at=TOMORROW)

    assert Suppression.objects.get(phone_e164=A).expires_at is None
    assert Suppression.objects.get(phone_e164=B).expires_at is None


def test_a_proposal_that_had_ended_is_to_be_reviewed_again():
    SuppressionFactory(phone_e164=A, list=List.PROVIDER, expires_at=YESTERDAY)

    suppressions.propose(A, list=List.PROVIDER, reason="r", source="Pearl", now=NOW)
    suppressions.propose(B, list=List.PROVIDER, reason="r", source="Pearl", now=NOW)
    suppressions.propose(B, list=List.PROVIDER, reason="r", source="Pearl", now=NOW)

    assert suppressions.suppressed_among([A, B], now=NOW) == {A, B}
    assert Suppression.objects.filter(proposed=True).count() == 2


def test_a_file_goes_on_the_list_that_was_said_with_its_end(admin_user):
    SuppressionFactory(phone_e164=A, list=List.REQUEST)

    report = import_suppressions(
        file_of("612345601", "612 345 602", "+34612345602", "612"),
        now=NOW,
        list=List.INTERNAL,
        expires_at=TOMORROW,
        by=admin_user,
    )

    assert (report.created, report.repeated_in_file, report.rejected) == (2, 1, 1)
    added = Suppression.objects.filter(list=List.INTERNAL)
    assert {(s.expires_at, s.created_by) for s in added} == {(TOMORROW, admin_user)}
    assert [problem["row"] for problem in report.problems] == [5]
    assert "612" not in report.problems[0]["reason"]


# --- Forgetting ---------------------------------------------------------------------


def test_a_forgotten_number_is_forgotten_on_every_list_and_still_forbidden():
    one = SuppressionFactory(phone_e164=A, list=List.REQUEST)
    SuppressionFactory(phone_e164=A, list=List.ROBINSON)
    SuppressionFactory(phone_e164=B)

    changed = suppressions.forget_numbers(Suppression.objects.filter(pk=one.pk))

    assert changed == 1
    assert not Suppression.objects.filter(phone_e164=A).exists()
    assert Suppression.objects.filter(phone_e164=B).exists()
    assert suppressions.suppressed_among([A], now=NOW) == {A}


def test_a_number_that_a_lead_has_is_not_forgotten():
    SuppressionFactory(phone_e164=A)
    LeadFactory(phone_e164=A)

    assert suppressions.forget_numbers(Suppression.objects.all()) == 0
    assert Suppression.objects.get().phone_e164 == A


def test_a_forgotten_number_is_known_again_once_a_lead_gets_it():
    SuppressionFactory(phone_e164=A)
    SuppressionFactory(phone_e164=B)
    suppressions.forget_numbers(Suppression.objects.all())

    suppressions.revive([A, C, ""])

    numbers = Suppression.objects.values_list("phone_e164", flat=True)
    assert sorted(numbers) == ["", A]


# --- Turns --------------------------------------------------------------------------


def test_only_wanted_leads_that_the_list_held_get_a_turn():
    held = LeadFactory(phone_e164=A, next_call_at=None)
    until = LeadFactory(phone_e164=A, next_call_at=TOMORROW)
    retry = LeadFactory(phone_e164=A, next_call_at=TOMORROW + timedelta(hours=1))
    other = LeadFactory(phone_e164=B, next_call_at=None)
    nameless = LeadFactory(phone_e164="", next_call_at=None)

    changed = suppressions.give_turns([A, ""], now=NOW, until=[TOMORROW, None])

    assert changed == 2
    for lead, at in ((held, NOW), (until, NOW), (other, None), (nameless, None)):
        lead.refresh_from_db()
        assert lead.next_call_at == at
    retry.refresh_from_db()
    assert retry.next_call_at == TOMORROW + timedelta(hours=1)


# --- Robinson -----------------------------------------------------------------------


def answer(*lines: str, on: date, export: Export | None = None, **options):
    return robinson.apply_answer(
        file_of(*lines),
        name="respuesta.csv",
        export=export,
        answered_on=on,
        by=None,
        now=NOW,
        **options,
    )


def test_each_spanish_number_is_asked_once_in_nine_digits(monkeypatch):
    monkeypatch.setattr(suppressions, "BATCH", 2)
    for phone in (B, A, A, C, "+33612345678", ""):
        LeadFactory(phone_e164=phone)

    asked = [*robinson.asked_numbers(Lead.objects.all())]

    assert asked == [["612345601", "612345602"], ["612345603"]]


def test_an_answer_adds_renews_and_never_replaces_a_later_one():
    march, june = date(2026, 3, 1), date(2026, 6, 1)
    ended = {"list": List.ROBINSON, "checked_on": march, "expires_at": YESTERDAY}
    SuppressionFactory(phone_e164=B, **ended)
    SuppressionFactory(phone_e164=C, list=List.ROBINSON, checked_on=june)

    applied = answer("612345601", "612345602", "612345603", "1", on=date(2026, 5, 1))

    assert (applied.answer.added, applied.answer.renewed, applied.kept) == (1, 1, 1)
    assert (applied.answer.rows, applied.answer.rejected) == (4, 1)
    dates = Suppression.objects.values_list("phone_e164", "checked_on", "expires_at")
    assert {*dates} == {
        (A, date(2026, 5, 1), None),
        (B, date(2026, 5, 1), None),
        (C, june, None),
    }


def test_the_same_answer_to_the_same_question_is_applied_once():
    export = Export.objects.create(format=Export.Format.NUMBERS, rows=9)
    answer("612345601", on=date(2026, 5, 1), export=export)

    with pytest.raises(AlreadyApplied):
        answer("612345601", on=date(2026, 6, 1), export=export)
    again = answer("612345601", on=date(2026, 6, 1))

    assert again.answer.renewed == 1
    assert ListAnswer.objects.count() == 2
    assert Suppression.objects.get().checked_on == date(2026, 6, 1)


def test_the_question_itself_is_not_taken_for_the_answer():
    numbers = [f"6123456{n:02d}" for n in range(12)]
    export = Export.objects.create(format=Export.Format.NUMBERS, rows=12)

    with pytest.raises(UnreadableFile, match="parece la consulta"):
        answer(*numbers, on=date(2026, 5, 1), export=export)
    assert not Suppression.objects.exists()
    assert not ListAnswer.objects.exists()

    answer(*numbers, on=date(2026, 5, 1), export=export, all_found=True)

    assert Suppression.objects.count() == 12


def test_a_forgotten_number_is_renewed_and_stays_forgotten():
    SuppressionFactory(phone_e164=A, list=List.ROBINSON, checked_on=date(2026, 3, 1))
    suppressions.forget_numbers(Suppression.objects.all())

    answer("612345601", on=date(2026, 5, 1))

    one = Suppression.objects.get()
    assert (one.phone_e164, one.checked_on) == ("", date(2026, 5, 1))


def test_an_answer_without_numbers_is_refused():
    with pytest.raises(UnreadableFile):
        answer(on=date(2026, 5, 1))
