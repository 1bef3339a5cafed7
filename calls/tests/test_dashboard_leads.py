"""The leads of /calls: whom a filter shows, and whom a press changes."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from calls.models import Campaign
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads import lead_pages
from leads.models import BulkChange, CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


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


def press(client, campaign: Campaign, query: str = "", **sent) -> dict:
    """What the page hears: the toast, and which events."""
    answer = client.post(f"{url('change_leads', campaign)}?{query}", sent, **HTMX)
    assert answer.status_code == 204, answer.content
    return json.loads(answer["HX-Trigger"])


def in_queue() -> set[int]:
    chosen = Lead.objects.filter(selected_for_calling=True)
    return set(chosen.values_list("pk", flat=True))


# --- Who may ------------------------------------------------------------------------


def test_who_may_not_see_leads_cannot_count_them_by_a_filter(client, campaign):
    user = User.objects.create_user("luis")
    names = ("view_campaign", "select_lead")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    idle(first_name="Ane")

    where = f"{url('change_leads', campaign)}?q=Ane"
    answer = client.post(where, {"verb": "select", "scope": "all"}, **HTMX)

    assert answer.status_code == 403


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


@pytest.mark.parametrize(
    ("verb", "permission"),
    [
        ("select", "select_lead"),
        ("deselect", "select_lead"),
        ("reset", "select_lead"),
        ("priority:1", "select_lead"),
        ("manual:on", "change_lead"),
        ("manual:off", "change_lead"),
    ],
)
def test_each_verb_asks_for_the_permission_that_the_admin_asks_for(
    client, campaign, verb, permission
):
    lead = LeadFactory(manual_management=verb == "manual:off")
    sent = {"verb": verb, "id": [lead.pk]}
    for codename in ("select_lead", "change_lead"):
        user = User.objects.create_user(codename)
        names = ("view_lead", codename)
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(user)

        answer = client.post(url("change_leads", campaign), sent, **HTMX)

        assert (answer.status_code == 204) is (codename == permission)


def test_a_verb_that_does_not_exist_is_refused(client, operator, campaign):
    LeadFactory()

    sent = {"verb": "exclude", "scope": "all", "confirmed": "1"}

    assert client.post(url("change_leads", campaign), sent).status_code == 403


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


# --- What a press changes -----------------------------------------------------------


def test_the_ticked_leads_are_put_in_the_queue_and_only_they(
    client, operator, campaign
):
    one, _other = idle(), idle()

    heard = press(client, campaign, verb="select", id=[one.pk])

    assert in_queue() == {one.pk}
    assert "1 lead cambiado" in heard["toast"]["text"]
    assert heard["toast"]["action"]["label"] == "Deshacer"
    assert {"leads", "acted"} <= set(heard)


def test_the_toast_says_how_many_stay_as_they_are_and_why(client, operator, campaign):
    leads = [idle(), idle(phone_e164=""), idle(phone_e164=""), LeadFactory()]

    heard = press(client, campaign, verb="select", id=[lead.pk for lead in leads])

    text = heard["toast"]["text"]
    assert "1 lead cambiado" in text
    assert "3 se quedan como están" in text
    assert "sin número válido: 2" in text
    assert "ya estaba en esa cola: 1" in text


def test_nobody_ticked_is_said_and_offers_nothing_to_undo(client, operator, campaign):
    LeadFactory()

    heard = press(client, campaign, verb="deselect")

    assert heard["toast"] == {"text": "Marque primero algún lead."}
    assert "acted" not in heard
    assert not BulkChange.objects.exists()


def test_the_whole_filter_is_asked_about_before_anybody_changes(
    client, operator, campaign
):
    idle(city="Getafe", phone_e164="")
    for _each in range(30):
        idle(city="Getafe")
    idle(city="Madrid")

    answer = client.post(
        f"{url('change_leads', campaign)}?city=Getafe&status=&page=2",
        {"verb": "select", "scope": "all"},
        **HTMX,
    )

    html = answer.content.decode()
    assert in_queue() == set()
    assert answer["HX-Retarget"] == "#dialog"
    assert "Poner en cola 30 leads" in html
    assert "de 31 cambian" in html
    assert 'Sin número válido: <b class="num">1</b>' in html


def test_the_whole_filter_is_changed_beyond_the_page(client, operator, campaign):
    getafe = {idle(city="Getafe").pk for _each in range(30)}
    idle(city="Madrid")

    press(
        client,
        campaign,
        "city=Getafe&status=&priority=&attempts=&page=2&size=25",
        verb="select",
        scope="all",
        confirmed="1",
    )

    assert in_queue() == getafe
    assert BulkChange.objects.get().filter_query == "city=Getafe"


def test_who_came_after_the_question_is_not_in_the_answer(client, operator, campaign):
    """An import ended while somebody read how many would be put in the queue."""
    asked = idle(city="Getafe")
    where = f"{url('change_leads', campaign)}?city=Getafe"
    question = client.post(where, {"verb": "select", "scope": "all"}, **HTMX)
    form = dict(FIELD.findall(question.content.decode()))
    idle(city="Getafe")

    client.post(where, form, **HTMX)

    assert in_queue() == {asked.pk}


def test_of_the_whole_filter_one_state_alone_can_be_changed(client, operator, campaign):
    busy = idle(city="Getafe")
    Lead.objects.filter(pk=busy.pk).update(call_status=CallStatus.BUSY)
    idle(city="Getafe")

    press(
        client,
        campaign,
        "city=Getafe",
        verb="select",
        scope="all",
        only="busy",
        confirmed="1",
    )

    assert in_queue() == {busy.pk}


def test_without_htmx_the_question_is_a_page_and_the_answer_the_list(
    client, operator, campaign
):
    lead = idle(city="Getafe")
    where = f"{url('change_leads', campaign)}?city=Getafe"

    page = client.post(where, {"verb": "select", "scope": "all"})
    answer = client.post(where, {"verb": "select", "scope": "all", "confirmed": "1"})

    assert "<html" in page.content.decode()
    assert "Poner en cola 1 lead" in page.content.decode()
    assert answer["Location"] == f"{reverse('calls:manager')}?city=Getafe"
    assert in_queue() == {lead.pk}


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense",
        "attempts=x",
        "priority=99",
        "citty=Madrid",
        "why=nonsense",
        "last_from=ayer",
    ],
)
def test_a_filter_that_is_not_understood_changes_nobody(
    client, operator, campaign, query
):
    LeadFactory.create_batch(3)

    heard = press(
        client,
        campaign,
        query,
        verb="deselect",
        scope="all",
        confirmed="1",
        id=["9" * 40],
    )

    assert heard["toast"]["kind"] == "error"
    assert len(in_queue()) == 3


def test_a_very_long_id_changes_nobody(client, operator, campaign):
    LeadFactory()

    press(client, campaign, verb="deselect", id=["9" * 40, "-1", "x"])

    assert len(in_queue()) == 1


def test_an_undo_puts_back_those_that_did_not_move_on(client, operator, campaign):
    one, called = idle(), idle()
    heard = press(client, campaign, verb="select", id=[one.pk, called.pk])
    Lead.objects.filter(pk=called.pk).update(call_status=CallStatus.CALLING)

    answer = client.post(heard["toast"]["action"]["url"], **HTMX)

    heard = json.loads(answer["HX-Trigger"])
    assert in_queue() == {called.pk}
    assert "1 lead vuelve a estar como antes" in heard["toast"]["text"]
    assert "1 no: desde entonces" in heard["toast"]["text"]
    assert "leads" in heard


def test_nobody_undoes_the_change_of_another(client, operator, campaign):
    lead = idle()
    heard = press(client, campaign, verb="select", id=[lead.pk])
    other = User.objects.create_user("iker")
    other.user_permissions.add(Permission.objects.get(codename="select_lead"))
    client.force_login(other)

    assert client.post(heard["toast"]["action"]["url"], **HTMX).status_code == 404
    assert in_queue() == {lead.pk}


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


def test_all_whom_a_reason_keeps_waiting_can_be_changed(client, operator, campaign):
    able = LeadFactory()
    LeadFactory.create_batch(2, time_zone="")

    press(
        client,
        campaign,
        "why=unknown_place",
        verb="deselect",
        scope="all",
        confirmed="1",
    )

    assert in_queue() == {able.pk}


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
