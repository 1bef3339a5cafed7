"""One lead by API: what is known of it, its history, and what is done to it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from calls.models import KeptAnswer, Scope
from calls.tests.api_asked import ALL, as_person, ask, person, with_token
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads.models import Disposition, LeadEvent, Suppression
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(campaign):
    return LeadFactory()


def do(lead, what: str, body=None, *, client=None, method: str = "post"):
    client = client or with_token("operador", Scope.LEADS)
    return ask(client, method, f"leads/{lead.pk}/{what}", body)


def tomorrow() -> str:
    return (timezone.now() + timedelta(days=1)).isoformat()


def test_one_lead_tells_all_that_is_known_of_it(lead):
    told = ask(as_person("auditor"), "get", f"leads/{lead.pk}").json()

    assert told["phone"] == lead.phone_e164
    assert (told["notes"], told["consent"], told["time_zone"]) == (
        None,
        "given",
        "Europe/Madrid",
    )


# --- History ------------------------------------------------------------------------


def test_the_history_is_told_page_by_page_newest_first():
    attempt = AttemptFactory(
        summary="Quiere cita", transcript=[{"role": 1, "text": "Buenos días"}]
    )
    lead = attempt.lead
    for n in range(3):
        do(lead, "note", {"text": f"nota {n}"})
    client = as_person("auditor")

    pages, before = [], ""
    while True:
        query = f"limit=2&before={before}"  # as it is, in an address
        page = ask(client, "get", f"leads/{lead.pk}/history?{query}").json()
        pages.append(page["items"])
        before = page["next"]
        if not before:
            break

    told = [one for page in pages for one in page]
    assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
    notes = [one for one in told if one["text"].startswith("nota")]
    assert [one["text"] for one in notes] == ["nota 2", "nota 1", "nota 0"]
    assert notes[0]["by"] == "operador"
    [call] = [one for one in told if one["attempt"]]
    assert (call["attempt"], call["text"]) == (attempt.pk, "Quiere cita")
    assert call["turns"] == [{"who": "Persona", "text": "Buenos días"}]


@pytest.mark.parametrize(
    "before",
    [
        "x",
        "2026-01-01T00:00:00~a~1",
        "0001-01-01T00:00:00+14:00~e~1",
        "9999-12-31T23:59:59-14:00~t~1",
        "2026-01-01T00:00:00+00:00~z~1",
    ],
)
def test_a_cursor_that_is_none_is_refused(lead, before):
    query = f"leads/{lead.pk}/history?before={quote(before)}"

    answer = ask(as_person("auditor"), "get", query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "before"


# --- What is done to it ---------------------------------------------------------------


def test_what_is_kept_of_an_answer_says_nothing_of_who_it_is(lead):
    client = with_token("operador", Scope.LEADS)
    key = {"Idempotency-Key": "una-vez"}
    body = {"disposition": "do_not_call", "confirmed": True}
    ask(client, "post", f"leads/{lead.pk}/disposition", body, headers=key)

    kept = KeptAnswer.objects.get().body
    assert str(lead.pk) in kept
    for column in ("first_name", "phone_e164", "city"):
        assert getattr(lead, column) not in kept


def test_a_note_is_kept_with_who_wrote_it(lead):
    answer = do(lead, "note", {"text": " Llamar por la tarde "})

    assert answer.status_code == 200, answer.content
    told = ask(as_person("auditor"), "get", f"leads/{lead.pk}").json()
    assert told["notes"] == "Llamar por la tarde"
    event = LeadEvent.objects.get(lead=lead)
    assert (event.kind, event.by) == (LeadEvent.Kind.NOTE, person("operador"))
    assert do(lead, "note", {"text": "   "}).status_code == 422


def test_a_lead_goes_to_the_head_of_the_queue(campaign):
    lead = LeadFactory(
        selected_for_calling=False, call_status="no_selected", pearl_outbound_id=None
    )

    answer = do(lead, "call-now", {})

    assert answer.status_code == 200, answer.content
    assert answer.json()["call_now"] is True
    assert answer.json()["campaign"] == campaign.outbound_id


def test_a_lead_that_cannot_be_called_is_not_and_one_is_told_why(campaign):
    lead = LeadFactory(manual_management=True)

    answer = do(lead, "call-now", {})

    assert answer.status_code == 409
    assert "gestión manual" in answer.json()["title"]


def test_the_campaign_is_asked_for_among_several_and_never_changed(lead):
    other = CampaignFactory(outbound_id="b" * 24, name="Otra")
    free = LeadFactory(pearl_outbound_id=None)

    assert do(free, "call-now", {}).status_code == 409
    done = do(free, "call-now", {"campaign": other.pk})
    assert done.json()["campaign"] == other.outbound_id
    refused = do(lead, "call-now", {"campaign": other.pk})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "campaign"


def test_a_call_is_promised_and_dropped(lead):
    at = (timezone.now() + timedelta(days=1)).replace(microsecond=0)

    promised = do(lead, "callback", {"at": at.isoformat()})
    dropped = do(lead, "callback", method="delete")

    assert promised.status_code == 200, promised.content
    assert parse_datetime(promised.json()["callback_at"]) == at
    assert promised.json()["disposition"] == Disposition.CALL_BACK
    assert dropped.json()["callback_at"] is None
    assert dropped.json()["selected"] is False
    kinds = set(LeadEvent.objects.values_list("kind", flat=True))
    assert {LeadEvent.Kind.CALLBACK, LeadEvent.Kind.CALLBACK_DROPPED} <= kinds


@pytest.mark.parametrize(
    "at",
    [
        "2020-01-01T12:00:00Z",
        "2199-01-01T12:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "2027-01-01T12:00:00",
        "mañana",
        10**30,
        None,
    ],
)
def test_a_promise_for_no_possible_hour_is_refused(lead, at):
    answer = do(lead, "callback", {"at": at})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"
    lead.refresh_from_db()
    assert lead.callback_at is None


def test_a_promise_keeps_the_hours_of_the_campaign(campaign):
    lead = LeadFactory()
    type(campaign).objects.update(
        always_open=False, weekly_hours={"mon": [["10:00", "11:00"]]}
    )
    sunday = timezone.now() + timedelta(days=(6 - timezone.now().weekday()) % 7 + 7)

    answer = do(lead, "callback", {"at": sunday.isoformat()})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"


def test_a_disposition_takes_a_lead_off_the_queue(lead):
    body = {"disposition": "not_interested", "reason": "price"}

    told = do(lead, "disposition", body).json()

    assert (told["disposition"], told["disposition_reason"]) == (
        "not_interested",
        "price",
    )
    assert told["selected"] is False


def test_a_disposition_asks_for_what_belongs_to_it(lead):
    def fields(body) -> list[str]:
        answer = do(lead, "disposition", body)
        assert answer.status_code == 422, answer.content
        return [error["field"] for error in answer.json()["errors"]]

    assert fields({"disposition": "not_interested"}) == ["reason"]
    assert fields({"disposition": "do_not_call"}) == ["confirmed"]
    assert fields({"disposition": "call_back"}) == ["at"]
    assert fields({"disposition": "nope"}) == ["disposition"]
    lead.refresh_from_db()
    assert lead.disposition == ""
    assert not Suppression.objects.exists()


def test_who_asks_not_to_be_called_is_excluded_once_it_is_confirmed(lead):
    answer = do(lead, "disposition", {"disposition": "do_not_call", "confirmed": True})

    assert answer.json()["disposition"] == "do_not_call"
    assert Suppression.objects.get().phone_e164 == lead.phone_e164


def test_call_back_is_a_promise(lead):
    body = {"disposition": "call_back", "at": tomorrow()}

    answer = do(lead, "disposition", body)

    assert answer.status_code == 200, answer.content
    assert answer.json()["callback_at"]


def test_a_promise_asks_for_the_right_to_queue_leads(lead):
    client = with_token("supervisor", *ALL)
    group = person("supervisor").groups.get()
    group.permissions.remove(group.permissions.get(codename="select_lead"))
    body = {"disposition": "call_back", "at": tomorrow()}

    assert do(lead, "disposition", body, client=client).status_code == 403
    appointment = {"disposition": "appointment"}
    assert do(lead, "disposition", appointment, client=client).status_code == 200


def test_priority_and_manual_management_by_id_or_filter(lead):
    client = with_token("operador", Scope.LEADS)
    body = {"filter": {"city": ["Madrid"]}, "priority": 1}

    assert ask(client, "post", "leads/priority", body).json()["changed"] == 1
    manual = {"ids": [lead.pk], "manual": True}
    assert ask(client, "post", "leads/manual", manual).json()["changed"] == 1
    lead.refresh_from_db()
    assert (lead.call_priority, lead.manual_management) == (1, True)
    assert not lead.selected_for_calling
    again = ask(client, "post", "leads/manual", manual).json()
    assert (again["changed"], sum(again["unchanged"].values())) == (0, 1)
    back = {"ids": [lead.pk], "manual": False}
    assert ask(client, "post", "leads/manual", back).json()["changed"] == 1
