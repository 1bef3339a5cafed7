"""The door before Django: kept before it is answered, and in groups."""

from __future__ import annotations

import asyncio
import time

import pytest
import requests
from django.conf import settings as django_settings
from django.db import OperationalError
from django.urls import reverse

from calls import webhook_door, webhooks
from calls.models import CallAttempt, PearlEvent
from calls.states import State
from calls.tests.factories import AttemptFactory
from calls.tests.test_webhooks import body
from conftest import asgi_server

TOKEN = django_settings.PEARL_WEBHOOK_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)


def post_all(*bodies: bytes, token: str = TOKEN, headers=()) -> list[int]:
    """All at once, as uvicorn would hand them over."""

    async def site(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})

    async def post(content: bytes) -> int:
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/webhooks/pearl/{token}",
            "headers": list(headers),
        }
        parts = [content[:3], content[3:]]
        said = []

        async def receive():
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message) -> None:
            said.append(message)

        await door(scope, receive, send)
        return said[0]["status"]

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(post(content) for content in bodies))

    door = webhook_door.Door(site)
    return asyncio.run(all_of_them())


def test_the_doors_address_is_the_sites():
    assert reverse("pearl_webhook", args=["x"]) == f"{webhook_door.PATH}x"


def test_the_site_under_uvicorn_keeps_a_webhook_and_answers_the_rest_itself():
    attempt = AttemptFactory()

    with asgi_server() as site:
        url = f"{site.url}/webhooks/pearl/{TOKEN}"
        answer = requests.post(url, body(attempt), timeout=10)
        wrong = requests.post(f"{site.url}/webhooks/pearl/x", b"y", timeout=10)
        got = requests.get(url, timeout=10)
        healthy = requests.get(f"{site.url}/healthz", timeout=10)

    assert (answer.status_code, answer.content) == (200, b"")
    assert (wrong.status_code, got.status_code) == (404, 405)
    assert healthy.status_code == 200
    assert PearlEvent.objects.get().body == body(attempt).decode()


def test_many_at_once_are_kept_in_a_few_transactions(monkeypatch):
    groups = []
    keep_all = webhooks.keep_all

    def counted(bodies, *, now):
        groups.append(len(bodies))
        return keep_all(bodies, now=now)

    monkeypatch.setattr(webhooks, "keep_all", counted)

    codes = post_all(*(b"body %d" % n for n in range(300)))

    assert set(codes) == {200}
    assert PearlEvent.objects.count() == sum(groups) == 300
    assert len(groups) <= 6


def test_nothing_is_answered_200_that_was_not_kept(monkeypatch):
    def no_database(bodies, *, now):
        raise OperationalError("gone")

    monkeypatch.setattr(webhooks, "_store", no_database)

    assert set(post_all(b"one", b"two")) == {503}
    assert not PearlEvent.objects.exists()


def test_what_two_processes_keep_at_once_is_kept_once(monkeypatch):
    """The other one commits the same body between our look and our insert."""
    store = webhooks._store
    before_us = [b"same"]

    def late(bodies, *, now):
        if before_us:
            store([before_us.pop()], now=now)
        return store(bodies, now=now)

    monkeypatch.setattr(webhooks, "_store", late)

    assert post_all(b"same", b"other") == [200, 200]
    assert PearlEvent.objects.get(body="same").times_seen == 2


def test_the_door_refuses_what_django_would(settings):
    settings.WEBHOOK_MAX_BYTES = 5
    settings.PEARL_WEBHOOK_CREDENTIAL = ("X-Api-Key", "s3cret")
    right = [(b"x-api-key", b"s3cret")]

    assert post_all(b"12345", headers=right) == [200]
    assert post_all(b"123456", headers=right) == [413]
    assert post_all(b"12345", headers=[(b"x-api-key", b"\xff")]) == [401]
    assert post_all(b"12345") == [401]
    assert post_all(b"12345", token="ñ" * 40, headers=right) == [404]
    assert post_all(b"12345", token=f"{TOKEN}/x", headers=right) == [404]


def test_too_much_waiting_is_told_to_come_again(monkeypatch):
    monkeypatch.setattr(webhook_door, "WAITING_BYTES", 10)

    codes = post_all(*(b"%08d" % n for n in range(10)))

    assert {*codes} == {200, 503}
    assert PearlEvent.objects.count() == codes.count(200)


def test_what_no_worker_reads_is_read_here(monkeypatch):
    monkeypatch.setattr(webhook_door, "LEFT_FOR", webhook_door.timedelta(seconds=0.1))
    monkeypatch.setattr(webhook_door, "QUIET_SECONDS", 0.1)
    attempt = AttemptFactory()

    with asgi_server() as site:
        requests.post(f"{site.url}/webhooks/pearl/{TOKEN}", body(attempt), timeout=10)
        deadline = time.monotonic() + 20
        while CallAttempt.objects.get().state != State.ENDED:
            assert time.monotonic() < deadline, "nobody read it"
            time.sleep(0.05)
