"""The leads of /calls: whom a filter shows, and to whom."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from calls.tests.dashboard_pages import HTMX, idle, operator, url
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads import lead_pages
from leads.models import CallStatus
from leads.tests.factories import LeadFactory

__all__ = ["operator"]

pytestmark = pytest.mark.django_db


# --- Who may ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["leads", "lead_list"])
def test_who_may_not_see_leads_sees_none(client, campaign, name):
    user = User.objects.create_user("luis")
    user.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    client.force_login(user)
    idle(first_name="Ane")

    assert client.get(url(name, campaign)).status_code == 403
    html = client.get(reverse("calls:manager")).content.decode()
    assert "Ane" not in html
    assert "No tiene permiso para ver los leads" in html


def test_who_may_only_look_is_offered_no_verb(client, campaign):
    user = User.objects.create_user("luis")
    user.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client.force_login(user)
    LeadFactory()

    html = client.get(url("leads", campaign)).content.decode()

    assert 'name="verb"' not in html
    assert 'name="id"' not in html


@pytest.mark.parametrize(
    ("here", "back"),
    [
        ("http://testserver/calls/?city=Getafe", "/calls/?city=Getafe"),
        ("https://elsewhere.example/calls/?a=1", ""),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_a_login_after_a_lost_session_comes_back_to_the_filter(
    client, campaign, here, back
):
    answer = client.get(url("lead_list", campaign), HTTP_HX_CURRENT_URL=here, **HTMX)

    assert answer.status_code == 401
    wanted = f"?{urlencode({'next': back})}" if back else ""
    assert answer["HX-Redirect"] == f"{reverse('login')}{wanted}"


def test_an_address_that_is_none_is_no_error(client, operator, campaign):
    answer = client.get(url("leads", campaign), HTTP_HX_CURRENT_URL="http://[", **HTMX)

    assert answer.status_code == 200


# --- Whom a filter shows ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [("Ana López", 1), ("López", 2), ("Ana", 2), ("612 034", 1), ("034118", 1)],
)
def test_every_word_of_a_search_must_fit(client, operator, campaign, text, found):
    idle(first_name="Ana", last_name="López Gil", phone_e164="+34612034118")
    idle(first_name="Ana Belén", last_name="Ortiz Vega")
    idle(first_name="María", last_name="López")

    html = client.get(url("leads", campaign), {"q": text}).content.decode()

    assert html.count('class="person ') == found


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
    assert "Prioridad «99»: Esta opción no existe." in html
    assert "Ane" not in html


def test_a_filter_with_an_error_keeps_what_was_typed(client, operator, campaign):
    query = {"lead_import": "doce", "city": "Getafe"}

    html = client.get(url("leads", campaign), query).content.decode()

    assert 'value="doce"' in html
    assert 'aria-invalid="true"' in html
    assert 'value="Getafe" checked' in html


def test_a_chip_for_each_active_filter_has_the_address_without_it(
    client, operator, campaign
):
    query = "city=Getafe&city=Palma&status=busy&status=error&attempts=2&page=3&size=50"

    table = client.get(f"{url('leads', campaign)}?{query}").context["table"]

    chips = {(chip.label, chip.value): chip.without for chip in table.chips}
    assert set(chips) == {
        ("Ciudad", "Getafe"),
        ("Ciudad", "Palma"),
        ("Estado", "Ocupado"),
        ("Estado", "Error"),
        ("Intentos", "2"),
    }
    without = QueryDict(chips["Ciudad", "Palma"].removeprefix("?"))
    assert without.getlist("city") == ["Getafe"]
    assert without.getlist("status") == ["busy", "error"]
    assert "page" not in without
    assert without["size"] == "50"
    assert QueryDict(table.unfiltered.removeprefix("?")).dict() == {
        "campaign": str(campaign.pk),
        "size": "50",
    }


def test_a_campaign_is_shown_by_its_name(client, operator, campaign):
    LeadFactory(first_name="Ane")
    LeadFactory(first_name="Iker", pearl_outbound_id="otra")

    html = client.get(
        url("leads", campaign), {"outbound": campaign.outbound_id}
    ).content.decode()

    assert "Campaña: <b>Citas de prueba</b>" in html
    assert "Ane" in html
    assert "Iker" not in html


def test_a_reason_shows_those_whom_it_keeps_waiting(client, operator, campaign):
    LeadFactory(first_name="Ane", manual_management=False)
    LeadFactory(first_name="Iker", time_zone="")

    html = client.get(url("leads", campaign), {"why": "unknown_place"}).content.decode()

    assert "Espera: <b>sin huso horario conocido</b>" in html
    assert "Iker" in html
    assert "Ane" not in html


def test_a_reason_that_does_not_exist_shows_nobody_and_says_so(
    client, operator, campaign
):
    LeadFactory(first_name="Ane")

    html = client.get(url("leads", campaign), {"why": "nonsense"}).content.decode()

    assert "Espera «nonsense»: Este motivo no existe." in html
    assert "Ane" not in html


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=ane",
        "city=Getafe&city=Palma",
        "status=error&status=busy&priority=3",
        "attempts=0&selected=true",
        "outbound=66f0a1b2c3d4e5f601020304&status=selected",
        "source=a.csv&disposition=none",
        "citty=Getafe",
        "status=nonsense",
    ],
)
def test_the_dashboard_and_the_admin_list_the_same_leads(
    client, admin_user, campaign, query
):
    client.force_login(admin_user)
    idle(first_name="Ane", city="Getafe", source_file="a.csv")
    idle(first_name="Iker", city="Palma", source_file="b.csv")
    LeadFactory(city="Palma del Río", call_status=CallStatus.ERROR)
    LeadFactory(city="Getafe", call_status=CallStatus.BUSY, source_file="a.csv")
    LeadFactory(first_name="Ane", pearl_outbound_id="otra")

    here = client.get(f"{url('lead_list', campaign)}?{query}").context["table"]
    there = client.get(f"{reverse('admin:leads_lead_changelist')}?{query}").context

    assert {lead.pk for lead in here.page.leads} == {
        lead.pk for lead in there["cl"].result_list
    }


def test_suggestions_leave_out_what_is_ticked(client, operator):
    for city in ("Getafe", "Getxo", "Gijón"):
        idle(city=city)

    html = client.get(
        f"{reverse('calls:suggestions')}?city=get&city=Getxo"
    ).content.decode()

    assert 'value="Getafe"' in html
    assert "Getxo" not in html
    assert "Gijón" not in html


def test_suggestions_are_for_who_may_see_leads(client):
    client.force_login(User.objects.create_user("luis"))

    assert client.get(f"{reverse('calls:suggestions')}?city=g").status_code == 403


@pytest.mark.parametrize(
    ("before", "now", "header"),
    [
        ("q=an", "q=ana", "HX-Replace-Url"),
        ("", "q=a", "HX-Push-Url"),
        ("q=an", "q=an&status=error", "HX-Push-Url"),
        ("q=an", "", "HX-Push-Url"),
        ("status=busy", "status=error", "HX-Push-Url"),
        ("city=Get", "city=Getafe", "HX-Replace-Url"),
        ("q=an", "q=an&status=", None),
    ],
)
def test_going_back_skips_the_letters_of_a_word_and_nothing_else(
    client, operator, campaign, before, now, header
):
    mine = f"campaign={campaign.pk}"

    answer = client.get(
        f"{url('leads', campaign)}?{mine}&{now}",
        HTTP_HX_CURRENT_URL=f"http://testserver/calls/?{mine}&{before}",
        **HTMX,
    )

    given = {one for one in ("HX-Push-Url", "HX-Replace-Url") if one in answer}
    assert given == ({header} if header else set())
    if header:
        kept = QueryDict(answer[header].partition("?")[2]).dict()
        assert kept == QueryDict(f"{mine}&{now}").dict()


def test_rows_are_the_same_for_all_who_may_do_the_same(client, operator, campaign):
    LeadFactory.create_batch(2)
    again = User.objects.create_user("iker")
    again.user_permissions.set(operator.user_permissions.all())
    first = client.get(url("lead_list", campaign)).content
    client.force_login(again)

    assert client.get(url("lead_list", campaign)).content == first
    assert b"csrf" not in first


def test_a_lead_in_a_call_shows_since_when(client, operator, run):
    attempt = AttemptFactory(run=run)

    html = client.get(url("lead_list", run.campaign)).content.decode()

    since = timezone.localtime(attempt.claimed_at).isoformat()[:19]
    assert f'data-since="{since}' in html


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
        table = context["table"]
        seen += [lead.first_name for lead in table.page.leads]
        moves = dict(table.moves)
        page = QueryDict(moves["Siguiente"]).dict() if "Siguiente" in moves else None

    assert seen == names
    back = QueryDict(moves["Anterior"]).dict()
    table = client.get(url("leads", campaign), back).context["table"]
    assert [lead.first_name for lead in table.page.leads] == names[25:50]


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
    assert "Importe un archivo CSV o Excel." in html
    assert reverse("admin:leads_leadimport_add") not in html

    operator.is_staff = True
    operator.save()
    operator.user_permissions.add(Permission.objects.get(codename="import_lead"))
    html = client.get(url("leads", campaign)).content.decode()
    assert reverse("admin:leads_leadimport_add") in html


def test_a_filter_that_finds_nobody_says_what_to_remove(client, operator, campaign):
    idle(city="Getafe")

    unknown = client.get(url("leads", campaign), {"city": "Getaffe"}).content.decode()
    together = client.get(
        url("leads", campaign), {"city": "Getafe", "status": "busy"}
    ).content.decode()

    assert "No hay ningún lead con Ciudad «Getaffe»." in unknown
    assert "Ningún lead cumple todo el filtro." in together


def test_what_pearl_and_leads_say_is_shown_as_text_only(client, operator, campaign):
    LeadFactory(first_name="<script>alert(1)</script>", call_error_message="<b>x</b>")

    html = client.get(url("leads", campaign)).content.decode()

    assert "<script>alert" not in html
    assert "<b>x</b>" not in html
