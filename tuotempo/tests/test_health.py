"""A load balancer and a supervisor are told the truth, at once and without login; for
a database that is away or hangs, see `test_outage`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from calls.models import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def test_alive_asks_nothing_of_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert "no-store" in answer["Cache-Control"]


def test_ready_tells_what_was_asked(client):
    now = timezone.now()
    for number, silent in enumerate([0, 10, 300]):
        beat = now - timedelta(seconds=silent)
        Worker.objects.create(identity=number, started_at=beat, heartbeat_at=beat)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "workers": 2,
    }
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies


def test_ready_without_a_worker_for_the_site_works_all_the_same(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["workers"] == 0


def test_a_migration_that_was_not_made_is_not_ready(client):
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("leads", "0001_initial")
    try:
        answer = client.get("/readyz")
    finally:
        recorder.record_applied("leads", "0001_initial")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "database": "ok",
        "migrations": "pending",
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_https_and_change_nothing(client, settings, path):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 405
