"""What Prometheus reads: true figures, in its format, for who shows the token."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.models import PearlAccount, PearlEvent, Recording, Run, Worker
from calls.states import State
from calls.tests.factories import AttemptFactory, RunFactory
from calls.tests.names import ACCOUNT_ID
from leads.models import CallStatus, Consent
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

TOKEN = "metrics-" + "0" * 32
VALUE = r"-?(?:[0-9.]+(?:e[+-]?[0-9]+)?|NaN)"
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"(tuotempo_[a-z_]+)(\{{{LABEL}(?:,{LABEL})*\}})? ({VALUE})")


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = TOKEN


def scrape(client, token: str = TOKEN):
    cache.clear()
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}"})


def read(client) -> dict[str, float]:
    """By name and labels; fails on a line that is not in the format."""
    answer = scrape(client)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.content.decode()
    assert text.endswith("\n")
    found: dict[str, float] = {}
    typed: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _hash, _type, name, kind = line.split()
            assert kind in ("gauge", "counter")
            assert kind != "counter" or name.endswith("_total")
            assert name not in typed, "the samples of a metric lie together"
            typed.append(name)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        name, labels, value = sample.groups()
        assert typed[-1] == name
        assert name + (labels or "") not in found
        found[name + (labels or "")] = float(value)
    return found


# --- Who may read -------------------------------------------------------------------


def test_without_a_token_in_the_settings_there_are_no_metrics(client, settings):
    settings.METRICS_TOKEN = ""

    assert scrape(client).status_code == 404
    assert scrape(client, "").status_code == 404


@pytest.mark.parametrize("shown", ["", "x", TOKEN[:-1], TOKEN + "0", "é"])
def test_without_the_token_nothing_is_told(client, admin_client, shown):
    for one in (client, admin_client):
        answer = scrape(one, shown)

        assert answer.status_code == 401
        assert answer.content == b""


def test_it_is_read_only(client):
    answer = client.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 405


# --- What is told -------------------------------------------------------------------


def test_nothing_at_all_is_told_too(client):
    told = read(client)

    assert told["tuotempo_workers"] == 0
    assert told["tuotempo_webhooks_waiting"] == 0
    assert not any("campaign=" in name for name in told)


def test_the_figures_are_those_of_the_database(client):
    now = timezone.now()
    run = RunFactory(campaign__claims_made=12)
    one = f'campaign="{run.campaign_id}"'
    for minutes in (5, 9):
        AttemptFactory(run=run, claimed_at=now - timedelta(minutes=minutes))
    AttemptFactory(run=run, state=State.UNKNOWN)
    closed(run, State.ENDED, "busy", now - timedelta(minutes=30))
    closed(run, State.ENDED, "busy", now - timedelta(hours=2))
    closed(run, State.NOT_SENT, "", now - timedelta(minutes=1))
    LeadFactory.create_batch(4)
    LeadFactory(consent=Consent.REFUSED)

    told = read(client)

    assert told[f"tuotempo_campaign_running{{{one}}}"] == 1
    assert told[f"tuotempo_campaign_open{{{one}}}"] == 1
    assert told[f"tuotempo_claims_total{{{one}}}"] == 12
    assert told[f'tuotempo_attempts{{{one},state="accepted"}}'] == 2
    assert told[f'tuotempo_attempts{{{one},state="unknown"}}'] == 1
    oldest = told[f'tuotempo_attempts_oldest_seconds{{{one},state="accepted"}}']
    assert 540 <= oldest < 600
    hour = "tuotempo_attempts_closed_last_hour"
    assert told[f'{hour}{{{one},state="ended",outcome="busy"}}'] == 1
    assert told[f'{hour}{{{one},state="not_sent",outcome=""}}'] == 1
    assert told[f'tuotempo_queue_leads{{{one},rule="allowed"}}'] == 4
    assert told[f'tuotempo_queue_leads{{{one},rule="no_consent"}}'] == 1


def closed(run: Run, state: State, outcome: str, at) -> None:
    attempt = AttemptFactory(
        run=run,
        state=state,
        outcome=outcome,
        closed_at=at,
        open_lead_id=None,
        open_phone=None,
        lead__call_status=CallStatus.BUSY,
        lead__selected_for_calling=False,
    )
    if state == State.ENDED:
        Recording.objects.create(attempt=attempt, called_at=at, next_try_at=at)


def test_who_is_at_work_and_what_waits(client):
    now = timezone.now()
    for name, seconds in (("alive", 3), ("lost", 300)):
        beat = now - timedelta(seconds=seconds)
        Worker.objects.create(identity=name, started_at=beat, heartbeat_at=beat)
    for number in range(3):
        PearlEvent.objects.create(
            sha256=f"{number:064x}", body="{}", received_at=now - timedelta(seconds=80)
        )
    closed(RunFactory(), State.ENDED, "busy", now - timedelta(hours=2))

    told = read(client)

    assert told["tuotempo_workers"] == 1
    age = 'tuotempo_worker_heartbeat_age_seconds{worker="%s"}'
    assert 3 <= told[age % "alive"] < 60
    assert 300 <= told[age % "lost"] < 360
    assert told["tuotempo_webhooks_waiting"] == 3
    assert 80 <= told["tuotempo_webhooks_oldest_seconds"] < 140
    assert told["tuotempo_recordings_waiting"] == 1
    assert told["tuotempo_recordings_oldest_seconds"] >= 7200


def test_what_is_known_of_pearl(client):
    now = timezone.now()
    PearlAccount.objects.create(
        account_id=ACCOUNT_ID,
        failures=4,
        blocked_until=now + timedelta(seconds=100),
        credit_balance=12.5,
        total_agents=3,
        checked_at=now - timedelta(seconds=10),
    )

    told = read(client)

    assert told["tuotempo_pearl_failures"] == 4
    assert told["tuotempo_pearl_breaker_open"] == 1
    assert 40 < told["tuotempo_pearl_blocked_seconds"] <= 100
    assert told["tuotempo_pearl_credit"] == 12.5
    assert told["tuotempo_pearl_agents"] == 3
    assert 10 <= told["tuotempo_pearl_checked_age_seconds"] < 70


def test_a_name_may_hold_anything(client):
    RunFactory(campaign__name='Citas "de\\prueba"\n{x="1"} 7')

    told = read(client)

    assert any("tuotempo_campaign_info" in name for name in told)


def test_no_person_is_told(client):
    run = RunFactory(campaign__test_phone="+34612034118")
    lead = LeadFactory(first_name="Begoña")
    AttemptFactory(run=run)

    text = scrape(client).content.decode()

    assert "612034118" not in text
    assert "Begoña" not in text
    assert lead.phone_e164 not in text


# --- What it costs ------------------------------------------------------------------


def test_it_is_read_once_in_a_while_whoever_asks(client):
    scrape(client)

    with CaptureQueriesContext(connection) as queries:
        client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert len(queries) == 0


def test_the_queries_do_not_grow_with_leads_and_calls(client):
    run = RunFactory()

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            scrape(client)
        return len(caught)

    scrape(client)
    LeadFactory()
    AttemptFactory(run=run)
    before = queries()
    LeadFactory.create_batch(20)
    AttemptFactory.create_batch(20, run=run)

    assert queries() == before


def test_without_a_database_prometheus_is_told_so(client):
    def fails(*_query: object) -> None:
        raise OperationalError(2002, "secreto")

    with connection.execute_wrapper(fails):
        answer = scrape(client)

    assert answer.status_code == 503
    assert b"secreto" not in answer.content
