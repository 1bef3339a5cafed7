"""The one filter: each parameter alone and together, and what is not understood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from leads.filters import LeadFilter
from leads.models import CallStatus, Disposition, Lead
from leads.tests.factories import LeadFactory, SuppressionFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)


def found(query: str) -> set[int]:
    chosen = LeadFilter(QueryDict(query), queryset=Lead.objects.all(), now=NOW)
    assert chosen.is_valid(), chosen.errors
    narrowed = chosen.narrowed(at_most=50)
    ids = set(chosen.qs.values_list("pk", flat=True))
    assert ids == set(narrowed.leads.values_list("pk", flat=True))
    return ids


@pytest.fixture
def other():
    """Who must not be found."""
    return LeadFactory(
        first_name="Zoe",
        last_name="Otra",
        city="Lugo",
        province="Lugo",
        clinic_name="Centro",
        source_file="otro.csv",
        call_status=CallStatus.NO_SELECTED,
        selected_for_calling=False,
        call_priority=5,
        call_attempts_count=7,
        last_call_attempt=datetime(2026, 1, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("status=error&status=busy", {"call_status": CallStatus.BUSY}),
        ("selected=true", {}),
        ("priority=2", {"call_priority": 2}),
        ("city=Getafe", {"city": "Getafe"}),
        ("city=getafe", {"city": "Getafe"}),
        ("city=Geta*", {"city": "Getafe"}),
        ("city=geta", {"city": "Getafe"}),
        ("province=Madrid", {"province": "Madrid"}),
        ("clinic=Clínica+Sol", {"clinic_name": "Clínica Sol"}),
        ("source=a.csv", {"source_file": "a.csv"}),
        ("disposition=none", {"disposition": ""}),
        ("attempts=0", {"call_attempts_count": 0}),
        ("never_called=true", {}),
        ("manual=true", {"manual_management": True}),
        ("callback=due", {"callback_at": NOW}),
        ("callback=missed", {"callback_at": NOW - timedelta(hours=1)}),
        ("callback=pending", {"callback_at": NOW + timedelta(hours=1)}),
        ("callback=any", {"callback_at": NOW + timedelta(hours=1)}),
        (
            "city=Getafe&selected=true&priority=2&attempts=0&q=ana",
            {"city": "Getafe", "call_priority": 2, "first_name": "Ana"},
        ),
    ],
)
def test_each_filter_finds_its_lead_and_no_other(other, query, columns):
    lead = LeadFactory(**columns)
    Lead.objects.filter(pk=other.pk).update(disposition=Disposition.APPOINTMENT)

    assert found(query) == {lead.pk}


def test_a_city_is_the_whole_name_so_palma_is_not_palma_del_rio():
    palma = LeadFactory(city="Palma")
    LeadFactory(city="Palma del Río")

    assert found("city=Palma") == {palma.pk}


def test_several_cities_are_any_of_them_each_as_if_alone():
    palma, getafe = LeadFactory(city="Palma"), LeadFactory(city="Getafe")
    LeadFactory(city="Palma del Río")
    LeadFactory(city="Madrid")

    assert found("city=Palma&city=geta") == {palma.pk, getafe.pk}
    assert found("city=&city=Palma") == {palma.pk}
    assert found("city=Palma&city=Getafe&province=Soria") == set()


def test_a_campaign_finds_its_own_leads_and_no_others():
    own = LeadFactory(pearl_outbound_id="66f0", call_status=CallStatus.ERROR)
    LeadFactory(pearl_outbound_id="66f0")
    LeadFactory(pearl_outbound_id="66f01", call_status=CallStatus.ERROR)
    LeadFactory(pearl_outbound_id=None, call_status=CallStatus.ERROR)

    assert found("outbound=66f0&status=error") == {own.pk}


@pytest.mark.parametrize(("count", "value"), [(1, "1"), (2, "2"), (3, "3"), (9, "3")])
def test_three_attempts_mean_three_or_more(count, value):
    lead = LeadFactory(call_attempts_count=count)
    LeadFactory(call_attempts_count=0)

    assert found(f"attempts={value}") == {lead.pk}


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-11-25T22:59:59+00:00", False),
        ("2026-11-25T23:00:00+00:00", True),
        ("2026-11-26T22:59:59+00:00", True),
        ("2026-11-26T23:00:00+00:00", False),
    ],
)
def test_days_are_those_of_the_staffs_clock(moment, inside):
    lead = LeadFactory(last_call_attempt=datetime.fromisoformat(moment))

    ids = found("last_from=2026-11-26&last_to=26/11/2026")

    assert (lead.pk in ids) is inside


def test_excluded_are_those_whose_number_is_on_a_list_that_holds_today():
    listed, expired, blank, free = (
        LeadFactory(),
        LeadFactory(),
        LeadFactory(phone_e164=""),
        LeadFactory(),
    )
    SuppressionFactory(phone_e164=listed.phone_e164)
    SuppressionFactory(phone_e164=expired.phone_e164, expires_at=NOW)
    SuppressionFactory(phone_e164="", phone_hash="0" * 64)

    assert found("excluded=true") == {listed.pk}
    assert found("excluded=false") == {expired.pk, blank.pk, free.pk}


@pytest.mark.parametrize(
    "text",
    [
        "612034118",
        "612 034 118",
        "+34 612.034.118",
        "0034-612-034-118",
        "034118",
        "912 345 678",
        "begoña peña",
        "PEÑA beg",
        "begona",
        "12345678Z",
        "1234567",
        "PZ 77",
        "pz77",
    ],
)
def test_a_search_finds_by_name_number_in_any_spelling_nif_or_policy(text):
    lead = LeadFactory(
        first_name="Begoña",
        last_name="de la Peña",
        phone_e164="+34612034118",
        phone_alt_e164="+34912345678",
        national_id="12345678Z",
        policy_number="PZ 77" if text != "pz77" else "PZ77",
    )
    LeadFactory(phone_e164="+34600000009", last_name="Campeña")

    assert found(f"q={text.replace('+', '%2B')}") == {lead.pk}


def test_each_word_must_begin_a_word():
    LeadFactory(first_name="Ana", last_name="Lagarcía")

    assert found("q=garcia") == set()


def test_a_percent_sign_finds_no_more_than_itself():
    LeadFactory()

    assert found("city=%25*") == set()


@pytest.mark.parametrize(
    "query",
    [
        "status=nada",
        "selected=quizá",
        "priority=9",
        "attempts=muchos",
        "disposition=x",
        "callback=x",
        "last_from=ayer",
        "lead_import=x",
        "lead_import=99999999999999999999",
        "q=%25%25",
        "q=a%00b",
        "q=" + "a" * 101,
    ],
)
def test_what_is_not_understood_is_an_error(query):
    chosen = LeadFilter(QueryDict(query), queryset=Lead.objects.all())

    assert not chosen.is_valid()


def test_a_choice_left_open_filters_nothing():
    lead = LeadFactory()

    assert found("q=&status=&city=&priority=&last_from=&excluded=") == {lead.pk}
