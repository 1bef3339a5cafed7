"""Each person reads their own language, in any browser, at no cost of a query."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from calls.tests.factories import AttemptFactory, RunFactory
from leads.tests.factories import LeadFactory
from tuotempo.models import UserLanguage
from tuotempo.tests.test_catalogue import ENGLISH, ROOT, entries

pytestmark = pytest.mark.django_db

PASSWORD = "una-clave-de-prueba"
ENGLISH_BROWSER = {"accept-language": "en-GB,en;q=0.9"}


@pytest.fixture(autouse=True)
def _language_of_the_others():
    """A request leaves its language to its thread: the tests after it want theirs."""
    with translation.override("es"):
        yield
    cache.clear()


@pytest.fixture
def marta():
    return User.objects.create_superuser("marta", password=PASSWORD)


def log_in(**headers) -> Client:
    browser = Client(headers=headers)
    browser.post("/login/", {"username": "marta", "password": PASSWORD})
    return browser


def language_of(browser: Client, path: str = "/", **options) -> str:
    html = browser.get(path, **options).content.decode()
    found = re.search(r'<html lang="([\w-]+)"', html)
    assert found is not None
    return found[1]


def test_the_language_follows_its_person_to_a_second_browser(marta):
    first = log_in()
    assert language_of(first) == "es"
    first.post("/language", {"language": "en", "next": "/calls/"})

    second = log_in(**{"accept-language": "es-ES"})

    assert language_of(first) == "en"
    assert language_of(second) == "en"
    assert UserLanguage.objects.get(user=marta).language == "en"


def test_what_is_chosen_at_the_login_counts_from_then_on(marta):
    UserLanguage.objects.create(user=marta, language="en")
    browser = Client(headers=ENGLISH_BROWSER)
    browser.post("/language", {"language": "es", "next": "/login/"})
    assert language_of(browser, "/login/") == "es"

    browser.post("/login/", {"username": "marta", "password": PASSWORD})

    assert language_of(browser) == "es"
    assert language_of(log_in(**ENGLISH_BROWSER)) == "es"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "es"), ("en-GB,en", "en"), ("fr,de", "es"), ("fr,en;q=0.5", "en")],
)
def test_before_the_login_the_browser_says_which(client, accepted, language):
    headers = {"accept-language": accepted}

    assert language_of(client, "/login/", headers=headers) == language


@pytest.mark.parametrize("language", ["fr", "", "<b>", "en-US"])
def test_a_language_that_there_is_not_is_not_kept(marta, language):
    browser = log_in()

    answer = browser.post("/language", {"language": language})

    assert answer.status_code == 400
    assert not UserLanguage.objects.exists()
    assert language_of(browser) == "es"


def test_choosing_leads_back_to_the_page_and_nowhere_else(marta):
    browser = log_in()
    there = {"language": "en", "next": "/calls/?city=Getafe"}
    elsewhere = {"language": "en", "next": "https://example.com/"}

    assert browser.post("/language", there).url == "/calls/?city=Getafe"
    assert browser.post("/language", elsewhere).url == "/"
    assert Client(enforce_csrf_checks=True).post("/language", there).status_code == 403


def test_a_language_costs_no_page_a_query(marta):
    def queries(browser: Client) -> int:
        browser.get("/admin/")  # what is cached is cached
        with CaptureQueriesContext(connection) as asked:
            browser.get("/admin/")
        return len(asked)

    browser = log_in()
    before = queries(browser)
    browser.post("/language", {"language": "en"})

    assert language_of(browser, "/admin/") == "en"
    assert queries(browser) == before


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("es", "27/11/2026 17:05 · 27/11/2026 · 1.284 · 14,2"),
        ("en", "27 Nov 2026, 17:05 · 27/11/2026 · 1,284 · 14.2"),
    ],
)
def test_dates_and_numbers_are_those_of_the_language(language, shown):
    at = timezone.datetime.fromisoformat("2026-11-27T16:05:00+00:00")
    template = Template(
        "{% load humanize %}{{ at|date:'DATETIME_FORMAT' }} · "
        "{{ at|date:'SHORT_DATE_FORMAT' }} · {{ n|intcomma }} · {{ x|floatformat }}"
    )

    with translation.override(language):
        text = template.render(Context({"at": at, "n": 1284, "x": 14.2}))

    assert text == shown


def test_an_english_date_is_typed_day_first():
    from django.forms import DateField

    with translation.override("en"):
        assert DateField().clean("03/02/2026").month == 2


# --- Nothing in Spanish remains ------------------------------------------------------


class Texts(HTMLParser):
    """Every text that a page shows or says."""

    SAID = {"aria-label", "placeholder", "title", "alt", "value", "hx-confirm"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.hidden = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("script", "style")
        for name, value in attrs:
            if value and (name in self.SAID or name.startswith("data-")):
                self.found.add(value.strip())

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.hidden:
            self.found.add(" ".join(data.split()))


@pytest.fixture(scope="module")
def spanish() -> set[str]:
    """What the source says, where English says it in other words. A word of one
    language can be another of the other."""
    known = [
        pair for one in entries(ENGLISH / "django.po").values() for pair in one.pairs
    ]
    said = {english for _source, english in known}
    return {
        source
        for source, english in known
        if english and source not in said and "%" not in source and "{" not in source
    } - {"Español"}  # each language says its own name


PAGES = [
    "/", "/calls/", "/calls/?status=error&city=x", "/nothing-here", "/pearl",
    "/admin/", "/admin/leads/lead/", "/admin/leads/lead/add/",
    "/admin/leads/leadimport/",
    "/admin/leads/leadimport/add/", "/admin/leads/suppression/",
    "/admin/leads/suppression/add/", "/admin/leads/export/",
    "/admin/leads/bulkchange/", "/admin/calls/campaign/", "/admin/calls/campaign/add/",
    "/admin/calls/callattempt/", "/admin/calls/run/", "/admin/calls/worker/",
    "/admin/calls/pearlevent/", "/admin/calls/pearlaccount/",
    "/admin/password_change/", "/admin/auth/user/",
    "/admin/leads/lead/{lead}/change/", "/admin/calls/campaign/{campaign}/change/",
    "/admin/calls/callattempt/{attempt}/change/", "/calls/{campaign}/board", "/today",
    "/calls/{campaign}/leads", "/calls/{campaign}/stop",
]  # fmt: skip


def test_no_page_in_english_says_a_word_in_spanish(marta, spanish):
    run = RunFactory()
    lead = LeadFactory()
    attempt = AttemptFactory(run=run, campaign=run.campaign, lead=lead)
    ids = {"lead": lead.pk, "campaign": run.campaign.pk, "attempt": attempt.pk}
    browser = log_in()
    browser.post("/language", {"language": "en"})
    headers = {"accept": "text/html"}
    assert len(spanish) > 500

    left = {}
    for path in PAGES:
        page = browser.get(path.format(**ids), headers=headers)
        assert page.status_code in (200, 404, 405), path
        texts = Texts(page.content.decode()).found
        left |= {path: words} if (words := texts & spanish) else {}
    login = Client(headers=ENGLISH_BROWSER).get("/login/").content.decode()

    assert left == {}
    assert Texts(login).found & spanish == set()


SENTENCE = re.compile(r"[^\W\d_]{2,}(?: [^\W\d_]+){2,}")
STRING = re.compile(r'"([^"\n]*)"|`([^`]*)`')


def test_no_script_speaks_by_itself():
    """What a script says comes from the page, in the language of the page."""
    said = []
    for path in (ROOT / "static" / "js").glob("*.js"):
        code = re.sub(r"(?m)^\s*//.*$", "", Path(path).read_text(encoding="utf-8"))
        texts = ["".join(found) for found in STRING.findall(code)]
        said += [(path.name, text) for text in texts if SENTENCE.search(text)]

    assert said == []


def test_the_languages_offered_are_those_there_is_a_catalogue_for(client):
    html = client.get("/login/").content.decode()

    assert [*dict(settings.LANGUAGES)] == ["es", "en"]
    assert re.findall(r'lang="(\w+)"[^>]*>([^<]+)</button>', html) == [
        ("es", "Español"),
        ("en", "English"),
    ]
