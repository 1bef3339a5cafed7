"""New leads by API: each row becomes a lead, changes one, or is refused whole."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from calls.tests.api_asked import JSON, as_person, ask, person, with_every_right
from leads.models import Consent, Lead, LeadEvent
from leads.tests.factories import LeadFactory, SuppressionFactory

pytestmark = pytest.mark.django_db


def add(*rows, client=None, **more):
    body = {"items": list(rows), **more}
    return ask(client or as_person("supervisor"), "post", "leads", body)


def test_a_new_lead_is_as_one_of_an_import(campaign):
    row = {
        "phone": "600 11-22 33",
        "first_name": "  Ana ",
        "last_name": "Ejemplo",
        "postal_code": "8001",
        "birth_date": "03/02/1980",
        "priority": "alta",
        "consent": "sí",
        "notes": "Prefiere tardes",
        "external_id": "crm-1",
    }

    answer = add(row)

    assert answer.status_code == 200, answer.content
    told = answer.json()
    lead = Lead.objects.get()
    assert told["items"] == [
        {"row": 0, "result": "created", "lead": lead.pk, "errors": [], "remarks": []}
    ]
    assert (told["created"], told["updated"], told["refused"]) == (1, 0, 0)
    assert lead.phone_e164 == "+34600112233"
    assert (lead.first_name, lead.postal_code, lead.community) == ("Ana", "08001", "CT")
    assert (lead.time_zone, lead.call_priority) == ("Europe/Madrid", 1)
    assert (lead.consent, lead.consent_source) == (Consent.GIVEN, "API")
    assert (lead.source_file, lead.source_row) == ("API", None)
    assert not lead.selected_for_calling
    event = LeadEvent.objects.get()
    assert (event.kind, event.by) == (LeadEvent.Kind.CREATED, person("supervisor"))


def test_each_row_is_told_what_became_of_it(campaign):
    SuppressionFactory(phone_e164="+34600000009")
    known = LeadFactory(phone_e164="+34600000001", external_id="a", city="Lugo")
    same = LeadFactory(phone_e164="+34600000002", external_id="b", city="Lugo")
    LeadFactory(phone_e164="+34600000003", national_id="00000000T")
    rows = [
        {"phone": "600000010", "email": "no es", "birth_date": "31/02/1980"},
        {"phone": "600000001", "external_id": "a", "city": "Vigo"},
        {"phone": "600000002", "external_id": "b", "city": "Lugo"},
        {"phone": "600000003", "national_id": "11111111H", "first_name": "Eva"},
        {"phone": "600000009"},
        {"phone": "no es un número"},
        {"phone": "600000011", "city": "x" * 121},
        {"phone": "600000010"},
        {"phone": "600000012", "policy_number": "1,23E+15"},
        {"phone": "600000013", "external_id": "a"},
    ]

    told = add(*rows).json()

    new = Lead.objects.get(phone_e164="+34600000010")
    found = [
        (one["result"], one["lead"], [error["field"] for error in one["errors"]])
        for one in told["items"]
    ]
    assert found == [
        ("created", new.pk, []),
        ("updated", known.pk, []),
        ("unchanged", same.pk, []),
        ("duplicate", None, ["phone"]),
        ("suppressed", None, ["phone"]),
        ("rejected", None, ["phone"]),
        ("rejected", None, ["city"]),
        ("duplicate", None, ["phone"]),
        ("rejected", None, ["policy_number"]),
        ("duplicate", None, ["external_id"]),
    ]
    assert [one["row"] for one in told["items"]] == list(range(10))
    remarks = {one["field"] for one in told["items"][0]["remarks"]}
    assert remarks == {"email", "birth_date"}
    assert (told["created"], told["updated"], told["refused"]) == (1, 1, 7)
    assert Lead.objects.count() == 4
    known.refresh_from_db()
    assert known.city == "Vigo"
    event = LeadEvent.objects.get(lead=known)
    assert event.changes == {"city": ["Lugo", "Vigo"]}
    assert (event.kind, event.by) == (LeadEvent.Kind.EDITED, person("supervisor"))


def test_without_update_what_is_there_stays(campaign):
    lead = LeadFactory(phone_e164="+34600000001", city="Lugo", external_id="a")

    told = add(
        {"phone": "600000001", "external_id": "a", "city": "Vigo"}, update=False
    ).json()

    assert told["items"][0]["result"] == "unchanged"
    lead.refresh_from_db()
    assert lead.city == "Lugo"


def test_the_consent_of_all_is_said_once(campaign):
    add(
        {"phone": "600000001"},
        {"phone": "600000002", "consent": "no"},
        consent_source="Formulario web",
    )

    told = Lead.objects.order_by("phone_e164").values_list("consent", "consent_source")
    assert list(told) == [(Consent.GIVEN, "Formulario web"), (Consent.REFUSED, "")]


def test_what_was_filled_in_gives_a_lead_its_turn(campaign):
    lead = LeadFactory(
        phone_e164="+34600000001", external_id="a", next_call_at=None, city="Lugo"
    )

    add({"phone": "600000001", "external_id": "a", "city": "Vigo"})

    lead.refresh_from_db()
    assert lead.next_call_at is not None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": [{}]},
        {"items": [{"phone": 600111222}]},
        {"items": [{"phone": "600111222", "colour": "red"}]},
        {"items": [{"phone": "600111222"}], "campaign": 1},
        {"items": [{"phone": "600111222"}] * 1001},
        {"items": {"phone": "600111222"}},
    ],
)
def test_a_request_that_is_not_understood_makes_no_lead(campaign, body):
    answer = ask(as_person("supervisor"), "post", "leads", body)

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not Lead.objects.exists()


def test_a_thousand_rows_cost_as_many_queries_as_ten(
    campaign, django_assert_max_num_queries
):
    client = as_person("supervisor")
    with django_assert_max_num_queries(40):
        few = add(*({"phone": f"6000000{n:02}"} for n in range(10)), client=client)
    rows = [{"phone": f"600{n:06}"} for n in range(1000, 2000)]

    with django_assert_max_num_queries(40):
        many = add(*rows, client=client)

    assert (few.json()["created"], many.json()["created"]) == (10, 1000)


def test_more_than_fits_is_refused_in_words(campaign):
    rows = [{"phone": "600111222", "notes": "x" * 4000}] * 1000

    answer = add(*rows)

    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"
    assert not Lead.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_programs_at_once_make_each_lead_once():
    raw = with_every_right().defaults["HTTP_AUTHORIZATION"]
    rows = [{"phone": f"6000000{n:02}"} for n in range(20)]
    ready = Barrier(6)

    def work(_n: int):
        client = Client(headers={"Authorization": raw})
        try:
            ready.wait()
            return client.post(
                "/api/calls/leads", json.dumps({"items": rows}), content_type=JSON
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(work, range(6)))

    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["created"] for answer in answers) == 20
    assert Lead.objects.count() == 20
