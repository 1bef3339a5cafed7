"""The words that leads are found by: kept by the database, whoever writes."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leads import word_index
from leads.filters import LeadFilter
from leads.models import Lead, LeadImport, LeadWord
from leads.search_text import fold
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

NAMES = ["Ana", "Anabel", "García", "Garrido", "Núñez-Gar", "O'Hara", "Ωmega", "9 de"]


def found(text: str, *, at_most: int = 50, city: str = "") -> set[int]:
    query = QueryDict(mutable=True)
    query["q"], query["city"] = text, city
    chosen = LeadFilter(query, queryset=Lead.objects.all())
    assert chosen.is_valid(), chosen.errors
    leads = chosen.narrowed(at_most=at_most).leads
    ids = set(leads.values_list("pk", flat=True))
    assert ids == set(chosen.qs.values_list("pk", flat=True))
    return ids


def an_import() -> LeadImport:
    return LeadImport.objects.create(name="a.csv", sha256="0" * 64)


def words_of(lead: Lead) -> set[str]:
    return set(LeadWord.objects.filter(lead_id=lead.pk).values_list("word", flat=True))


def words() -> set[tuple[object, ...]]:
    return set(LeadWord.objects.values_list("word", "lead_id", "search_text"))


def ana(**columns: object) -> Lead:
    return LeadFactory(
        first_name="Ana",
        last_name="García",
        national_id="98761234Z",
        phone="612 345 678",
        phone_e164="+34612345678",
        **columns,
    )


ANAS_WORDS = {
    *("ana", "garcia", "98761234z", "612345678"),
    *("12345678", "2345678", "345678", "45678", "5678", "678"),
}


def test_a_lead_has_its_words_and_the_ends_of_its_phone():
    assert words_of(ana()) == ANAS_WORDS


def test_words_change_with_the_name_and_with_nothing_else():
    lead = ana()
    before = words()

    Lead.objects.filter(pk=lead.pk).update(city="Getafe", call_attempts_count=3)
    assert words() == before

    lead.last_name, lead.phone, lead.phone_e164 = "Sanz", "", ""
    lead.save()
    assert words_of(lead) == {"ana", "sanz", "98761234z"}
    assert found("sanz") == {lead.pk}
    assert found("garcia") == found("5678") == set()


def test_a_lead_that_goes_takes_its_words_along():
    lead, other = ana(), LeadFactory()
    imported = ana(lead_import=an_import())

    Lead.objects.filter(pk__in=[lead.pk, imported.pk]).delete()

    assert {lead_id for _word, lead_id, _text in words()} == {other.pk}


def test_an_imported_lead_is_found_before_its_words_are_written_and_after():
    lead = ana(lead_import=an_import())
    LeadFactory(first_name="Zoe", last_name="Otra", phone_e164="+34600000000")
    searches = ("ana", "gar", "garcia an", "9876", "5678", "345", "6")

    assert words_of(lead) == {""}
    for text in searches:
        assert lead.pk in found(text), text
    # Inside a NIF, or of more than one number.
    assert found("8761") == found("6786") == set()
    word_index.catch_up()

    assert words_of(lead) == ANAS_WORDS
    for text in searches:
        assert lead.pk in found(text), text


def test_an_imported_lead_that_is_edited_has_its_words_at_once():
    lead = ana(lead_import=an_import())

    lead.last_name = "Sanz"
    lead.save()

    assert words_of(lead) == ANAS_WORDS - {"garcia"} | {"sanz"}


def test_one_after_the_other_the_imported_catch_up_in_batches(monkeypatch):
    monkeypatch.setattr(word_index, "CATCH_UP_BATCH", 2)
    record = an_import()
    leads = [ana(lead_import=record) for _ in range(5)]

    word_index.catch_up()

    assert all(words_of(lead) == ANAS_WORDS for lead in leads)


def test_leads_from_before_get_the_same_words():
    ana(phone_alt_e164="+447700900123")
    LeadFactory(first_name="Ωmega", last_name="x" * 80, phone_e164="", phone="12")
    written = words()
    LeadWord.objects.all().delete()

    word_index.fill(connection)
    word_index.fill(connection)

    assert words() == written


def test_more_than_are_asked_for_are_the_same_leads():
    leads = [ana() for _ in range(4)]
    LeadFactory(first_name="Zoe", last_name="Otra")

    for text in ("garcia", "5678"):
        assert found(text, at_most=2) == {lead.pk for lead in leads}
        assert found(text, at_most=2, city="Madrid") == {lead.pk for lead in leads}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(people=[("", "+34612000612", False)], text="612 612")
@given(
    people=st.lists(
        st.tuples(
            st.lists(st.sampled_from(NAMES), max_size=3).map(" ".join),
            st.integers(0, 999).map(lambda n: f"+34612{n:03}612"),
            st.booleans(),
        ),
        max_size=6,
    ),
    text=st.one_of(
        st.lists(st.sampled_from([*NAMES, "ga", "a", "612"]), min_size=1, max_size=3)
        .map(" ".join)
        .filter(fold),
        st.text("0126", min_size=1, max_size=6),
    ),
)
def test_who_is_found_is_who_has_the_words_or_the_digits(people, text):
    Lead.objects.all().delete()
    record = an_import()
    expected = set()
    for name, phone, imported in people:
        lead = LeadFactory(
            first_name=name,
            last_name="",
            national_id="",
            policy_number="",
            phone=phone,
            phone_e164=phone,
            phone_alt="",
            phone_alt_e164="",
            lead_import=record if imported else None,
        )
        if _is_meant(text, fold(name).split(), phone.removeprefix("+34")):
            expected.add(lead.pk)

    assert found(text) == expected


def _is_meant(text: str, names: list[str], digits: str) -> bool:
    number = "".join(text.split())
    if not number.isdecimal():
        return all(
            any(word.startswith(part) for word in [*names, digits])
            for part in fold(text).split()
        )
    begins = any(word.startswith(number) for word in [*names, digits])
    return begins or (len(number) >= 3 and number in digits)


@pytest.mark.django_db(transaction=True)
def test_triggers_that_are_lost_come_back_with_migrate():
    """SQLite drops a table's triggers whenever one of its columns is altered."""
    if connection.vendor == "sqlite":
        city = Lead._meta.get_field("city")
        with connection.schema_editor() as editor:
            editor._remake_table(Lead, alter_fields=[(city, city)])
    else:
        word_index.drop_triggers(connection)
    lead = ana()
    assert words_of(lead) == set()
    lead.delete()

    call_command("migrate", verbosity=0)

    assert words_of(ana()) == ANAS_WORDS
