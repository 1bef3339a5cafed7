"""How many leads a filter finds, told from a sample."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from leads import estimates, lead_pages
from leads.estimates import estimated
from leads.filters import LeadFilter
from leads.lead_pages import NEWEST_FIRST, Place, read_page
from leads.models import Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

MADRID = Lead.objects.filter(city="Madrid")


@pytest.fixture
def small_sample(monkeypatch):
    monkeypatch.setattr(estimates, "SAMPLE", 100)
    monkeypatch.setattr(estimates, "RUN", 2)
    monkeypatch.setattr(estimates, "FEWEST", 10)


def people(count: int, *, first_name: str = "Marta", city: str = "Madrid") -> list[int]:
    made = LeadFactory.build_batch(count, first_name=first_name, city=city)
    return [lead.pk for lead in Lead.objects.bulk_create(made)]


def chosen(query: str) -> LeadFilter:
    found = LeadFilter(QueryDict(query), queryset=Lead.objects.all())
    assert found.is_valid()
    return found


def test_it_is_told_from_a_part_of_the_table(small_sample):
    for _ in range(20):
        people(20)
        people(10, city="Getafe")

    assert 340 <= estimated(MADRID.all()) <= 460


def test_a_part_of_the_table_without_any_counts_as_well(small_sample):
    people(300)
    people(700, city="Getafe")

    assert 250 <= estimated(MADRID.all()) <= 350


def test_leads_that_are_gone_are_not_counted(small_sample):
    Lead.objects.filter(pk__in=people(1000)[::2]).delete()

    assert 400 <= estimated(MADRID.all()) <= 600


def test_of_too_few_nothing_is_told(small_sample):
    people(20)
    people(980, city="Getafe")

    assert estimated(MADRID.all()) == 0


@pytest.mark.parametrize("count", [0, 1, 100])
def test_a_table_that_a_sample_would_fill_is_not_sampled(small_sample, count):
    people(count)

    assert estimated(MADRID.all()) == 0


@pytest.mark.parametrize(
    ("number", "digits", "told"),
    [(91_437.2, 2, 91_000), (9_951, 2, 10_000), (45.4, 2, 45), (2_603, 1, 3_000)],
)
def test_what_is_told_is_round(number, digits, told):
    assert estimates.rounded(number, digits=digits) == told


def test_of_a_small_part_one_digit_is_told(small_sample):
    for _ in range(20):
        people(8)
        people(42, city="Getafe")

    assert estimated(MADRID.all()) in (100, 200)


def test_a_frequent_name_with_a_frequent_city_is_paged_without_being_counted(
    small_sample, monkeypatch
):
    monkeypatch.setattr(lead_pages, "COUNTED_AT_MOST", 50)
    martas = people(300)
    people(300, city="Getafe")
    found = chosen("q=mart&city=Madrid").narrowed(at_most=50)

    place, seen = Place(), []
    while True:
        page = read_page(found, order=NEWEST_FIRST, place=place, size=25)
        assert page.total == f"unos {found.about} leads"
        assert 250 <= found.about <= 350
        assert page.is_cut
        seen += [lead.pk for lead in page.leads]
        if not page.has_next:
            break
        place = Place(after=page.leads[-1].pk)

    assert seen == martas[::-1]


def test_a_frequent_name_with_a_rare_city_is_counted(small_sample):
    rare = people(7)
    people(600, city="Getafe")

    found = chosen("q=mart&city=Madrid").narrowed(at_most=50)

    page = read_page(found, order=NEWEST_FIRST, place=Place(), size=25)
    assert not page.is_cut
    assert page.total == "7 leads"
    assert [lead.pk for lead in page.leads] == rare[::-1]
