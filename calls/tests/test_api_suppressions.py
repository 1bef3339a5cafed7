"""The exclusion list by API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from calls.models import Scope
from calls.tests.api_asked import ALL, as_person, ask, person, with_token
from leads import suppressions
from leads.models import Suppression
from leads.tests.factories import LeadFactory, SuppressionFactory

pytestmark = pytest.mark.django_db

PATH = "suppressions"


def test_a_number_is_excluded_in_whatever_spelling(campaign):
    client = with_token("operador", Scope.LEADS)
    body = {"phone": "0034 600-111 222", "reason": "Lo pidió"}

    answer = ask(client, "post", PATH, body)

    assert answer.status_code == 201, answer.content
    one = Suppression.objects.get()
    assert one.phone_e164 == "+34600111222"
    assert (one.created_by, one.source, one.list) == (
        person("operador"),
        "API",
        "request",
    )
    assert answer.json() == {"id": one.pk}
    listed = ask(as_person("auditor"), "get", PATH).json()["items"]
    assert (listed[0]["phone"], listed[0]["created_by"]) == (
        "+34600111222",
        "operador",
    )
    assert LogEntry.objects.get().user == person("operador")
    now = timezone.now()
    assert suppressions.suppressed_among(["+34600111222"], now=now)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "123"}, "phone"),
        ({"phone": ""}, "phone"),
        ({"phone": "600111222", "list": "nope"}, "list"),
        ({"phone": "600111222", "reason": "x" * 201}, "reason"),
        ({"phone": "600111222", "reason": "a\0b"}, "reason"),
        ({"phone": "600111222", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"phone": "600111222", "expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"phone": "600111222", "expires_at": "9999-12-31T23:59:59-12:00"}, None),
        ({"phone": "600111222", "proposed": False}, "proposed"),
    ],
)
def test_what_is_not_valid_is_named_and_nobody_excluded(campaign, body, field):
    answer = ask(as_person("operador"), "post", PATH, body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == (field or "expires_at")
    assert not Suppression.objects.exists()


def test_a_number_is_on_a_list_once(campaign):
    body = {"phone": "600111222"}
    client = as_person("operador")

    first, again = (ask(client, "post", PATH, body) for _ in range(2))
    other = ask(client, "post", PATH, body | {"list": "internal"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 422, 201)
    assert again.json()["errors"][0]["field"] == "phone"


def test_numbers_are_listed_page_by_page_and_filtered(campaign):
    now = timezone.now()
    made = [SuppressionFactory() for _ in range(3)]
    ended = SuppressionFactory(expires_at=now - timedelta(days=1))
    proposed = SuppressionFactory(proposed=True, list="provider")
    forgotten = SuppressionFactory(phone_e164="+34600999888")
    suppressions.forget_numbers(Suppression.objects.filter(pk=forgotten.pk))
    client = as_person("auditor")

    def listed(query: str) -> list[int]:
        items = ask(client, "get", f"{PATH}?{query}").json()["items"]
        return [one["id"] for one in items]

    first = ask(client, "get", f"{PATH}?limit=2").json()
    assert [one["id"] for one in first["items"]] == [one.pk for one in made[:2]]
    assert listed(f"after={first['next']}&limit=2") == [made[2].pk, ended.pk]
    assert listed("state=expired") == [ended.pk]
    assert listed("state=proposed") == listed("list=provider") == [proposed.pk]
    assert set(listed("state=active")) == {*(one.pk for one in made), forgotten.pk}
    assert listed("phone=600 999 888") == [forgotten.pk]
    assert listed(f"phone=%2B{made[0].phone_e164[1:]}") == [made[0].pk]
    for query in ("phone=abc", "state=x", "list=x", "colour=red", "after=-1"):
        assert ask(client, "get", f"{PATH}?{query}").status_code == 422


def test_a_number_withdrawn_gives_its_leads_their_turn(campaign):
    lead = LeadFactory(next_call_at=None)
    one = SuppressionFactory(phone_e164=lead.phone_e164)

    answer = ask(with_token("supervisor", *ALL), "delete", f"{PATH}/{one.pk}")

    assert answer.status_code == 204
    assert answer.content == b""
    assert not Suppression.objects.exists()
    lead.refresh_from_db()
    assert lead.next_call_at is not None
    assert LogEntry.objects.get().object_id == str(one.pk)
