"""What keeps a run from starting: at Pearl, in the campaign, in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls import database_trust, preflight
from calls.journal import DialJournal
from calls.models import Campaign, PearlAccount
from calls.pearl import PearlClient
from calls.preflight import Level
from calls.states import State
from calls.tests.factories import AttemptFactory, CampaignFactory
from calls.tests.names import ACCOUNT_ID, SECRET_KEY
from leads.tests.factories import OUTBOUND_ID

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
WORKDAYS = [{"day": d, "start": "09:00", "end": "21:00"} for d in range(1, 6)]

pytestmark = pytest.mark.django_db


def refusals(campaign: Campaign, pearl: PearlClient) -> str:
    return " ".join(preflight.refusals(preflight.check(campaign, pearl=pearl, now=NOW)))


def test_a_sound_campaign_may_start_and_what_pearl_said_is_kept(simulator, campaign):
    findings = preflight.check(campaign, pearl=simulator.client(), now=NOW)

    assert preflight.refusals(findings) == []
    campaign.refresh_from_db()
    assert campaign.pearl_agents == 100
    assert PearlAccount.objects.get().credit_balance > 0


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"campaigns": {OUTBOUND_ID: {"status": 2}}}, "no está en marcha"),
        ({"campaigns": {OUTBOUND_ID: {"totalAgents": 0}}}, "no tiene agentes"),
        ({"account": {"status": 3}}, "no puede llamar"),
        ({"account": {"creditBalance": 0}}, "crédito"),
    ],
)
def test_pearls_state_refuses_a_start_and_says_what_to_do(
    simulator, campaign, config, word
):
    simulator.set(**config)

    assert word in refusals(campaign, simulator.client())


def test_hours_of_pearl_wider_than_ours_refuse_a_start(simulator):
    campaign = CampaignFactory(always_open=False)
    assert "más amplio" in refusals(campaign, simulator.client())

    simulator.set(campaigns={OUTBOUND_ID: {"callingHours": WORKDAYS}})
    assert refusals(campaign, simulator.client()) == ""

    late = [*WORKDAYS[:4], {"day": 5, "start": "09:00", "end": "21:30"}]
    simulator.set(campaigns={OUTBOUND_ID: {"callingHours": late}})
    assert "más amplio" in refusals(campaign, simulator.client())


def test_hours_of_pearl_narrower_than_ours_refuse_a_start(simulator):
    """What is asked for while Pearl is closed would wait there for another day."""
    campaign = CampaignFactory(always_open=False)
    simulator.set(campaigns={OUTBOUND_ID: {"callingHours": WORKDAYS[:4]}})

    assert "más estrecho" in refusals(campaign, simulator.client())

    halves = [
        {**day, **half}
        for day in WORKDAYS
        for half in ({"end": "14:00"}, {"start": "14:00"})
    ]
    simulator.set(campaigns={OUTBOUND_ID: {"callingHours": halves}})
    assert refusals(campaign, simulator.client()) == ""


def test_pearls_own_retries_refuse_a_start_where_it_has_leads(simulator, campaign):
    simulator.set(campaigns={OUTBOUND_ID: {"maximumCallAttempts": 3}})
    findings = preflight.check(campaign, pearl=simulator.client(), now=NOW)
    assert [f.level for f in findings if "intentos por lead" in f.sentence] == [
        Level.WARNING
    ]

    simulator.add_lead("+34600000099")

    assert "repetir llamadas" in refusals(campaign, simulator.client())


def test_wrong_credentials_say_which_variables_to_look_at(simulator, campaign):
    stranger = PearlClient(
        base_url=simulator.url, account_id=ACCOUNT_ID, secret_key=SECRET_KEY[::-1]
    )

    assert "PEARL_SECRET_KEY" in refusals(campaign, stranger)


def test_a_silent_pearl_is_no_refusal_of_the_lead_but_no_start(campaign):
    nobody = PearlClient(
        base_url="http://127.0.0.1:9", account_id=ACCOUNT_ID, secret_key=SECRET_KEY
    )

    findings = preflight.check(campaign, pearl=nobody, now=NOW)

    assert [f.level for f in findings if f.forbids] == [Level.NO_ANSWER]


def test_an_always_open_campaign_is_refused_with_a_real_pearl():
    campaign = CampaignFactory()
    real = PearlClient(
        base_url="https://pearl.invalid", account_id=ACCOUNT_ID, secret_key=SECRET_KEY
    )

    assert "solo vale con el simulador" in refusals(campaign, real)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"pearl_id": ""}, "id de Pearl (v2)"),
        ({"weekly_hours": {"mon": [["21:00", "09:00"]]}}, "no se entiende"),
        ({"weekly_hours": {"sun": [["09:00", "14:00"]]}}, "lo permitido"),
        ({"weekly_hours": {"mon": [["08:00", "14:00"]]}}, "lo permitido"),
        ({"on_holidays": True}, "lo permitido"),
    ],
)
def test_a_campaign_that_could_ring_at_the_wrong_time_is_refused(
    simulator, change, word
):
    campaign = CampaignFactory(always_open=False, **change)

    assert word in refusals(campaign, simulator.client())


# --- This host and the database -----------------------------------------------------


def test_the_tests_own_database_may_be_trusted():
    assert database_trust.database_problems(timezone.now()) == []


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="settings of a server")
@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "READ COMMITTED"),
        ("SET SESSION sql_mode = ''", "sql_mode"),
        ("SET NAMES latin1", "utf8mb4"),
        ("SET GLOBAL innodb_flush_log_at_trx_commit = 2", "innodb_flush_log"),
    ],
)
def test_a_database_that_could_lose_or_misread_a_claim_is_refused(statement, word):
    with connection.cursor() as cursor:
        cursor.execute(statement)
    try:
        assert word in " ".join(database_trust.database_problems(timezone.now()))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        connection.close()


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="a server has a clock")
def test_a_clock_that_differs_from_the_databases_is_refused():
    wrong = timezone.now() + timedelta(seconds=45)

    assert "reloj" in " ".join(database_trust.database_problems(wrong))


GALERA = {
    "wsrep_on": "ON",
    "wsrep_sync_wait": "7",
    "wsrep_dirty_reads": "OFF",
    "wsrep_provider_options": "pc.ignore_quorum = false; pc.ignore_sb = false;",
}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, ""),
        ({"wsrep_on": "OFF", "wsrep_sync_wait": "0"}, ""),
        ({"wsrep_sync_wait": "0"}, "wsrep_sync_wait"),
        ({"wsrep_sync_wait": "6"}, "wsrep_sync_wait"),
        ({"wsrep_dirty_reads": "ON"}, "wsrep_dirty_reads"),
        ({"wsrep_provider_options": "pc.ignore_sb = true;"}, "ignore_sb"),
        ({"wsrep_provider_options": "pc.ignore_quorum=YES"}, "ignore_quorum"),
    ],
)
def test_a_cluster_that_could_read_the_past_or_split_is_refused(changes, word):
    asked = database_trust.cluster_problems({**GALERA, **changes})

    found = " ".join(sentence for sentence, holds in asked.items() if holds)
    assert (word in found) if word else (found == "")


@pytest.fixture
def journal(tmp_path) -> DialJournal:
    return DialJournal(tmp_path / "journal")


def test_a_dial_that_the_database_lost_refuses_a_start(journal):
    attempt = AttemptFactory(state=State.DIALING)
    journal.write_before(attempt, now=timezone.now())
    assert preflight.journal_problem(journal, now=timezone.now()) == ""

    attempt.delete()

    assert "reconcile_journal" in preflight.journal_problem(journal, now=timezone.now())


def test_the_journal_survives_a_line_cut_short_and_holds_no_number(journal):
    first, second = AttemptFactory.create_batch(2, run=AttemptFactory().run)
    journal.write_before(first, now=NOW)
    path = next(journal.folder.iterdir())
    with path.open("a") as half:
        half.write('{"token": "')

    journal.write_before(second, now=NOW)

    entries = list(journal.entries(since=NOW))
    assert [entry.token for entry in entries] == [first.token, second.token]
    assert first.phone not in path.read_text()
