"""The REST API: who may ask for what, what is answered, and how it refuses."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from calls import runs
from calls.api.urls import api
from calls.models import ApiToken, CallAttempt, Campaign, RunState, Scope, Worker
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from leads.models import BulkChange, CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

JSON = "application/json"
ALL = tuple(Scope.values)


def person(role: str) -> User:
    user, _new = User.objects.get_or_create(username=role)
    user.groups.add(Group.objects.get(name=role))
    return user


def as_person(role: str) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def with_token(role: str, *scopes: str, **columns) -> Client:
    later = timezone.now() + timedelta(days=1)
    token, raw = ApiToken.issue(
        person(role), name="cuadro", scopes=scopes, expires_at=later
    )
    ApiToken.objects.filter(pk=token.pk).update(**columns)
    return Client(headers={"Authorization": f"Bearer {raw}"}, enforce_csrf_checks=True)


def ask(client: Client, method: str, path: str, body=None, **options):
    data = {} if body is None else {"data": json.dumps(body), "content_type": JSON}
    return getattr(client, method)(f"/api/calls/{path}", **data, **options)


@pytest.fixture
def campaign():
    return CampaignFactory()


# --- Who may ask for what -----------------------------------------------------------

# (method, path, body): what each answers to anonymous, operador, supervisor, auditor,
# and to an operador's token with no scope.
TABLE = [
    ("get", "status", None, (401, 200, 200, 200, 403)),
    ("post", "start", {}, (401, 409, 409, 403, 403)),
    ("post", "pause", {}, (401, 200, 200, 403, 403)),
    ("post", "stop", {}, (401, 200, 200, 200, 403)),
    ("get", "pearl/campaigns", None, (401, 200, 200, 403, 403)),
    ("get", "test/connection", None, (401, 200, 200, 403, 403)),
    ("get", "leads", None, (401, 200, 200, 200, 403)),
    ("get", "leads/1", None, (401, 404, 404, 404, 403)),
    ("get", "attempts", None, (401, 200, 200, 200, 403)),
    ("get", "attempts/1", None, (401, 404, 404, 404, 403)),
    ("post", "leads/select", {"ids": [1]}, (401, 200, 200, 403, 403)),
    ("post", "leads/deselect", {"ids": [1]}, (401, 200, 200, 403, 403)),
    ("post", "leads/reset", {"ids": [1]}, (401, 200, 200, 403, 403)),
    ("post", "leads/undo/1", None, (401, 404, 404, 403, 403)),
]
IDS = {"leads/undo/1": "change_id", "attempts/1": "attempt_id"}


@pytest.mark.parametrize(("method", "path", "body", "statuses"), TABLE)
def test_each_role_gets_what_the_table_says(
    simulator, campaign, method, path, body, statuses
):
    clients = [
        Client(),
        *(as_person(role) for role in ("operador", "supervisor", "auditor")),
        with_token("operador"),
    ]

    answers = [ask(client, method, path, body) for client in clients]

    assert tuple(answer.status_code for answer in answers) == statuses
    for answer in answers:
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["title"]


def test_the_table_holds_every_endpoint():
    paths = api.get_openapi_schema()["paths"]
    published = {
        (method, path.removeprefix("/api/calls/"))
        for path, methods in paths.items()
        for method in methods
    }

    asked = {
        (method, path.replace("/1", f"/{{{IDS.get(path, 'lead_id')}}}"))
        for method, path, _body, _statuses in TABLE
    }
    assert asked == published


def test_a_session_needs_the_token_of_its_forms_to_change_something(campaign):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("operador"))

    assert ask(client, "get", "status").status_code == 200
    assert ask(client, "post", "stop", {}).status_code == 403


# --- Tokens -------------------------------------------------------------------------


def test_a_token_does_what_its_scopes_and_its_owner_may(campaign):
    reader = with_token("operador", Scope.READ)
    auditor = with_token("auditor", *ALL)

    assert ask(reader, "get", "leads").status_code == 200
    assert ask(reader, "post", "stop", {}).status_code == 403
    assert ask(auditor, "post", "stop", {}).status_code == 200
    assert ask(auditor, "post", "pause", {}).status_code == 403


@pytest.mark.parametrize(
    "columns", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}]
)
def test_a_token_that_ended_opens_nothing(campaign, columns):
    answer = ask(with_token("operador", *ALL, **columns), "get", "status")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_of_somebody_who_left_opens_nothing(campaign):
    client = with_token("operador", *ALL)
    User.objects.update(is_active=False)

    assert ask(client, "get", "status").status_code == 401


def test_a_wrong_token_is_refused_although_there_is_a_session(campaign):
    client = as_person("operador")

    answer = ask(client, "get", "status", headers={"Authorization": "Bearer tt_no"})

    assert answer.status_code == 401


def test_only_the_hash_of_a_token_is_kept_and_its_use_is_noted(campaign):
    client = with_token("operador", *ALL)
    raw = client.defaults["HTTP_AUTHORIZATION"].removeprefix("Bearer ")

    ask(client, "get", "status")

    token = ApiToken.objects.get()
    assert token.last_used_at is not None
    assert raw not in str(list(ApiToken.objects.values()))


def test_a_token_is_made_in_the_admin_seen_once_and_revoked(campaign):
    staff = as_person("operador")
    User.objects.update(is_staff=True)
    url = "/admin/calls/apitoken/"
    form = {"name": "cuadro de mando", "scopes": [Scope.READ], "days": "30"}

    shown = staff.post(f"{url}add/", form, follow=True).content.decode()

    raw = re.search(r"tt_[\w-]{43}", shown)[0]
    client = Client(headers={"Authorization": f"Bearer {raw}"})
    assert ask(client, "get", "status").status_code == 200
    assert raw not in staff.get(url).content.decode()
    token = ApiToken.objects.get()
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
    staff.post(url, {"action": "revoke", "_selected_action": [token.pk]})
    assert ask(client, "get", "status").status_code == 401


def test_each_person_sees_and_revokes_only_their_own_tokens(campaign):
    with_token("auditor", *ALL)
    staff = as_person("operador")
    User.objects.update(is_staff=True)
    token, url = ApiToken.objects.get(), "/admin/calls/apitoken/"

    assert "cuadro" not in staff.get(url).content.decode()
    assert staff.get(f"{url}{token.pk}/change/").status_code == 302
    staff.post(url, {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at is None


# --- Leads --------------------------------------------------------------------------


def test_leads_are_listed_page_by_page_with_the_filter_of_the_dashboard(campaign):
    client = as_person("operador")
    made = [LeadFactory(city="Madrid") for _ in range(5)]
    LeadFactory(city="Lugo")

    first = ask(client, "get", "leads?city=Madrid&status=selected&limit=3").json()
    rest = ask(client, "get", f"leads?city=Madrid&limit=3&after={first['next']}").json()

    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert ids == [lead.pk for lead in made]
    assert rest["next"] is None
    assert first["items"][0]["phone"] == made[0].phone_e164


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("after=-1", "after"),
        ("status=nope", "status"),
        ("priority=9", "priority"),
        ("last_from=2026-13-45", "last_from"),
        ("callback=soon", "callback"),
        ("lead_import=99999999999999999999", "lead_import"),
        ("q=%25", "q"),
        ("city=a%00b", "city"),
        ("colour=red", "colour"),
    ],
)
def test_what_is_not_understood_is_named_and_nobody_is_listed(campaign, query, field):
    LeadFactory()

    answer = ask(as_person("operador"), "get", f"leads?{query}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_leads_are_selected_by_id_or_by_filter_and_it_is_undone(campaign):
    client = with_token("operador", Scope.LEADS)
    out = {"call_status": CallStatus.NO_SELECTED, "selected_for_calling": False}
    leads = [LeadFactory(city="Getafe", **out) for _ in range(3)]
    other = LeadFactory(city="Lugo", **out)

    body = {"filter": {"city": ["Getafe"]}}
    done = ask(client, "post", "leads/select", body).json()

    assert done["changed"] == 3
    queued = Lead.objects.filter(selected_for_calling=True)
    assert {lead.pk for lead in queued} == {lead.pk for lead in leads}
    assert BulkChange.objects.get().by == person("operador")
    again = ask(client, "post", "leads/select", {"ids": [leads[0].pk, other.pk]}).json()
    assert again["changed"] == 1
    assert sum(again["unchanged"].values()) == 1
    back = ask(client, "post", f"leads/undo/{again['change']}").json()
    assert back == {"back": 1}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": None},
        {"ids": [1], "filter": {"city": ["Getafe"]}},
        {"filter": {}},
        {"filter": {"q": ""}},
        {"filter": {"status": ["nope"]}},
        {"filter": {"colour": "red"}},
        {"ids": [0]},
        {"ids": ["x"]},
        {"ids": list(range(1, 10_002))},
        {"ids": [1], "colour": "red"},
        {"ids": [1], "campaign": 10**30},
        [],
        "x",
        None,
    ],
)
def test_nobody_is_changed_by_what_is_not_understood(campaign, body):
    LeadFactory(call_status=CallStatus.NO_SELECTED, selected_for_calling=False)
    before = list(Lead.objects.values())

    client = as_person("operador")
    answer = client.post("/api/calls/leads/select", json.dumps(body), content_type=JSON)

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert list(Lead.objects.values()) == before


def test_a_body_that_is_no_json_is_refused_in_words(campaign):
    client = as_person("operador")

    answer = client.post("/api/calls/leads/select", "{", content_type=JSON)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_reset_forgets_the_attempts(campaign):
    lead = LeadFactory(call_status=CallStatus.ERROR, call_attempts_count=3)

    done = ask(as_person("operador"), "post", "leads/reset", {"ids": [lead.pk]})

    assert done.json()["changed"] == 1
    lead.refresh_from_db()
    assert lead.call_attempts_count == 0


# --- Calls --------------------------------------------------------------------------


def test_calls_are_listed_by_filter_and_one_tells_what_was_said(campaign):
    run = RunFactory(campaign=campaign)
    turns = [{"role": 1, "text": "Buenos días", "start": 0.5, "end": 1.5}]
    ended = AttemptFactory(run=run, transcript=turns, summary="Quiere cita")
    CallAttempt.objects.filter(pk=ended.pk).update(
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
    )
    on = AttemptFactory(run=run)
    client = as_person("auditor")

    def listed(query: str) -> list[int]:
        items = ask(client, "get", f"attempts?{query}").json()["items"]
        return [one["id"] for one in items]

    assert listed("") == [ended.pk, on.pk]
    assert listed("limit=1") == [ended.pk]
    assert listed(f"after={ended.pk}") == [on.pk]
    assert listed("state=ended&state=manual") == [ended.pk]
    assert listed("result=completed") == [ended.pk]
    assert listed(f"lead={on.lead_id}") == [on.pk]
    assert listed(f"run={run.pk + 1}") == listed(f"campaign={campaign.pk + 1}") == []
    told = ask(client, "get", f"attempts/{ended.pk}").json()
    assert told["transcript"] == turns
    assert told["summary"] == "Quiere cita"
    assert told["pearl_request_id"] == ended.pearl_request_id
    assert ask(client, "get", "attempts?state=x").status_code == 422
    assert ask(client, "get", "attempts?colour=x").status_code == 422


# --- Control ------------------------------------------------------------------------


def test_start_status_and_stop_as_on_the_dashboard(simulator, campaign):
    client = with_token("operador", *ALL)
    LeadFactory.create_batch(2)
    now = timezone.now()
    Worker.objects.create(
        identity="h/1/a", started_at=now, heartbeat_at=now, serving=True
    )

    started = ask(client, "post", "start", {"campaign": campaign.pk})
    again = ask(client, "post", "start", {})
    told = ask(client, "get", "status").json()

    assert started.status_code == 200, started.content
    assert again.json()["id"] == started.json()["id"]
    assert told["campaign"]["state"] == RunState.RUNNING
    assert told["run"]["started_by"] == "operador"
    assert told["leads"][CallStatus.SELECTED] == 2
    assert ask(client, "post", "pause", {}).json()["state"] == RunState.PAUSED
    assert ask(client, "post", "stop", {}).json()["state"] == RunState.STOPPED


def test_a_start_that_cannot_work_says_why(campaign):
    answer = ask(as_person("operador"), "post", "start", {})

    assert answer.status_code == 409
    assert "run_calls" in answer.json()["title"]
    assert Campaign.objects.get().state == RunState.STOPPED


def test_stop_says_how_many_calls_go_on():
    attempt = AttemptFactory()

    answer = ask(
        as_person("operador"), "post", "stop", {"campaign": attempt.campaign_id}
    )

    assert answer.json() == {"state": RunState.STOPPING, "in_course": 1}


def test_among_several_campaigns_one_must_be_named(campaign):
    other = CampaignFactory(outbound_id="b" * 24)
    client = as_person("operador")

    assert ask(client, "get", "status").status_code == 409
    assert ask(client, "get", f"status?campaign={other.pk}").status_code == 200
    assert ask(client, "get", "status?campaign=999").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", "stop", 405), ("delete", "leads", 405), ("get", "nothing/x", 404)],
)
def test_what_is_not_there_is_refused_in_words_too(campaign, method, path, status):
    answer = ask(as_person("operador"), method, path)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_without_pearl_one_reads_that_pearl_does_not_answer(campaign, settings):
    settings.PEARL_API_URL = "http://127.0.0.1:9"

    answer = ask(as_person("operador"), "get", "pearl/campaigns")

    assert answer.status_code == 502
    assert answer.json()["title"]


def test_too_many_requests_are_told_when_to_come_back(campaign):
    with time_machine.travel(timezone.now(), tick=False):
        client = with_token("operador", *ALL)
        answers = [ask(client, "get", "status") for _ in range(25)]

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) >= 1


def test_whoever_asks_too_often_may_still_stop(campaign):
    with time_machine.travel(timezone.now(), tick=False):
        client = with_token("operador", *ALL)
        for _ in range(25):
            told = ask(client, "get", "status")
        answers = [ask(client, "post", "stop", {}) for _ in range(25)]
        paused = ask(client, "post", "pause", {})

    assert told.status_code == 429
    assert {answer.status_code for answer in [*answers, paused]} == {200}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "pearl/campaigns", None),
        ("get", "test/connection", None),
        ("post", "start", {}),
    ],
)
def test_what_asks_pearl_is_asked_a_few_times_a_minute(
    simulator, campaign, method, path, body
):
    client = with_token("operador", *ALL)

    answers = [ask(client, method, path, body) for _ in range(7)]

    assert [answer.status_code == 429 for answer in answers] == [False] * 6 + [True]
    assert ask(client, "get", "status").status_code == 200


def test_the_documentation_is_for_whoever_is_in(campaign):
    assert Client().get("/api/docs").status_code == 302
    assert as_person("auditor").get("/api/docs").status_code == 200
    assert runs.last_event(campaign.pk) == 0
