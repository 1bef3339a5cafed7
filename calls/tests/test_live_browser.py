"""The page at /calls as it is used all day: under ASGI, with events, by several."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from calls import budget, live, runs
from calls.models import CallAttempt, Campaign, Run, RunState, Worker
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.test_live import end_a_call
from calls.tests.worker_process import start_worker
from conftest import asgi_server, end
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site_url(transactional_db, settings):
    """Django's own live server is WSGI and cannot stream."""
    settings.LIVE_SECONDS = 0.3
    with asgi_server() as server:
        yield server.url


@pytest.fixture
def quick_worker(simulator):
    """A process of its own that serves START, and a Pearl whose calls are short."""
    worker = start_worker(simulator)
    yield worker
    end(worker)


def come_in(page, site_url, name: str = "marta") -> None:
    client = Client()
    client.force_login(User.objects.create_superuser(name))
    cookie = settings.SESSION_COOKIE_NAME
    value = client.cookies[cookie].value
    page.context.add_cookies([{"name": cookie, "value": value, "url": site_url}])
    page.goto(f"{site_url}/calls/")
    expect(page.locator("#panel")).to_be_visible()


def wait_until(page, holds: str, *, seconds: float = 10) -> None:
    """The page's policy forbids what Playwright's own waiting does."""
    for _each in range(round(seconds * 10)):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never came true: {holds}")


def hears(page) -> None:
    wait_until(page, "hears()")


def alive() -> None:
    now = timezone.now()
    Worker.objects.create(
        identity="host/1/a", started_at=now, heartbeat_at=now, serving=True
    )


def stat(page, status: str):
    return page.locator(f"#stat-{status} .stat__count")


# --- Events -------------------------------------------------------------------------


def test_the_end_of_a_call_is_seen_without_asking(page, site_url):
    run = RunFactory()
    attempt = AttemptFactory(run=run, lead__first_name="Ximena")
    alive()
    come_in(page, site_url)
    hears(page)
    expect(page.locator("#side")).to_contain_text("Ximena")
    page.wait_for_timeout(1500)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert asked == []

    Lead.objects.filter(pk=attempt.lead_id).update(call_status=CallStatus.BUSY)
    end_a_call(run)

    expect(page.locator(f"#event-call-{attempt.pk}")).to_contain_text("ocupado")
    expect(page.locator(f"#lead-{attempt.lead_id}")).to_contain_text("Ocupado")
    expect(stat(page, "busy")).to_have_text("1")


def test_two_people_see_the_same_and_stop_wins(page, browser, site_url, simulator):
    campaign = CampaignFactory()
    LeadFactory()
    alive()
    come_in(page, site_url)
    other = browser.new_context(locale="es-ES").new_page()
    come_in(other, site_url, "luis")
    hears(page)
    hears(other)

    page.get_by_role("button", name="Iniciar llamadas").click()
    expect(other.get_by_role("button", name="Detener")).to_be_visible()
    expect(other.locator("#toasts")).to_contain_text("marta inició las llamadas")
    other.get_by_role("button", name="Detener").click()

    expect(page.get_by_role("button", name="Iniciar llamadas")).to_be_visible()
    assert Campaign.objects.get(pk=campaign.pk).state == RunState.STOPPED
    assert Run.objects.count() == 1
    other.context.close()


def test_two_presses_at_once_start_one_run(page, browser, site_url, simulator):
    CampaignFactory()
    LeadFactory()
    alive()
    come_in(page, site_url)
    other = browser.new_context(locale="es-ES").new_page()
    come_in(other, site_url, "luis")

    page.get_by_role("button", name="Iniciar llamadas").click(no_wait_after=True)
    other.get_by_role("button", name="Iniciar llamadas").click(no_wait_after=True)

    expect(page.get_by_role("button", name="Detener")).to_be_visible()
    expect(other.get_by_role("button", name="Detener")).to_be_visible()
    assert Run.objects.count() == 1
    other.context.close()


def test_a_lost_connection_is_told_and_what_was_missed_is_shown_when_it_is_back(
    page, site_url
):
    run = RunFactory()
    attempt = AttemptFactory(run=run)
    alive()
    come_in(page, site_url)
    hears(page)

    page.context.set_offline(True)
    page.evaluate("hangUp(0); beat()")
    expect(page.locator("#toasts, #alerts").first).to_contain_text("conexión")
    Lead.objects.filter(pk=attempt.lead_id).update(call_status=CallStatus.BUSY)
    end_a_call(run)
    page.context.set_offline(False)

    expect(page.locator(f"#event-call-{attempt.pk}")).to_be_visible(timeout=20_000)
    expect(page.locator(f"#lead-{attempt.lead_id}")).to_contain_text("Ocupado")
    wait_until(page, "hears()", seconds=20)


def test_a_lost_process_is_told(page, site_url):
    RunFactory()
    alive()
    come_in(page, site_url)
    hears(page)
    expect(page.locator("#panel")).to_contain_text("1 proceso activo")

    Worker.objects.update(heartbeat_at=timezone.now() - 2 * live.DEAD_AFTER)

    expect(page.locator("#side")).to_contain_text("no da señales")
    expect(page.locator("#why")).to_contain_text("Ningún proceso está llamando")


def test_what_befalls_pearl_is_seen_in_the_header(page, site_url):
    RunFactory()
    alive()
    come_in(page, site_url)
    hears(page)
    expect(page.locator("#pearl-pill")).to_contain_text("sin comprobar")

    for _each in range(budget.FAILURES_TO_OPEN):
        budget.note_failure(now=timezone.now())

    # The pill is looked up every five seconds at most.
    expect(page.locator("#why")).to_contain_text("Pearl no responde")
    expect(page.locator("#pearl-pill")).to_contain_text("no responde", timeout=20_000)


def test_the_end_of_a_run_by_itself_is_told(page, site_url):
    run = RunFactory()
    alive()
    come_in(page, site_url)
    hears(page)

    runs.stop(run.campaign_id, now=timezone.now(), reason="Pearl no acepta la clave.")

    expect(
        page.get_by_text("Detenida: Pearl no acepta la clave.").first
    ).to_be_visible()
    expect(page.get_by_role("button", name="Iniciar llamadas")).to_be_visible()


# --- In motion ----------------------------------------------------------------------


def test_a_thousand_leads_in_motion(page, site_url, quick_worker):
    CampaignFactory(max_concurrent_calls=60)
    LeadFactory.create_batch(1000)
    come_in(page, site_url)
    hears(page)
    tick = page.locator("#lead-list [name=id]").nth(20)
    tick.check()
    tick.focus()
    page.get_by_role("button", name="Iniciar llamadas").press("Enter")
    expect(page.locator(".progress-line__done")).to_be_visible()
    tick.focus()
    page.evaluate("scrollTo(0, 700)")
    before = tick.bounding_box()["y"]
    done = "+document.querySelector('.progress-line__done')?.textContent >= 60"
    wait_until(page, done, seconds=60)

    # What one looks at stays where it is, though what is above it grows.
    assert abs(tick.bounding_box()["y"] - before) < 3
    expect(tick).to_be_checked()
    expect(tick).to_be_focused()
    page.get_by_role("button", name="Detener").click()
    nobody = re.compile(r"(?<!\d)0 de 60")
    expect(page.locator("#side")).to_contain_text(nobody, timeout=30_000)
    # The numbers on the screen are those of the database, and add up.
    wanted = {"total": 1000}
    for status in dict(CallStatus.choices):
        wanted[status] = Lead.objects.filter(call_status=status).count()
    assert wanted.pop(CallStatus.NO_SELECTED) == 0
    for status, count in wanted.items():
        expect(stat(page, status)).to_have_text(str(count).replace("1000", "1.000"))
    ended = CallAttempt.objects.filter(state="ended").count()
    done = page.locator(".legend b").all_inner_texts()
    assert sum(int(text.replace(".", "")) for text in done) == ended


def test_every_number_leads_to_what_it_counts(page, site_url):
    run = RunFactory()
    LeadFactory.create_batch(3)
    LeadFactory.create_batch(2, consent="refused")
    AttemptFactory.create_batch(2, run=run)
    RunFactory(campaign__outbound_id="f" * 24, campaign__name="Otra")
    LeadFactory.create_batch(4, pearl_outbound_id="f" * 24)
    alive()
    come_in(page, site_url)
    page.goto(f"{site_url}/calls/?campaign={run.campaign_id}")

    for name in ("total", "selected", "calling", "error"):
        number = stat(page, name).inner_text()
        page.locator(f"#stat-{name}").click()
        page.wait_for_url(re.compile("outbound="))
        wanted = "1 lead" if number == "1" else f"{number} leads"
        expect(page.locator("#leads-total")).to_have_text(wanted)

    reason = page.locator(".reason")
    expect(reason).to_contain_text("2 sin consentimiento")
    reason.click()
    expect(page.locator("#leads-total")).to_have_text("2 leads")


# --- Keyboard only ------------------------------------------------------------------


def tab_to(page, name: str, *, role: str = "button") -> None:
    """As a person does it who has no mouse."""
    wanted = page.get_by_role(role, name=name, exact=False).first
    for _each in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_from_the_filter_to_stop_without_a_mouse(
    page, site_url, quick_worker, simulator
):
    CampaignFactory(max_concurrent_calls=2)
    simulator.set(speed=5)
    for n in range(5):
        LeadFactory(
            first_name=f"Lead {n}",
            call_status=CallStatus.NO_SELECTED,
            selected_for_calling=False,
            next_call_at=None,
        )
    come_in(page, site_url)
    hears(page)

    page.locator("#q").focus()
    page.keyboard.type("lead 3")
    expect(page.locator("#leads-total")).to_have_text("1 lead")
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    expect(page.locator("#leads-total")).to_have_text("5 leads")
    tab_to(page, "Marcar toda la página", role="checkbox")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+Tab")
    tab_back_to(page, "Poner en cola")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_contain_text("5 leads se llamarán ahora")

    page.locator("#main").focus()
    tab_to(page, "Iniciar llamadas")
    page.keyboard.press("Enter")
    expect(page.locator("#side")).to_contain_text("2 de 2")
    tab_to_stop(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Iniciar llamadas")).to_be_visible()
    assert Campaign.objects.get().state in (RunState.STOPPING, RunState.STOPPED)


def tab_back_to(page, name: str) -> None:
    wanted = page.get_by_role("button", name=name, exact=True)
    for _each in range(40):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab")
    raise AssertionError(f"{name} is not reached by Shift+Tab")


def tab_to_stop(page) -> None:
    """The button that was pressed is gone; the focus is near, and not lost."""
    page.locator("#main").focus()
    tab_to(page, "Detener")


def test_the_dialog_of_the_emergency_stop_by_keyboard(page, site_url, simulator):
    run = RunFactory()
    alive()
    come_in(page, site_url)
    link = page.get_by_role("link", name="Parada de emergencia")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Parada de emergencia")
    expect(dialog).to_be_visible()

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    assert Campaign.objects.get(pk=run.campaign_id).state == RunState.RUNNING

    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Detener y pausar en Pearl").press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#panel")).to_contain_text("Pausada en Pearl")
    assert Campaign.objects.get(pk=run.campaign_id).state == RunState.STOPPED
