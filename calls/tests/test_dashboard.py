"""The views of /calls: what they do, who may, and what a refusal says."""

from __future__ import annotations

import time
from threading import Thread

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from calls import runs
from calls.models import Campaign, Run, RunState, Worker
from calls.tests.factories import AttemptFactory, CampaignFactory
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


@pytest.fixture
def viewer(client) -> User:
    user = User.objects.create_user("luis")
    client.force_login(user)
    return user


def url(name: str, campaign: Campaign) -> str:
    return reverse(f"calls:{name}", args=[campaign.pk])


def a_worker() -> None:
    now = timezone.now()
    Worker.objects.create(
        identity="host/1/a", started_at=now, heartbeat_at=now, serving=True
    )


# --- Who may ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/calls/", "/calls/1/board", "/calls/1/events", "/calls/1/leads"]
)
def test_every_page_asks_for_a_login(client, path):
    answer = client.get(path)

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))


def test_a_fragment_without_login_sends_the_page_to_the_login(client, campaign):
    answer = client.get(url("board", campaign), **HTMX)

    assert answer.status_code == 401
    assert answer["HX-Redirect"] == reverse("login")


@pytest.mark.parametrize("name", ["start", "stop", "set_limit", "change_leads"])
def test_who_may_only_look_changes_nothing(client, viewer, campaign, name):
    LeadFactory(selected_for_calling=False, call_status="no_selected")

    assert client.post(url(name, campaign), {"verb": "select"}).status_code == 403
    assert client.get(url(name, campaign)).status_code == 405
    assert not Lead.objects.filter(selected_for_calling=True).exists()


def test_stop_is_for_everybody_who_may_see_campaigns(client, viewer, run):
    permission = Permission.objects.get(codename="view_campaign")
    viewer.user_permissions.add(permission)

    assert client.post(url("stop", run.campaign), **HTMX).status_code == 200
    assert Campaign.objects.get().state == RunState.STOPPED


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_login(client, path):
    assert client.get(path).content == b"ok"


def test_pages_carry_a_strict_policy_and_no_inline_code(client, operator, campaign):
    LeadFactory()
    answer = client.get(reverse("calls:manager"))

    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert " style=" not in answer.content.decode()
    assert "<script>" not in answer.content.decode()


# --- START and STOP -----------------------------------------------------------------


def test_start_runs_the_campaign_in_the_name_of_who_pressed_it(
    client, operator, campaign, simulator
):
    a_worker()
    LeadFactory()

    answer = client.post(url("start", campaign), **HTMX)

    assert "Detener" in answer.content.decode()
    assert Campaign.objects.get().state == RunState.RUNNING
    assert Run.objects.get().started_by == operator


def test_a_double_click_starts_one_run(client, operator, campaign, simulator):
    a_worker()
    LeadFactory()

    for _twice in range(2):
        client.post(url("start", campaign), **HTMX)

    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_stop_pressed_while_start_is_being_checked_wins(
    client, operator, campaign, simulator
):
    a_worker()
    LeadFactory()
    simulator.set(latency_seconds=[0.4, 0.5])
    pressed = Thread(target=press_stop_soon, args=(campaign.pk,))
    pressed.start()

    answer = client.post(url("start", campaign), **HTMX)

    pressed.join()
    assert "se pulsó Detener" in answer.content.decode()
    assert Campaign.objects.get().state == RunState.STOPPED


def press_stop_soon(campaign_id: int) -> None:
    time.sleep(0.6)
    try:
        runs.stop(campaign_id, now=timezone.now())
    finally:
        connection.close()


def test_start_refuses_with_the_reason_and_the_queue_is_kept(
    client, operator, campaign, simulator
):
    LeadFactory()
    assert "Ningún proceso espera órdenes" in start(client, campaign)

    a_worker()
    simulator.set(campaigns={campaign.outbound_id: {"status": 2}})
    assert "no está en marcha en Pearl" in start(client, campaign)

    simulator.set(campaigns={campaign.outbound_id: {"status": 1}})
    simulator.set(account={"status": 3})
    assert "no puede llamar" in start(client, campaign)

    assert Campaign.objects.get().state == RunState.STOPPED
    assert Lead.objects.get().call_status == CallStatus.SELECTED


def start(client, campaign: Campaign) -> str:
    answer = client.post(url("start", campaign), **HTMX)
    assert 'role="alert"' in answer.content.decode()
    return answer.content.decode()


def test_stop_says_how_many_calls_go_on(client, operator, run):
    AttemptFactory.create_batch(2, run=run)

    answer = client.post(url("stop", run.campaign), **HTMX)

    assert "2 llamadas en curso" in answer["HX-Trigger"].encode().decode(
        "unicode_escape"
    )
    assert Campaign.objects.get().state == RunState.STOPPING


def test_stop_of_a_stopped_campaign_changes_nothing(client, operator, campaign):
    runs.stop(campaign.pk, now=timezone.now())

    assert client.post(url("stop", campaign), **HTMX).status_code == 200
    assert Campaign.objects.get().state == RunState.STOPPED


@pytest.mark.parametrize("text", ["0", "1001", "-3", "muchas", "", "٣"])
def test_a_limit_that_makes_no_sense_is_refused_in_words(
    client, operator, campaign, text
):
    answer = client.post(url("set_limit", campaign), {"limit": text}, **HTMX)

    assert "entre 1 y 1.000" in answer.content.decode()
    assert Campaign.objects.get().max_concurrent_calls == 5


def test_the_limit_is_kept(client, operator, campaign):
    client.post(url("set_limit", campaign), {"limit": "12"}, **HTMX)

    assert Campaign.objects.get().max_concurrent_calls == 12


# --- Leads --------------------------------------------------------------------------


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
