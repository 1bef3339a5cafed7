"""The list of leads: its address, its pages, its saved views, what it suggests."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leads import lead_pages
from leads.models import Lead, LeadImport, SavedView
from leads.tests.admin_pages import LIST, said, staff
from leads.tests.factories import LeadFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db


def shown(page) -> list[int]:
    return [lead.pk for lead in page.context["cl"].result_list]


def list_of(page):
    return page.context["cl"]


def colleague(django_user_model, *permissions: str):
    user = django_user_model.objects.create_user("luis", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


# --- What it shows ------------------------------------------------------------------


def test_the_list_shows_state_in_a_dot_and_a_word_and_the_phone_grouped(staff):
    LeadFactory(phone_e164="+34612034118")
    LeadFactory(phone="61 mal", phone_e164="")

    html = staff.get(LIST).content.decode()

    assert '<span class="status status--selected">En cola</span>' in html
    assert "612 034 118" in html
    assert "61 mal" in html
    assert "style=" not in html.split('id="changelist"')[1]
    assert "onclick" not in html


@pytest.mark.parametrize("query", ["", "?city=Madrid&selected=true&q=persona", "?o=8"])
def test_the_list_takes_as_many_queries_for_many_leads_as_for_one(staff, query):
    record = LeadImport.objects.create(name="a.csv", sha256="0")
    LeadFactory(lead_import=record)
    staff.get(LIST + query)
    with CaptureQueriesContext(connection) as few:
        staff.get(LIST + query)
    LeadFactory.create_batch(60, lead_import=record, last_call_attempt=timezone.now())

    with CaptureQueriesContext(connection) as many:
        staff.get(LIST + query)

    assert len(many) == len(few)


def test_no_query_counts_or_reads_beyond_what_is_shown(staff, monkeypatch):
    monkeypatch.setattr(lead_pages, "COUNTED_AT_MOST", 60)
    LeadFactory.create_batch(65)
    staff.get(LIST)  # the alarms, whose count is bounded too, are known from here on

    with CaptureQueriesContext(connection) as queries:
        page = staff.get(LIST)

    reads = [q["sql"] for q in queries if "FROM" in q["sql"] and "leads" in q["sql"]]
    leads = [sql for sql in reads if "search_text" in sql or "`leads`" in sql]
    assert not any("COUNT(" in sql for sql in reads)
    assert all("LIMIT" in sql for sql in leads)
    assert list_of(page).page.count == 61


def test_before_the_first_import_it_says_what_to_do(staff):
    html = staff.get(LIST).content.decode()

    assert "Aún no hay leads." in html
    assert reverse("admin:leads_leadimport_add") in html


def test_when_nobody_is_found_it_names_the_value_that_no_lead_has(staff):
    LeadFactory(city="Getafe")

    html = staff.get(LIST, {"city": "Getaffe", "selected": "true"}).content.decode()

    assert "No hay ningún lead con Ciudad «Getaffe»." in html
    assert 'href="?selected=true"' in html


# --- The address --------------------------------------------------------------------


def test_the_address_holds_the_whole_filter_and_order_and_pages_keep_it(staff):
    LeadFactory.create_batch(30, city="Getafe")
    query = {"city": "Getafe", "status": ["selected", "error"], "n": "25", "o": "1"}

    page = staff.get(LIST, query)

    html = page.content.decode()
    kept = "city=Getafe&amp;n=25&amp;o=1&amp;status=selected&amp;status=error"
    assert len(shown(page)) == 25
    assert f'href="?{kept}&amp;p=2"' in html
    assert len(shown(staff.get(LIST, query | {"p": "2"}))) == 5


def test_a_chip_takes_its_filter_out_of_the_address_and_no_other(staff):
    query = {"status": ["selected", "error"], "city": "Getafe", "p": "3"}

    chips = list_of(staff.get(LIST, query)).chips

    without = {(chip.label, chip.value): chip.without for chip in chips}
    assert without["Estado", "Error"] == "?city=Getafe&status=selected"
    assert without["Ciudad", "Getafe"] == "?status=selected&status=error"


@pytest.mark.parametrize(
    "query",
    ["status=nada", "call_status__exact=selected", "last_from=ayer&city=Getafe"],
)
def test_an_address_that_is_not_understood_shows_nobody_and_says_why(staff, query):
    LeadFactory(city="Getafe")

    page = staff.get(f"{LIST}?{query}")

    assert page.status_code == 200
    assert shown(page) == []
    assert "El filtro tiene errores" in page.content.decode()
    assert any(chip.errors for chip in list_of(page).chips)


@pytest.mark.parametrize(
    "query", ["o=99", "o=-", "o=x", "p=0", "p=-1", "p=x", "p=999", "n=7", "tras=x",
              "tras=" + "9" * 30, "antes=5", "fin=1", "o=1.2.3"]
)  # fmt: skip
def test_a_place_or_order_that_is_none_shows_the_list_all_the_same(staff, query):
    lead = LeadFactory()

    assert shown(staff.get(f"{LIST}?{query}")) == [lead.pk]


# --- Pages --------------------------------------------------------------------------


def walk(staff, query: str, link: str) -> list[list[int]]:
    """Every page from the one at `query` on, by its own links."""
    pages, seen = [], set()
    while query not in seen:
        seen.add(query)
        page = staff.get(f"{LIST}{query}")
        pages.append(shown(page))
        query = list_of(page).pages.get(link, query)
    return pages


@pytest.fixture
def many(monkeypatch):
    """60 leads, of which 10 have the same surname and 12 were never called; more than
    are counted."""
    monkeypatch.setattr(lead_pages, "COUNTED_AT_MOST", 40)
    moment = timezone.now()
    return [
        LeadFactory(
            last_name="García" if n < 10 else f"Apellido {n * 7 % 60:02}",
            last_call_attempt=None if n % 5 == 0 else moment,
            next_call_at=moment,
        )
        for n in range(60)
    ]


@pytest.mark.parametrize("order", ["", "&o=1", "&o=-1", "&o=9", "&o=-9"])
def test_every_lead_is_on_one_page_of_a_list_too_long_to_number(staff, many, order):
    start = f"?n=25{order}"

    onwards = walk(staff, start, "next")
    back = walk(staff, f"{start}&fin=1", "previous")

    forwards = [pk for page in onwards for pk in page]
    assert sorted(forwards) == sorted(lead.pk for lead in many)
    assert [pk for page in reversed(back) for pk in page] == forwards
    assert [len(page) for page in onwards] == [25, 25, 10]


def test_the_last_page_is_read_with_as_many_queries_as_the_first(staff, many):
    staff.get(LIST)
    with CaptureQueriesContext(connection) as first:
        staff.get(f"{LIST}?n=25")
    with CaptureQueriesContext(connection) as last:
        staff.get(f"{LIST}?n=25&fin=1")

    assert len(last) == len(first)


def test_by_date_a_long_list_leaves_out_those_without_and_says_so(staff, many):
    page = staff.get(f"{LIST}?o=-8")

    called = [lead for lead in many if lead.last_call_attempt]
    assert len(called) > lead_pages.COUNTED_AT_MOST
    assert set(shown(page)) == {lead.pk for lead in called}
    assert "no salen los leads sin fecha" in page.content.decode()


@pytest.mark.parametrize(("order", "first"), [("8", "early"), ("-8", "late")])
def test_by_date_those_without_come_last_whatever_the_direction(staff, order, first):
    now = timezone.now()
    leads = {
        "early": LeadFactory(last_call_attempt=now.replace(year=2025)),
        "none": LeadFactory(last_call_attempt=None),
        "late": LeadFactory(last_call_attempt=now),
    }

    ids = shown(staff.get(f"{LIST}?o={order}"))

    assert (ids[0], ids[2]) == (leads[first].pk, leads["none"].pk)


def test_names_are_in_order_without_regard_to_accents(staff):
    leads = [LeadFactory(last_name=name) for name in ("Ávila", "Zamora", "Bravo")]

    ids = shown(staff.get(f"{LIST}?o=1"))

    assert ids == [leads[0].pk, leads[2].pk, leads[1].pk]


# --- Saved views --------------------------------------------------------------------


def save_view(client, name: str, query: str, **extra: str):
    data = {"name": name, "query": query} | extra
    return client.post(reverse("admin:leads_lead_save_view"), data, follow=True)


def test_a_view_keeps_the_filter_and_opens_it_again(staff):
    answer = save_view(staff, "Getafe", "?city=Getafe&p=3&tras=9&o=1&e=1&status=")

    assert "Vista «Getafe» guardada." in said(answer)
    assert SavedView.objects.get().query == "city=Getafe&o=1"
    tab = answer.context["tabs"][0]
    assert tab.url == "?city=Getafe&o=1"
    assert tab.is_here


def test_a_name_used_again_takes_the_new_filter(staff):
    save_view(staff, "Mía", "city=Getafe")
    save_view(staff, "Mía", "city=Lugo", shared="on")

    view = SavedView.objects.get()
    assert (view.query, view.shared) == ("city=Lugo", True)


def test_a_view_is_seen_by_others_only_when_shared(staff, client, django_user_model):
    save_view(staff, "Privada", "city=Getafe")
    save_view(staff, "De todos", "city=Lugo", shared="on")
    client.force_login(colleague(django_user_model, "view_lead"))

    tabs = client.get(LIST).context["tabs"]

    assert [tab.view.name for tab in tabs] == ["De todos"]


def test_nobody_deletes_the_view_of_another(staff, client, django_user_model):
    save_view(staff, "De todos", "city=Lugo", shared="on")
    url = reverse("admin:leads_lead_delete_view", args=[SavedView.objects.get().pk])
    owner = SavedView.objects.get().owner
    client.force_login(colleague(django_user_model, "view_lead"))

    client.post(url)
    assert SavedView.objects.exists()

    client.force_login(owner)
    client.post(url)
    assert not SavedView.objects.exists()


def test_a_filter_with_errors_is_not_kept(staff):
    answer = save_view(staff, "Mala", "status=nada")

    assert "no se ha guardado" in said(answer)
    assert not SavedView.objects.exists()


# --- Suggestions --------------------------------------------------------------------


def suggested(client, field: str, text: str) -> list[str]:
    url = reverse("admin:leads_lead_suggest")
    return client.get(url, {"field": field, "text": text}).json()["values"]


def test_values_are_suggested_by_how_they_begin_each_once(staff):
    for city in ("Getafe", "Getafe", "Getxo", "Girona", "Málaga", "MALAGÓN", "Madrid"):
        LeadFactory(city=city)

    assert suggested(staff, "city", "get") == ["Getafe", "Getxo"]
    assert suggested(staff, "city", "mala") == ["Málaga", "MALAGÓN"]
    assert suggested(staff, "city", "x") == []
    assert suggested(staff, "city", "") == []
    assert suggested(staff, "phone", "6") == []


def test_suggestions_are_few_and_each_is_one_step_of_the_index(staff):
    for n in range(40):
        LeadFactory(city=f"Villa {n:02}")
    LeadFactory.create_batch(30, city="Villa 00")

    with CaptureQueriesContext(connection) as queries:
        values = suggested(staff, "city", "Villa")

    reads = [q["sql"] for q in queries if "city" in q["sql"]]
    assert len(values) == 20
    assert len(reads) < 60
    assert all("LIMIT 1" in sql for sql in reads)


def test_suggestions_are_for_those_who_may_see_leads(client, django_user_model):
    client.force_login(colleague(django_user_model))

    answer = client.get(reverse("admin:leads_lead_suggest"), {"field": "city"})

    assert answer.status_code == 403
    assert not Lead.objects.exists()
