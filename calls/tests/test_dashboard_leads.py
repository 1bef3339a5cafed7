"""The leads of /calls: whom a filter shows, and whom a press changes."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.http import QueryDict
from django.urls import reverse

from calls.models import Campaign
from calls.tests.factories import CampaignFactory
from leads import lead_pages
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_user("marta")
    names = ("run_campaign", "view_campaign", "select_lead", "view_lead")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def url(name: str, campaign: Campaign) -> str:
    return reverse(f"calls:{name}", args=[campaign.pk])


def idle(**changes) -> Lead:
    return LeadFactory(
        selected_for_calling=False,
        call_status=CallStatus.NO_SELECTED,
        next_call_at=None,
        **changes,
    )


def test_the_ticked_leads_are_put_in_the_queue_and_only_they(
    client, operator, campaign
):
    one, _other = idle(), idle()

    answer = client.post(
        url("change_leads", campaign), {"verb": "select", "id": [one.pk]}, **HTMX
    )

    assert answer.status_code == 200
    assert Lead.objects.get(selected_for_calling=True) == one


def test_the_whole_filter_is_changed_beyond_the_page(client, operator, campaign):
    for _each in range(30):
        idle(city="Getafe")
    idle(city="Madrid")

    client.post(
        f"{url('change_leads', campaign)}?city=Getafe&status=&priority=&attempts=",
        {"verb": "select", "scope": "all"},
        **HTMX,
    )

    assert Lead.objects.filter(selected_for_calling=True).count() == 30


@pytest.mark.parametrize("query", ["status=nonsense", "attempts=x", "priority=99"])
def test_a_filter_that_is_not_understood_changes_nobody(
    client, operator, campaign, query
):
    LeadFactory.create_batch(3)

    answer = client.post(
        f"{url('change_leads', campaign)}?{query}",
        {"verb": "deselect", "scope": "all", "id": ["9" * 40]},
        **HTMX,
    )

    assert answer.status_code == 200
    assert Lead.objects.filter(selected_for_calling=True).count() == 3


def test_a_very_long_id_changes_nobody(client, operator, campaign):
    LeadFactory()

    answer = client.post(
        url("change_leads", campaign), {"verb": "deselect", "id": ["9" * 40]}, **HTMX
    )

    assert answer.status_code == 200
    assert Lead.objects.get().selected_for_calling


@pytest.mark.parametrize(
    ("text", "found"),
    [("Ana López", 1), ("López", 2), ("Ana", 2), ("612 034", 1), ("034118", 1)],
)
def test_every_word_of_a_search_must_fit(client, operator, campaign, text, found):
    idle(first_name="Ana", last_name="López Gil", phone_e164="+34612034118")
    idle(first_name="Ana Belén", last_name="Ortiz Vega")
    idle(first_name="María", last_name="López")

    html = client.get(url("leads", campaign), {"q": text}).content.decode()

    assert html.count('class="person"') == found


def test_ticks_survive_the_redrawing_of_the_rows(client, operator, campaign):
    one, other = LeadFactory(), LeadFactory()

    html = client.get(url("leads", campaign), {"id": [one.pk]}).content.decode()

    assert f'value="{one.pk}" aria-label="{one}" checked' in html
    assert f'value="{other.pk}" aria-label="{other}" checked' not in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ane"}, {"Ane"}),
        ({"q": "612 00 00 01"}, {"Iker"}),
        ({"q": "0034612000001"}, {"Iker"}),
        ({"q": "12345678Z"}, {"Ane"}),
        ({"status": "error"}, {"Iker"}),
        ({"status": "error", "q": "ane"}, set()),
        ({"attempts": "3"}, {"Ane"}),
        ({"city": "get"}, {"Iker"}),
        ({"page": "9999999"}, {"Ane", "Iker"}),
        ({"page": "x", "size": "-1"}, {"Ane", "Iker"}),
    ],
)
def test_filters_combine_and_nonsense_breaks_nothing(
    client, operator, campaign, query, found
):
    idle(first_name="Ane", national_id="12345678Z", call_attempts_count=4)
    LeadFactory(
        first_name="Iker",
        phone_e164="+34612000001",
        city="Getafe",
        call_status=CallStatus.ERROR,
    )

    html = client.get(url("leads", campaign), query).content.decode()

    assert {name for name in ("Ane", "Iker") if name in html} == found


def test_a_filter_that_is_not_understood_shows_nobody_and_says_so(
    client, operator, campaign
):
    idle(first_name="Ane")

    html = client.get(url("leads", campaign), {"priority": "99"}).content.decode()

    assert "El filtro tiene errores" in html
    assert "Ane" not in html


def test_the_pages_of_a_long_list_follow_each_other(
    client, operator, campaign, monkeypatch
):
    monkeypatch.setattr(lead_pages, "COUNTED_AT_MOST", 40)
    names = [f"Lead {n:03}" for n in range(60)]
    for name in names:
        idle(first_name=name, last_name="")
    page = {}
    seen = []

    while page is not None:
        context = client.get(url("leads", campaign), page).context
        seen += [lead.first_name for lead in context["leads"]]
        moves = dict(context["moves"])
        page = QueryDict(moves["Siguiente"]).dict() if "Siguiente" in moves else None

    assert seen == names
    assert [
        lead.first_name
        for lead in client.get(
            url("leads", campaign), QueryDict(moves["Anterior"]).dict()
        ).context["leads"]
    ] == names[25:50]


def test_a_page_costs_the_same_queries_however_many_leads(
    client, operator, campaign, django_assert_max_num_queries
):
    LeadFactory.create_batch(3)
    with django_assert_max_num_queries(12) as few:
        client.get(url("leads", campaign))
    LeadFactory.create_batch(40)

    with django_assert_max_num_queries(12) as many:
        client.get(url("leads", campaign))

    assert len(few) == len(many)


def test_an_empty_house_says_what_to_do_first(client, operator):
    html = client.get(reverse("calls:manager")).content.decode()
    assert "Aún no hay campañas" in html

    campaign = CampaignFactory()
    html = client.get(url("leads", campaign)).content.decode()
    assert "import_leads" in html


def test_what_pearl_and_leads_say_is_shown_as_text_only(client, operator, campaign):
    LeadFactory(first_name="<script>alert(1)</script>", call_error_message="<b>x</b>")

    html = client.get(url("leads", campaign)).content.decode()

    assert "<script>alert" not in html
    assert "<b>x</b>" not in html
