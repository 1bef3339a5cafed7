"""One attempt can be followed through the log by its token, and nobody else can."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, transaction
from django.urls import reverse
from django.utils import timezone

from calls import claims, runs
from calls.call_manager import CallManager
from calls.log_context import concerning, tell_once_committed
from calls.models import CallAttempt, Run
from calls.states import State
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads.models import Lead
from leads.tests.factories import OUTBOUND_ID, LeadFactory
from tuotempo.logs import Json, Text
from tuotempo.redaction import Redact

ROOT = Path(__file__).resolve().parents[2]
PERSON = {
    "first_name": "Canariña",
    "last_name": "Delacanción",
    "phone_e164": "+34600000001",  # the simulator: it reaches its goal
    "phone": "600 00 00 01",
    "national_id": "12345678Z",
    "email": "canarina@example.com",
}

pytestmark = pytest.mark.django_db(transaction=True)


class Log(io.StringIO):
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def of(self, attempt: CallAttempt) -> list[str]:
        """What was said of it, in order; each line has all three ids."""
        token = str(attempt.token)
        ours = [one for one in self.lines() if one.get("attempt") == token]
        for one in ours:
            assert one["lead"] == attempt.lead_id
            assert one["campaign"] == attempt.campaign_id
        naming = [one for one in self.lines() if token in str(one["message"])]
        assert [one for one in naming if one not in ours] == []
        return [str(one["message"]).replace(token, "…") for one in ours]


@pytest.fixture
def log():
    """All that the program logs, as LOG_FORMAT=json writes it."""
    log = Log()
    handler = logging.StreamHandler(log)
    handler.setFormatter(Json())
    handler.addFilter(Redact())
    root, ours = logging.getLogger(), logging.getLogger("calls")
    levels = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    ours.setLevel(logging.INFO)
    yield log
    root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def dial_until(simulator, campaign, done) -> None:
    manager = CallManager(pearl=simulator.client())
    deadline = timezone.now().timestamp() + 20

    def look() -> None:
        if done() or timezone.now().timestamp() > deadline:
            manager.interrupted = True

    runs.start(campaign.pk, now=timezone.now())
    manager.run(until_empty=False, on_tick=look)
    assert done()


@pytest.fixture
def campaign(settings):
    settings.UNKNOWN_SETTLE_SECONDS = 1.0
    settings.POLL_SECONDS = 0.2
    return CampaignFactory()


def test_every_step_of_a_call_is_found_by_its_token_and_nobody_is_named(
    simulator, live_server, campaign, log
):
    hook = reverse("pearl_webhook", args=[django_settings.PEARL_WEBHOOK_TOKEN])
    webhook = {"callWebhookUrl": f"{live_server.url}{hook}"}
    simulator.set(campaigns={OUTBOUND_ID: webhook})
    LeadFactory(**PERSON)

    def followed() -> bool:
        confirmed = CallAttempt.objects.filter(confirmed_at__isnull=False)
        return confirmed.filter(effects_due_at=None).exists()

    dial_until(simulator, campaign, followed)

    attempt = CallAttempt.objects.get()
    said = log.of(attempt)
    steps = [
        r"attempt … is claimed",
        r"attempt … is dialing",
        r"attempt … is sent",
        r"attempt …: Pearl's request is [0-9a-f]{24}",
        r"attempt … is accepted",
        r"event \d+ is applied",
        r"attempt … is ended",
        r"attempt … is confirmed",
        r"attempt … is followed by its effects",
    ]
    for step in steps:
        assert [one for one in said if re.fullmatch(step, one)], (step, said)
    # In this order, whatever lies between; reports may overtake Pearl's answer.
    first = [said.index(one) for one in said if "claimed" in one or "sent" in one]
    assert first == sorted(first)
    assert_nobody_is_named(log.getvalue())


def assert_nobody_is_named(text: str) -> None:
    for value in PERSON.values():
        assert str(value) not in text
        assert json.dumps(value).strip('"') not in text
    assert "600000001" not in text
    assert django_settings.PEARL_WEBHOOK_TOKEN not in text


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        (
            "reset_after",
            ["…: CallUncertain, cut", "… is unknown", "… is over by Pearl's search"],
        ),
        (
            "reset_before",
            ["… is unknown", "… is not found at Pearl", "… is not_placed"],
        ),
    ],
)
def test_what_became_of_a_doubt_is_found_by_the_token(
    simulator, campaign, log, fault, steps
):
    simulator.set(faults=[{"route": "make_call", "next": 1, "kind": fault}])
    LeadFactory(**PERSON)
    over = [State.ENDED, State.NOT_PLACED]

    dial_until(
        simulator,
        campaign,
        lambda: CallAttempt.objects.filter(state__in=over).exists(),
    )

    said = log.of(CallAttempt.objects.earliest("id"))
    known = [re.sub("^attempt ", "", one) for one in said]
    assert list(dict.fromkeys(one for one in known if one in steps)) == steps, said
    assert_nobody_is_named(log.getvalue())


def test_what_the_reaper_does_is_found_by_the_token(log):
    attempt = AttemptFactory(state=State.DIALING)

    claims.reap_leases(now=timezone.now())

    assert log.of(attempt) == ["attempt …: its lease is over", "attempt … is unknown"]


def test_a_step_that_was_rolled_back_is_not_told(log, run):
    lead = LeadFactory()

    with transaction.atomic():
        claim = claims.claim(run.campaign_id, worker="a", at_most=1, now=timezone.now())
        transaction.set_rollback(True)

    assert [attempt.lead for attempt in claim.attempts] == [lead]
    assert log.lines() == []


def test_what_is_logged_below_carries_the_ids_and_what_comes_after_does_not(log, run):
    attempt = AttemptFactory(run=run)
    logger = logging.getLogger("django.db.backends")

    with concerning(attempt):
        logger.warning("slow")
    logger.warning("slow again")
    tell_once_committed(logging.getLogger("calls"), attempt, "told")

    inside, after, told = log.lines()[-3:]
    assert inside["attempt"] == told["attempt"] == str(attempt.token)
    assert "attempt" not in after
    assert Run.objects.count() == 1


def test_a_line_about_a_campaign_carries_its_id(log, campaign):
    runs.start(campaign.pk, now=timezone.now())

    assert [one["campaign"] for one in log.lines()] == [campaign.pk]
    assert log.lines()[0]["message"] == f"campaign {campaign.pk} started, generation 1"


# --- The web ------------------------------------------------------------------------


def test_a_request_has_an_id_that_its_answer_tells(client, log):
    answer = client.get("/calls/nothing-here", headers={"Accept": "text/html"})

    told = [one for one in log.lines() if one["logger"] == "django.request"]
    assert [one["request"] for one in told] == [answer["X-Request-ID"]]
    assert client.get("/healthz")["X-Request-ID"] != answer["X-Request-ID"]


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("abc-123_x.9", True), ("short", False), ("x" * 65, False), ("a b c d e", False)],
)
def test_a_proxys_id_is_kept_if_it_is_one(client, given, is_kept):
    answer = client.get("/healthz", headers={"X-Request-ID": given})

    assert (answer["X-Request-ID"] == given) is is_kept


# --- The two formats ----------------------------------------------------------------


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("calls.x", logging.INFO, "f", 1, message, args, None)
    made.__dict__.update(extra)
    return made


def test_a_line_for_people_ends_with_the_ids_that_it_does_not_name():
    said = Text().format(record("attempt %s is x", "t-1", attempt="t-1", lead=7))

    assert said.endswith(" INFO calls.x attempt t-1 is x lead=7")


def test_nobody_can_make_two_lines_of_one():
    said = Text().format(record("%s", "a\r\n2026 INFO forged"))

    assert said.endswith(" INFO calls.x a\\r\\n2026 INFO forged")
    assert "\n" not in Json().format(record("%s", "a\r\nb"))


def test_an_error_is_one_object_too_without_the_values_of_the_database():
    try:
        raise OperationalError("Duplicate entry 'Begoña' for key")
    except OperationalError:
        made = record("failed")
        made.exc_info = sys.exc_info()
    Redact().filter(made)

    told = json.loads(Json().format(made))

    assert "OperationalError" in told["exception"]
    assert "Begoña" not in told["exception"]


def test_the_setting_decides_for_every_logger_of_a_process(tmp_path):
    code = (
        "import django, logging; django.setup()\n"
        "import uvicorn; uvicorn.Config('x:y')\n"
        "from django.conf import settings\n"
        "logging.config.dictConfig(settings.LOGGING)\n"
        "for name in ('calls.x', 'django.request', 'uvicorn.error'):\n"
        "    logging.getLogger(name).warning('hello')\n"
    )
    env = {
        "SECRET_KEY": "k" * 40,
        "ENV_FILE": "",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "tuotempo.settings",
        "LOG_FORMAT": "json",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )

    told = [json.loads(line) for line in done.stderr.splitlines()]
    names = ["calls.x", "django.request", "uvicorn.error"]
    assert [one["logger"] for one in told] == names
    assert Lead.objects.count() == 0
