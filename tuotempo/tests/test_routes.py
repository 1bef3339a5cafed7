"""Every address of the site, asked by nobody in particular: only those listed here
answer, and one that is new fails until it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.django_db

PART = re.compile(r"<(?:(\w+):)?\w+>")
EXAMPLES = {"int": "1", "uuid": "6f1c6c0e-6f5b-4f3c-9b0e-7d1c9c1f0a11"}
#: What each answers to a GET without a login. 405: it is posted to, and checks who
#: posts. Metrics and feeds ask for a secret of their own.
OPEN = {
    "login/": 200,
    "language": 405,
    "healthz": 200,
    "readyz": 200,
    "metrics": 404,
    "webhooks/pearl/x": 405,
    "calendars/x.ics": 404,
    "api/": 404,
    "admin/login/": 302,
}
LOGINS = ("/login/", "/admin/login/")


def addresses(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for one in patterns:
        path = before + example(str(one.pattern))
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, path)
        else:
            yield path


def example(route: str) -> str:
    """Of the few regular expressions, those of the admin, one that fits."""
    route = route.replace("^(?P<app_label>", "").replace("(?P<url>.*)$", "x")
    route = re.sub(r"^(\w+)(\|\w+)*\)/\$$", r"\1/", route)
    return PART.sub(lambda part: EXAMPLES.get(part[1], "x"), route)


EVERY = sorted(set(addresses(get_resolver().url_patterns, "")))


def test_the_crawl_finds_the_site():
    assert len(EVERY) > 150
    assert set(OPEN) <= set(EVERY)


@pytest.mark.parametrize("path", EVERY)
def test_nothing_is_told_without_a_login_but_what_is_listed(client, path):
    answer = client.get(f"/{path}")

    if path in OPEN:
        assert answer.status_code == OPEN[path]
    elif answer.status_code == 302:
        assert answer["Location"].startswith(LOGINS)
    else:
        assert answer.status_code in (401, 403, 405), answer.content
