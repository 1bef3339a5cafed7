"""Idempotency-Key: what is asked again is done once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from calls.api import once
from calls.api.urls import api
from calls.models import KeptAnswer, Run, RunState, Scope, Worker
from calls.tests.api_asked import (
    ALL,
    JSON,
    as_person,
    ask,
    with_every_right,
    with_token,
)
from leads import selection
from leads.models import BulkChange, CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

KEY = {"Idempotency-Key": "una-vez-1"}


def out_of_queue(**columns) -> Lead:
    return LeadFactory(
        call_status=CallStatus.NO_SELECTED, selected_for_calling=False, **columns
    )


def select(client, lead, *, headers=KEY):
    return ask(client, "post", "leads/select", {"ids": [lead.pk]}, headers=headers)


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(campaign):
    client, lead = with_token("operador", *ALL), out_of_queue()

    first, again = select(client, lead), select(client, lead)

    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.json()["changed"] == 1
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert BulkChange.objects.count() == 1


def test_without_a_key_the_answer_has_the_same_words(campaign):
    client, lead = with_token("operador", *ALL), out_of_queue()

    keyed = select(client, lead).json()
    plain = select(client, out_of_queue(), headers={}).json()

    assert {**keyed, "change": 0} == {**plain, "change": 0}
    assert KeptAnswer.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("leads/select", {"ids": [2]}), ("leads/deselect", {"ids": [1]})],
)
def test_a_key_is_of_one_request_alone(campaign, path, body):
    client = with_token("operador", *ALL)
    ask(client, "post", "leads/select", {"ids": [1]}, headers=KEY)

    answer = ask(client, "post", path, body, headers=KEY)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_the_keys_of_two_programs_are_not_the_same(campaign):
    lead = out_of_queue()

    for client in (
        with_token("operador", *ALL),
        with_token("operador", Scope.LEADS),
        as_person("operador"),
    ):
        answer = select(client, lead)

        assert answer.status_code == 200
        assert "Idempotency-Replayed" not in answer
    assert KeptAnswer.objects.count() == 3


@pytest.mark.parametrize("key", ["", "con espacio", "á", "x" * 101])
def test_a_key_that_is_none_is_refused(campaign, key):
    lead = out_of_queue()

    answer = select(as_person("operador"), lead, headers={"Idempotency-Key": key})

    assert answer.status_code == 422
    assert not BulkChange.objects.exists()


def test_what_was_refused_may_be_asked_anew_with_its_key(campaign):
    client = with_token("operador", *ALL)

    assert ask(client, "post", "leads/undo/7", headers=KEY).status_code == 404
    assert not KeptAnswer.objects.exists()
    assert ask(client, "post", "leads/undo/7", headers=KEY).status_code == 404


def test_whoever_may_not_leaves_no_key(campaign):
    lead = out_of_queue()

    assert select(with_token("auditor", *ALL), lead).status_code == 403
    assert not KeptAnswer.objects.exists()


def test_after_a_day_a_key_is_as_new_and_old_ones_are_forgotten(campaign):
    client, lead = as_person("operador"), out_of_queue()
    select(client, lead)
    for n in range(3):
        select(client, lead, headers={"Idempotency-Key": f"otra-{n}"})

    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        client = as_person("operador")
        answer = select(client, lead)

    assert "Idempotency-Replayed" not in answer
    assert KeptAnswer.objects.count() == 1


def test_one_that_died_midway_is_taken_over_once_its_lease_is_over(campaign):
    client, lead = with_token("operador", *ALL), out_of_queue()
    select(client, lead)
    KeptAnswer.objects.update(status=None, body="")
    before = BulkChange.objects.count()

    busy = select(client, lead)
    over = timezone.now() + once.LEASE + timedelta(seconds=1)
    with time_machine.travel(over, tick=False):
        done = select(client, lead)

    assert busy.status_code == 409
    assert busy["Retry-After"] == "1"
    assert done.status_code == 200
    assert BulkChange.objects.count() == before + 1


def test_one_done_at_the_last_moment_is_not_done_again(campaign):
    client, lead = with_token("operador", *ALL), out_of_queue()
    select(client, lead)
    KeptAnswer.objects.update(status=None, body="")
    done: list[str] = []

    def finish_first(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "api_answers" in sql and not done:
            done.append(sql)
            KeptAnswer.objects.update(status=200, body="{}")
        return execute(sql, params, many, context)

    over = timezone.now() + once.LEASE + timedelta(seconds=1)
    with time_machine.travel(over), connection.execute_wrapper(finish_first):
        busy = select(client, lead)

    assert done
    assert busy.status_code == 409
    assert select(client, lead)["Idempotency-Replayed"] == "true"
    assert BulkChange.objects.count() == 1


def test_start_asked_again_after_a_stop_starts_nothing(simulator, campaign):
    client = with_token("operador", *ALL)
    LeadFactory()
    now = timezone.now()
    Worker.objects.create(
        identity="h/1/a", started_at=now, heartbeat_at=now, serving=True
    )

    started = ask(client, "post", "start", {}, headers=KEY)
    ask(client, "post", "stop", {})
    again = ask(client, "post", "start", {}, headers=KEY)

    assert started.status_code == 200, started.content
    assert again.json() == started.json()
    assert Run.objects.count() == 1
    campaign.refresh_from_db()
    assert campaign.state == RunState.STOPPED


def test_every_post_says_that_it_takes_a_key():
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            names = {one["name"] for one in operation["parameters"]}
            assert ("Idempotency-Key" in names) == (method == "post"), path


# --- At the same time -----------------------------------------------------------------


def in_threads(work, *, threads: int) -> list:
    ready = Barrier(threads)

    def one(n: int):
        try:
            ready.wait()
            return work(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


@pytest.mark.django_db(transaction=True)
def test_many_at_once_with_one_key_do_it_once(campaign):
    client, lead = with_every_right(), out_of_queue()
    raw = client.defaults["HTTP_AUTHORIZATION"]

    def work(_n: int):
        return client.post(
            "/api/calls/leads/select",
            json.dumps({"ids": [lead.pk]}),
            content_type=JSON,
            headers={**KEY, "Authorization": raw},
        )

    answers = in_threads(work, threads=8)
    late = select(client, lead)

    assert BulkChange.objects.count() == 1
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert late.status_code == 200
    told = {answer.content for answer in answers if answer.status_code == 200}
    assert told == {late.content}


@pytest.mark.django_db(transaction=True)
def test_one_so_slow_that_another_took_over_is_undone(campaign, monkeypatch):
    client, lead = with_every_right(), out_of_queue()
    apply = selection.apply

    def slow(*args, **options):
        done = apply(*args, **options)
        KeptAnswer.objects.update(owner="0" * 32)
        return done

    monkeypatch.setattr(selection, "apply", slow)
    answer = select(client, lead)

    assert answer.status_code == 409
    lead.refresh_from_db()
    assert not lead.selected_for_calling
    assert not BulkChange.objects.exists()
