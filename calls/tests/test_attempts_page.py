"""The page of the calls behind a number: every number leads to exactly those."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from calls import attempt_list, board
from calls.models import CallAttempt, Campaign, Run
from calls.outcome_table import BUILT_IN, ENDED_STATUSES
from calls.states import HELD, Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.test_dashboard import HTMX, url
from leads.models import CallStatus
from leads.tests.admin_pages import IDLE
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


def let_in(client, *names: str, **facts) -> User:
    user = User.objects.create_user("ana", **facts)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


@pytest.fixture
def operator(client) -> User:
    return let_in(client, "run_campaign", "view_campaign", "select_lead", "view_lead")


def attempt(run: Run, state: State, outcome: str = "", **more) -> CallAttempt:
    """Its lead shows it, as it would."""
    status = BUILT_IN.status_of(outcome) if outcome else CallStatus.ERROR
    facts = {"state": state, "outcome": outcome, "run": run, "campaign": run.campaign}
    if state not in HELD:
        facts |= {"open_lead_id": None, "open_phone": None}
        facts |= {"closed_at": timezone.now(), "lead__call_status": status}
        facts |= {"lead__selected_for_calling": False}
    if "lead" in more:
        facts = {k: v for k, v in facts.items() if not k.startswith("lead__")}
    else:
        facts["lead__pearl_outbound_id"] = run.campaign.outbound_id
    return AttemptFactory(**facts | more)


def ended(run: Run, outcome: str, n: int = 1, **more) -> None:
    for _each in range(n):
        attempt(run, State.ENDED, outcome, **more)


def all_kinds(run: Run, *, more: int) -> None:
    """Calls in every state, and ended with every outcome: of no two kinds as many, as
    far as the board tells them apart."""
    for state in State:
        if state != State.ENDED:
            attempt(run, state)
    attempt(run, State.MANUAL)
    for outcome in filter(None, Outcome.values):
        ended(run, outcome)
    ended(run, Outcome.BUSY, more)
    ended(run, Outcome.SUCCESS, is_test=True, lead__call_status=CallStatus.ERROR)


@pytest.fixture
def busy_house(db) -> Campaign:
    """Two campaigns, and an earlier run of the first."""
    campaign = CampaignFactory(state="running", generation=2)
    earlier = RunFactory(campaign=campaign, generation=1)
    run = RunFactory(campaign=campaign, generation=2)
    other = RunFactory(campaign__outbound_id="f" * 24, campaign__name="Otra")
    all_kinds(earlier, more=4)
    all_kinds(run, more=7)
    all_kinds(other, more=2)
    twice = LeadFactory(**IDLE | {"call_status": CallStatus.COMPLETED})
    ended(earlier, Outcome.SUCCESS, lead=twice)
    ended(run, Outcome.CONVERSATION, lead=twice)
    again = LeadFactory()  # completed once, and now in the queue again
    ended(run, Outcome.SUCCESS, lead=again)
    moved = LeadFactory(**IDLE | {"call_status": CallStatus.COMPLETED})
    ended(other, Outcome.SUCCESS, lead=moved)
    return campaign


class Links(HTMLParser):
    """What a page links to, with the words of each link."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._href: str | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self._href = dict(attrs).get("href") or ""
            self._words = ""

    def handle_data(self, data):
        if self._href is not None:
            self._words += data

    def handle_endtag(self, tag):
        if tag == "a" and self._href is not None:
            self.found.append((self._href, " ".join(self._words.split())))
            self._href = None


def links_to_attempts(html: str) -> list[tuple[str, str]]:
    return [(href, words) for href, words in Links(html).found if "/attempts" in href]


def number_in(words: str) -> int:
    found = re.search(r"\d[\d.]*", words)
    assert found, words
    return int(found[0].replace(".", ""))


def listed(client, address: str) -> int:
    """What the page says it lists."""
    html = client.get(address).content.decode()
    found = re.search(r'id="attempts-total">([^<]*)<', html)
    assert found, html
    return number_in(unescape(found[1]))


def shown_ids(client, address: str) -> list[int]:
    html = client.get(address).content.decode()
    return [int(pk) for pk in re.findall(r'id="attempt-(\d+)"', html)]


def wrong(client, address: str) -> str:
    answer = client.get(address)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert 'role="alert"' in html
    assert 'id="attempt-' not in html
    assert "attempts-total" not in html
    return unescape(re.sub(r"\s+", " ", html))


# --- Each number and its list -------------------------------------------------------


@pytest.mark.parametrize("state", ["running", "paused", "stopping", "stopped"])
def test_every_number_of_calls_leads_to_exactly_those(
    client, operator, busy_house, state
):
    Campaign.objects.filter(pk=busy_house.pk).update(state=state)
    html = client.get(url("board", busy_house), **HTMX).content.decode()

    links = links_to_attempts(html)

    for href, words in links:
        if "success" not in href:
            assert listed(client, href) == number_in(words) > 0, (href, words)
    # Done, the four endings, in course twice, for a person, and success.
    assert len(links) == 9
    assert "/admin/" not in html


def test_the_numbers_of_this_board_tell_runs_and_campaigns_apart(
    client, operator, busy_house
):
    """Else the test above could not fail."""
    run = busy_house.runs.last()
    of_campaign = url("attempts", busy_house)
    addresses = [f"{of_campaign}?run={run.pk}", of_campaign, "/calls/attempts"]

    counts = [listed(client, address) for address in addresses]

    assert counts == [
        run.attempts.count(),
        busy_house.attempts.count(),
        CallAttempt.objects.count(),
    ]
    assert sorted({*counts}) == counts


def test_who_would_be_called_now_is_listed_too(client, operator, busy_house):
    Campaign.objects.filter(pk=busy_house.pk).update(state="stopped")
    LeadFactory.create_batch(3)
    LeadFactory(manual_management=True)
    html = client.get(url("board", busy_house), **HTMX).content.decode()
    ((href, words),) = [one for one in Links(html).found if "why=allowed" in one[0]]

    shown = client.get(href).content.decode()

    found = re.search(r'id="leads-total"[^>]*>\s*([^<]*)<', shown)
    assert found
    assert number_in(found[1]) == number_in(words) == 3


def test_success_leads_to_the_last_call_of_each_lead_it_counts(
    client, operator, busy_house
):
    shown = board.board(busy_house.pk, now=timezone.now())
    completed = busy_house.leads.filter(call_status=CallStatus.COMPLETED)
    over = busy_house.leads.filter(call_status__in=ENDED_STATUSES)

    html = client.get(url("board", busy_house), **HTMX).content.decode()
    ((href, words),) = [one for one in links_to_attempts(html) if "success" in one[0]]

    assert href == shown.success_attempts
    assert listed(client, href) == completed.count()
    assert number_in(words) == round(100 * completed.count() / over.count())
    calls = CallAttempt.objects.filter(pk__in=shown_ids(client, href))
    assert {*calls.values_list("lead", flat=True)} == {
        *completed.values_list("pk", flat=True)
    }


def test_success_says_how_many_leads_came_completed_from_elsewhere(
    client, operator, busy_house
):
    address = attempt_list.address_of(busy_house, {"success": "true"})
    assert "otro sistema" not in client.get(address).content.decode()
    completed = IDLE | {"call_status": CallStatus.COMPLETED}
    tested, _other = LeadFactory.create_batch(2, **completed)
    ended(busy_house.runs.last(), Outcome.SUCCESS, lead=tested, is_test=True)

    html = client.get(address).content.decode()

    assert "cuenta además 2 leads completados" in html
    query = f"?campaign={busy_house.pk}&outbound={busy_house.outbound_id}"
    assert f"{query}&status=completed" in unescape(html)


def test_today_leads_to_exactly_its_calls_too(client, operator, busy_house):
    run = busy_house.runs.last()
    yesterday = timezone.now() - timedelta(days=1)
    ended(run, Outcome.BUSY, closed_at=yesterday, send_started_at=yesterday)

    links = links_to_attempts(client.get("/").content.decode())

    assert len(links) == 4 + 2 * 4  # of all campaigns, and of each
    for href, words in links:
        assert listed(client, href) == number_in(words) > 0, href


def test_of_a_count_that_is_bounded_it_says_so(client, operator, run, monkeypatch):
    monkeypatch.setattr(attempt_list, "COUNTED_AT_MOST", 30)
    ended(run, Outcome.BUSY, 40)

    html = client.get(url("attempts", run.campaign)).content.decode()

    assert "más de 30 llamadas" in html


# --- What a line says ---------------------------------------------------------------


def test_a_call_is_read_in_words(client, operator, run):
    at = timezone.datetime.fromisoformat("2026-11-27T09:05:00+00:00")
    ended(
        run,
        Outcome.VOICEMAIL,
        claimed_at=at,
        duration_seconds=124,
        lead__first_name="Ximena",
        lead__last_name="Roca",
        is_test=True,
    )
    one = CallAttempt.objects.get()

    html = client.get(url("attempts", run.campaign)).content.decode()

    for words in (
        "27/11/2026 10:05",
        "Ximena Roca",
        "Terminada",
        "Buzón de voz",
        "2 min 4 s",
        ">prueba<",
        "1 llamada<",
    ):
        assert words in html, words
    lead = f"/calls/?campaign={run.campaign_id}&lead={one.lead_id}"
    assert lead in unescape(html)
    assert 'id="drawer-title"' in client.get(lead).content.decode()


def test_every_state_is_named_and_coloured(client, operator, run):
    for state in State:
        attempt(run, state, Outcome.BUSY if state == State.ENDED else "")

    html = client.get(url("attempts", run.campaign)).content.decode()

    for state in State:
        assert f">{state.label}<" in html, state
    assert html.count("status--calling") == 4
    assert html.count("status--busy") == 1


def test_what_is_listed_is_said_in_words(client, operator, run):
    said = {
        f"run={run.pk}&result=no_answer": "Llamadas sin respuesta",
        "result=busy&since=2026-01-05": "desde el 05/01/2026",
        "state=manual": "Llamadas por revisar",
        "state=rejected&state=not_sent": "No enviada, Rechazada por Pearl",
        "test=true": "solo las de prueba",
        "": "Todas las llamadas",
    }
    for query, words in said.items():
        address = f"{url('attempts', run.campaign)}?{query}"
        assert words in client.get(address).content.decode(), query


def test_an_empty_list_says_what_to_do_next(client, operator, run):
    address = url("attempts", run.campaign)
    nobody = client.get(address).content.decode()
    none = client.get(f"{address}?state=manual").content.decode()

    assert "Ponga leads en cola" in nobody
    assert "ha cambiado desde entonces" in none
    for html in (nobody, none):
        assert f'href="/calls/?campaign={run.campaign_id}"' in html


# --- Bad addresses ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=nada", "Situación «nada»: Esta opción no existe."),
        ("state=ended&state=nada", "Situación «ended, nada»"),
        ("result=selected", "Resultado «selected»: Esta opción no existe."),
        ("success=maybe", "Éxito «maybe»"),
        ("success=false", "Éxito «false»"),
        ("test=maybe", "Prueba «maybe»"),
        ("since=ayer", "Terminadas desde «ayer»: Escriba la fecha"),
        ("run=abc", "Ejecución «abc»"),
        ("run=0", "Ejecución «0»"),
        ("run=99999999", "Ejecución «99999999»: Esta ejecución no existe."),
        ("run=99999999999999999999999", "Ejecución"),
        ("after=abc", "Página «abc»: Esta página no existe."),
        ("before=-1", "Página «-1»"),
        ("city=Getafe", "«city»: Este filtro no existe."),
        ("state__in=ended", "«state__in»: Este filtro no existe."),
        ("run=%00", "Ejecución"),
        ("state=%3Cb%3E", "Situación"),
    ],
)
def test_what_is_not_understood_lists_nobody_and_says_so(
    client, operator, run, query, words
):
    attempt(run, State.ACCEPTED)

    for address in (url("attempts", run.campaign), reverse("calls:all_attempts")):
        html = wrong(client, f"{address}?{query}")

        assert words in html
        assert "<b></b>" not in html


def test_a_run_of_another_campaign_is_none_of_this_one(client, operator, run):
    other = RunFactory(campaign__outbound_id="f" * 24)
    attempt(other, State.ACCEPTED)

    html = wrong(client, f"{url('attempts', run.campaign)}?run={other.pk}")

    assert "Esta ejecución no existe." in html


@pytest.mark.parametrize("campaign_id", ["99", "99999999999999999999999"])
def test_a_campaign_that_does_not_exist_is_not_found(client, operator, campaign_id):
    assert client.get(f"/calls/{campaign_id}/attempts").status_code == 404


# --- Who may ------------------------------------------------------------------------


def test_who_may_not_see_the_dashboard_may_not_see_its_calls(client, run):
    addresses = [url("attempts", run.campaign), reverse("calls:all_attempts")]
    for address in addresses:
        assert client.get(address)["Location"].startswith(reverse("login"))

    let_in(client, "view_lead", "view_callattempt")

    for address in addresses:
        assert client.get(address).status_code == 403


def test_it_is_only_looked_at(client, operator, run):
    assert client.post(url("attempts", run.campaign)).status_code == 405


def test_names_are_for_those_who_may_see_leads(client, run):
    let_in(client, "view_campaign")
    one = attempt(run, State.MANUAL, lead__first_name="Ximena", error="Ximena colgó")

    html = client.get(url("attempts", run.campaign)).content.decode()

    assert "Ximena" not in html
    assert f"Lead {one.lead_id}" in html
    assert f"lead={one.lead_id}" not in html


def test_the_same_in_the_admin_is_for_staff_who_may(client, busy_house):
    user = let_in(client, "view_campaign", "view_callattempt")
    day = timezone.localdate().isoformat()
    queries = [
        f"run={busy_house.runs.last().pk}&result=no_answer",
        "state=manual",
        "state=accepted&state=unknown",
        f"result=busy&since={day}&test=false",
        "success=true",
    ]
    for query in queries:
        html = client.get(f"{url('attempts', busy_house)}?{query}").content.decode()
        assert "/admin/" not in html

    User.objects.filter(pk=user.pk).update(is_staff=True)

    for query in queries:
        address = f"{url('attempts', busy_house)}?{query}"
        html = unescape(client.get(address).content.decode())
        there = re.findall(r'href="(/admin/calls/callattempt/[^"]+)"', html)
        if query.startswith("success"):
            assert there == []
            continue
        found = client.get(there[0]).context["cl"].result_count
        assert found == listed(client, address) > 0


# --- Pages --------------------------------------------------------------------------


@pytest.mark.parametrize("counted_at_most", [10_000, 30])
def test_pages_by_key_lose_and_repeat_nobody(
    client, operator, run, monkeypatch, counted_at_most
):
    monkeypatch.setattr(attempt_list, "COUNTED_AT_MOST", counted_at_most)
    ended(run, Outcome.BUSY, 60)
    ended(run, Outcome.SUCCESS, 5)
    address = f"{url('attempts', run.campaign)}?run={run.pk}&result=busy"
    busy = run.attempts.filter(outcome="busy").order_by("-pk")
    pks = list(busy.values_list("pk", flat=True))

    walked = [shown_ids(client, address)]
    there = address
    while next_page := move(client, there, "Siguiente"):
        there = next_page
        walked.append(shown_ids(client, there))

    assert walked == [pks[:25], pks[25:50], pks[50:]]
    back = move(client, there, "Anterior")
    assert shown_ids(client, back) == pks[25:50]
    assert shown_ids(client, move(client, back, "Siguiente")) == pks[50:]
    first = move(client, back, "Anterior")
    assert shown_ids(client, first) == pks[:25]
    assert not move(client, first, "Anterior")
    # What is new meanwhile moves nothing of the pages that follow.
    ended(run, Outcome.BUSY)
    assert shown_ids(client, move(client, address, "Siguiente")) == pks[24:49]
    assert shown_ids(client, back) == pks[25:50]


def move(client, address: str, words: str) -> str:
    """The address that a link to another page leads to; empty: there is none."""
    links = Links(client.get(address).content.decode()).found
    found = [href for href, said in links if said == words]
    return f"{address.partition('?')[0]}{found[0]}" if found else ""


def test_a_page_that_is_gone_leads_to_the_first(client, operator, run):
    one = attempt(run, State.ACCEPTED)

    html = client.get(f"{url('attempts', run.campaign)}?after={one.pk}").content

    assert "Volver a la primera" in html.decode()


@pytest.mark.parametrize(
    "query", ["", "result=busy&run={run}", "success=true", "state=ended&after=9999999"]
)
def test_it_costs_the_same_with_three_calls_and_with_thirty(
    client,
    operator,
    run,
    query,
    django_assert_num_queries,
    django_assert_max_num_queries,
):
    address = f"{url('attempts', run.campaign)}?{query.format(run=run.pk)}"
    for outcome in (Outcome.BUSY, Outcome.SUCCESS):
        ended(run, outcome, 3)
    client.get(address)
    with django_assert_max_num_queries(12) as few:
        client.get(address)
    for outcome in (Outcome.BUSY, Outcome.SUCCESS):
        ended(run, outcome, 30)

    with django_assert_max_num_queries(12) as many:
        html = client.get(address).content.decode()
    assert len(many) == len(few)
    assert html.count('id="attempt-') == 25


# --- In a browser -------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_from_the_legend_to_its_calls_and_back(page, live_server, client):
    run = RunFactory()
    ended(run, Outcome.BUSY, 2)
    ended(run, Outcome.SUCCESS)
    let_in(client, "run_campaign", "view_campaign", "view_lead")
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies(
        [{"name": session.key, "value": session.value, "url": live_server.url}]
    )
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/calls/")

    page.locator("#panel").get_by_role("link", name="Ocupado 2").first.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("encontraron ocupado")
    expect(page.locator(".attempt")).to_have_count(2)
    page.wait_for_load_state()  # its style may come after its text
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".attempt").first.get_by_role("link").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.locator(".attempt")).to_have_count(2)
    page.go_back()
    expect(page.locator("#panel")).to_contain_text("3 de 3 llamadas")
    expect(page.locator("#flow")).to_be_visible()
