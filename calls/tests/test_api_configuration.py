"""The configuration of a campaign by API: read, and written if nobody else did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.db import connection
from django.test import Client

from calls import runs
from calls.api.configuration import SETTINGS
from calls.api.urls import api
from calls.models import Campaign, ControlEvent, RunState, Scope
from calls.tests.api_asked import (
    ALL,
    as_person,
    ask,
    person,
    with_every_right,
    with_token,
)
from calls.tests.factories import CampaignFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(campaign):
    return with_token("supervisor", *ALL)


def read(client, campaign):
    answer = ask(client, "get", f"configuration/{campaign.pk}")
    assert answer.status_code == 200, answer.content
    return answer.json(), answer["ETag"]


def write(client, campaign, settings, tag):
    headers = {} if tag is None else {"If-Match": tag}
    path = f"configuration/{campaign.pk}"
    return ask(client, "put", path, settings, headers=headers)


def test_what_was_read_is_written_back_with_a_change(client, campaign):
    settings, tag = read(client, campaign)
    settings |= {
        "max_concurrent_calls": 9,
        "always_open": False,
        "weekly_hours": {"mon": [["09:00", "14:00"]]},
        "retry_minutes": {"busy": [5]},
    }

    answer = write(client, campaign, settings, tag)

    assert answer.status_code == 200, answer.content
    assert answer.json() == settings
    assert answer["ETag"] != tag
    campaign.refresh_from_db()
    assert campaign.max_concurrent_calls == 9
    assert campaign.retry_minutes == {"busy": [5]}
    assert read(client, campaign) == (settings, answer["ETag"])
    event = ControlEvent.objects.get()
    assert (event.kind, event.by) == (ControlEvent.Kind.LIMIT, person("supervisor"))
    assert LogEntry.objects.get().user == person("supervisor")


def test_nothing_changed_changes_nothing(client, campaign):
    settings, tag = read(client, campaign)

    answer = write(client, campaign, settings, tag)

    assert (answer.status_code, answer["ETag"]) == (200, tag)
    assert not LogEntry.objects.exists()
    assert not ControlEvent.objects.exists()


def test_what_changed_meanwhile_is_not_written_over(client, campaign):
    settings, tag = read(client, campaign)
    Campaign.objects.update(max_attempts=7)

    answer = write(client, campaign, settings | {"name": "Otra"}, tag)

    assert answer.status_code == 412
    campaign.refresh_from_db()
    assert (campaign.max_attempts, campaign.name) == (7, "Citas de prueba")
    assert write(client, campaign, settings, None).status_code == 428
    assert write(client, campaign, settings, f'"x", {tag}').status_code == 412
    assert write(client, campaign, settings, "*").status_code == 200


def test_the_header_is_published_as_it_is_sent():
    path = api.get_openapi_schema()["paths"]["/api/calls/configuration/{campaign_id}"]

    assert "If-Match" in {one["name"] for one in path["put"]["parameters"]}
    assert "ETag" in path["get"]["responses"][200]["headers"]


def test_what_the_engine_writes_does_not_change_the_tag(client, campaign):
    _settings, tag = read(client, campaign)
    Campaign.objects.update(state=RunState.RUNNING, generation=4, claims_made=9)

    assert read(client, campaign)[1] == tag


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"max_concurrent_calls": 0}, "max_concurrent_calls"),
        ({"max_concurrent_calls": 10**30}, "max_concurrent_calls"),
        ({"max_concurrent_calls": "x"}, "max_concurrent_calls"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_attempts": 51}, "max_attempts"),
        ({"timeout_seconds": 4}, "timeout_seconds"),
        ({"close_margin_seconds": 3601}, "close_margin_seconds"),
        ({"weekly_hours": {"lun": [["09:00", "14:00"]]}}, "weekly_hours"),
        ({"weekly_hours": {"mon": [["14:00", "09:00"]]}}, "weekly_hours"),
        ({"weekly_hours": {"mon": [["09:00"]]}}, "weekly_hours"),
        ({"weekly_hours": {"mon": "x"}}, "weekly_hours.mon"),
        ({"weekly_hours": {}, "always_open": False}, "weekly_hours"),
        ({"retry_minutes": {"nope": [1]}}, "retry_minutes"),
        ({"retry_minutes": {"busy": [0]}}, "retry_minutes"),
        ({"retry_minutes": {"busy": [10**30]}}, "retry_minutes"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "   "}, "name"),
        ({"pearl_id": "x"}, "pearl_id"),
        ({"test_phone": "123"}, "test_phone"),
        ({"outbound_id": "a" * 24}, "outbound_id"),
    ],
)
def test_what_the_form_would_refuse_is_refused_by_name(client, campaign, change, field):
    settings, tag = read(client, campaign)
    before = Campaign.objects.values().get()

    answer = write(client, campaign, settings | change, tag)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert Campaign.objects.values().get() == before


def test_every_setting_must_be_said(client, campaign):
    settings, tag = read(client, campaign)
    del settings["max_attempts"]

    assert write(client, campaign, settings, tag).status_code == 422


def test_the_test_mode_is_switched_with_all_its_rules(client, campaign):
    settings, tag = read(client, campaign)
    settings["test_phone"] = "600 111 222"

    on = write(client, campaign, settings, tag)
    Campaign.objects.update(state=RunState.RUNNING)
    running = write(client, campaign, settings | {"test_phone": "", "name": "x"}, "*")

    assert on.json()["test_phone"] == "+34600111222"
    assert running.status_code == 409
    campaign.refresh_from_db()
    assert (campaign.test_phone, campaign.name) == ("+34600111222", settings["name"])


def test_the_test_mode_asks_for_its_own_permission(campaign):
    group = person("supervisor").groups.get()
    group.permissions.remove(group.permissions.get(codename="test_campaign"))
    client = with_token("supervisor", *ALL)
    settings, tag = read(client, campaign)

    refused = write(client, campaign, settings | {"test_phone": "600111222"}, tag)

    assert refused.status_code == 403
    assert write(client, campaign, settings | {"name": "x"}, tag).status_code == 200


def test_a_token_that_may_not_start_calls_changes_no_configuration(campaign):
    client = with_token("supervisor", Scope.READ, Scope.LEADS)
    settings, tag = read(client, campaign)

    assert write(client, campaign, settings, tag).status_code == 403


def test_the_api_has_every_setting_of_the_admin():
    page = admin.site.get_model_admin(Campaign)
    shown = set(flatten_fieldsets(page.fieldsets))

    assert shown - {"outbound_id", *page.readonly_fields} == set(SETTINGS)


def test_the_campaigns_are_listed_and_the_limit_is_changed(campaign):
    other = CampaignFactory(outbound_id="b" * 24, name="Otra")
    client = as_person("operador")

    listed = ask(client, "get", "campaigns").json()
    body = {"campaign": other.pk, "max_concurrent_calls": 3}
    done = ask(client, "post", "limit", body)

    assert [one["id"] for one in listed] == [campaign.pk, other.pk]
    assert done.json() == {"max_concurrent_calls": 3}
    other.refresh_from_db()
    assert other.max_concurrent_calls == 3
    for wrong in (0, runs.MAX_LIMIT + 1):
        body["max_concurrent_calls"] = wrong
        assert ask(client, "post", "limit", body).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_of_many_who_write_at_once_one_wins(campaign):
    client = with_every_right()
    raw = client.defaults["HTTP_AUTHORIZATION"]
    settings, tag = read(client, campaign)
    ready = Barrier(6)

    def work(n: int) -> int:
        one = Client(headers={"Authorization": raw})
        try:
            ready.wait()
            return write(one, campaign, settings | {"name": f"n{n}"}, tag).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(work, range(6)))

    assert statuses == [200, 412, 412, 412, 412, 412]
