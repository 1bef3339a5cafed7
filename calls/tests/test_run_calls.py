"""`manage.py run_calls` as a person or a service uses it: a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from calls import runs
from calls.models import CallAttempt, Campaign, RunState, Worker
from calls.states import State
from calls.tests.factories import CampaignFactory
from calls.tests.worker_process import ROOT, start_worker, worker_environment
from conftest import end
from leads.models import CallStatus, Consent, Lead
from leads.tests.factories import LeadFactory, SuppressionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(simulator, settings, tmp_path):
    settings.DIAL_JOURNAL = tmp_path / "journal"
    return CampaignFactory(max_concurrent_calls=5)


def run_calls(simulator, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "run_calls", *options],
        cwd=ROOT,
        env=worker_environment(simulator),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_dials_the_queue_sums_up_and_ends_well(simulator, campaign):
    LeadFactory.create_batch(12)

    done = run_calls(simulator)

    assert done.returncode == 0, done.stderr
    assert "12 llamadas hechas." in done.stdout
    assert len(simulator.rings()) == 12
    assert Worker.objects.get().stopped_at is not None


def test_json_lines_end_with_a_summary_that_adds_up(simulator, campaign):
    LeadFactory.create_batch(6)

    done = run_calls(simulator, "--json")

    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["event"] == "summary"
    assert sum(summary["outcomes"].values()) == summary["placed"] == 6


def test_limit_makes_no_more_calls_than_asked(simulator, campaign):
    LeadFactory.create_batch(9)

    done = run_calls(simulator, "--limit", "4", "--quiet")

    assert done.returncode == 0, done.stderr
    assert len(simulator.rings()) == 4
    assert "5 leads siguen en cola." in done.stdout


def test_max_concurrent_calls_narrows_the_campaigns_limit(simulator, campaign):
    LeadFactory.create_batch(8)

    run_calls(simulator, "--max-concurrent-calls", "2")

    assert simulator.get("stats")["peak_in_course"] == 2


def test_dry_run_says_who_in_which_order_and_who_not_and_calls_nobody(
    simulator, campaign
):
    second = LeadFactory(first_name="Segunda", call_priority=3)
    first = LeadFactory(first_name="Primera", call_priority=1)
    SuppressionFactory(phone_e164=LeadFactory().phone_e164)
    LeadFactory(consent=Consent.REFUSED)

    text = run_calls(simulator, "--dry-run").stdout
    data = json.loads(run_calls(simulator, "--dry-run", "--json").stdout)

    assert text.index("Primera") < text.index("Segunda")
    assert "1  en la lista de exclusión" in text
    assert data["order"] == [first.pk, second.pk]
    assert data["not"] == {"suppressed": 1, "no_consent": 1}
    assert simulator.rings() == []


@pytest.mark.parametrize(
    "options", [["--limit", "0"], ["--max-concurrent-calls", "-1"]]
)
def test_nonsense_numbers_are_refused(options):
    with pytest.raises(CommandError, match="1 o más"):
        call_command("run_calls", *options)


def test_an_empty_queue_says_what_to_do(simulator, campaign):
    done = run_calls(simulator)

    assert done.returncode == 1
    assert "La cola está vacía: seleccione leads" in done.stderr


def test_a_queue_that_may_not_be_called_says_why(simulator, campaign):
    LeadFactory.create_batch(2, consent=Consent.UNKNOWN)

    done = run_calls(simulator)

    assert done.returncode == 1
    assert "2  sin consentimiento" in done.stderr


def test_a_paused_campaign_is_refused_and_the_queue_kept(simulator, campaign):
    LeadFactory.create_batch(2)
    simulator.set(campaigns={campaign.outbound_id: {"status": 2}})

    done = run_calls(simulator)

    assert done.returncode == 1
    assert "no está en marcha en Pearl" in done.stderr
    assert Campaign.objects.get().state == RunState.STOPPED
    assert Lead.objects.filter(call_status=CallStatus.SELECTED).count() == 2


def test_without_any_campaign_it_says_where_to_make_one(db):
    with pytest.raises(CommandError, match="Administración, Campañas"):
        call_command("run_calls")


def test_two_campaigns_need_a_choice(campaign):
    CampaignFactory(name="Otra", outbound_id="a" * 24)

    with pytest.raises(CommandError, match="--campaign"):
        call_command("run_calls")


def test_no_stack_trace_reaches_whoever_has_no_database(simulator, campaign):
    env = {**worker_environment(simulator), "DATABASE_URL": "mysql://x@127.0.0.1:9/x"}
    done = subprocess.run(
        [sys.executable, "manage.py", "run_calls"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "La base de datos no responde" in done.stderr
    assert "Traceback" not in done.stderr


# --- Signals ------------------------------------------------------------------------


def busy_worker(simulator, campaign) -> subprocess.Popen[str]:
    """A service in the middle of dialing, with slow answers from Pearl."""
    simulator.set(latency_seconds=[0.3, 0.6])
    LeadFactory.create_batch(40)
    runs.start(campaign.pk, now=timezone.now())
    worker = start_worker(simulator)
    simulator.wait_until(lambda: len(simulator.rings()) > 1)
    return worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_one_signal_drains_and_leaves_nothing_half_done(simulator, campaign, number):
    worker = busy_worker(simulator, campaign)

    worker.send_signal(number)
    end(worker)

    assert worker.returncode == 0
    half_done = [State.CLAIMED, State.DIALING, State.UNKNOWN]
    assert not CallAttempt.objects.filter(state__in=half_done).exists()
    assert Worker.objects.get().stopped_at is not None
    rung = {ring["to"] for ring in simulator.rings()}
    known = CallAttempt.objects.exclude(pearl_request_id=None)
    assert rung == set(known.values_list("phone", flat=True))


def test_a_second_ctrl_c_leaves_at_once_and_never_to_a_redial(simulator, campaign):
    simulator.set(latency_seconds=[8, 9])
    LeadFactory.create_batch(3)
    runs.start(campaign.pk, now=timezone.now())
    worker = start_worker(simulator)
    simulator.wait_until(
        lambda: CallAttempt.objects.filter(state=State.DIALING).exists()
    )

    worker.send_signal(signal.SIGINT)
    time.sleep(1.3)
    began = time.monotonic()
    worker.send_signal(signal.SIGINT)
    worker.wait(timeout=10)
    end(worker)

    assert worker.returncode == 130
    assert time.monotonic() - began < 5
    states = set(CallAttempt.objects.values_list("state", flat=True))
    assert states <= {State.UNKNOWN, State.RELEASED}
    assert State.UNKNOWN in states


def test_stop_is_obeyed_by_a_worker_in_full_run(simulator, campaign):
    worker = busy_worker(simulator, campaign)
    try:
        runs.stop(campaign.pk, now=timezone.now())
        stopped_at = time.time()
        simulator.wait_until(
            lambda: Campaign.objects.get().state == RunState.STOPPED, seconds=20
        )
    finally:
        end(worker)

    late = [
        ring
        for ring in simulator.rings()
        if timestamp(ring["placed_at"]) > stopped_at + 1.5
    ]
    assert late == []
    assert not CallAttempt.objects.open().exists()


def timestamp(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_a_service_waits_for_start_and_says_so(simulator, campaign):
    LeadFactory.create_batch(3)
    worker = start_worker(simulator)
    try:
        time.sleep(1.5)
        assert simulator.rings() == []

        runs.start(campaign.pk, now=timezone.now(), until_empty=True)
        simulator.wait_until(
            lambda: CallAttempt.objects.filter(state=State.ENDED).count() == 3
        )
    finally:
        end(worker)
