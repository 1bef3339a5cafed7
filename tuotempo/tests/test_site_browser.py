"""What every page does by itself: toasts, the connection, the header. In Chromium."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from calls.models import Campaign, RunState
from calls.tests.factories import CampaignFactory
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]

PASSWORD = "una-clave-de-prueba"


def log_in(page, live_server, path: str = "/") -> None:
    if not User.objects.filter(username="marta").exists():
        User.objects.create_superuser("marta", password=PASSWORD)
    page.goto(f"{live_server.url}{path}")
    enter(page)


def enter(page) -> None:
    page.get_by_label("Usuario").fill("marta")
    page.get_by_label("Contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Entrar").click()
    expect(page.locator(".avatar")).to_be_visible()
    page.wait_for_load_state()


def say(page, text: str, **more: object) -> None:
    page.evaluate(
        "detail => document.body.dispatchEvent(new CustomEvent('toast', {detail}))",
        {"text": text, **more},
    )


@pytest.fixture
def toasts(page, live_server):
    """Of the login page, whose clock the test moves."""
    page.clock.install(time=0)
    page.goto(f"{live_server.url}/login/")
    page.wait_for_load_state()
    page.clock.pause_at(3600)
    return page.locator(".toast-line")


@pytest.fixture
def unwatched(page):
    """A page on which what goes wrong may be written to the console."""
    context = page.context.browser.new_context(locale="es-ES")
    yield context.new_page()
    context.close()


def test_a_toast_goes_by_itself_and_an_error_does_not(page, toasts):
    say(page, "Hecho.")
    say(page, "No ha podido ser.", kind="error")

    page.clock.run_for(5900)
    expect(toasts).to_have_count(2)
    page.clock.run_for(200)
    expect(toasts).to_have_text(["No ha podido ser.×"])
    page.clock.run_for(600_000)
    expect(page.get_by_role("alert")).to_contain_text("No ha podido ser.")

    page.get_by_role("button", name="Cerrar").click()
    expect(toasts).to_have_count(0)


def test_a_toast_stays_while_it_is_held(page, toasts):
    say(page, "Hecho.")
    toasts.hover()
    page.clock.run_for(60_000)
    expect(toasts).to_have_count(1)

    page.keyboard.press("F8")
    expect(page.get_by_role("button", name="Cerrar")).to_be_focused()
    page.mouse.move(1, 1)
    page.clock.run_for(60_000)
    expect(toasts).to_have_count(1)

    page.get_by_label("Usuario").focus()
    page.clock.run_for(6_100)
    expect(toasts).to_have_count(0)


def test_toasts_by_keyboard(page, toasts):
    page.get_by_label("Contraseña").focus()
    for text in ("uno", "dos"):
        say(page, text)

    page.keyboard.press("F8")
    expect(toasts.nth(1).get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(toasts).to_have_text(["uno×"])
    expect(toasts.get_by_role("button")).to_be_focused()
    page.keyboard.press("Escape")
    expect(toasts).to_have_count(0)
    expect(page.get_by_label("Contraseña")).to_be_focused()


def test_escape_closes_the_newest_and_there_are_four_at_most(page, toasts):
    say(page, "error", kind="error")
    for n in range(5):
        say(page, f"aviso {n}")

    expect(toasts).to_have_count(4)
    expect(page.get_by_role("alert")).to_have_text("error×")
    page.keyboard.press("Escape")
    expect(page.locator("#toasts")).not_to_contain_text("aviso 4")
    expect(page.locator("#toasts")).to_contain_text("aviso 3")


def test_what_is_said_later_of_the_same_replaces_it(page, toasts):
    for text in ("una llamada", "otra llamada"):
        say(page, text, key="call")
    say(page, "otra cosa")

    expect(toasts).to_have_text(["otra llamada×", "otra cosa×"])


def test_the_action_of_a_toast_is_done_once_and_answers_in_a_toast(page, live_server):
    campaign = CampaignFactory(state=RunState.RUNNING)
    LeadFactory()
    log_in(page, live_server, "/calls/")
    posts = []
    page.on("request", lambda r: posts.append(r.url) if r.method == "POST" else None)
    action = {"label": "Detener", "url": f"/calls/{campaign.pk}/stop"}
    say(page, "En marcha.", action=action)

    page.keyboard.press("F8")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    expect(page.locator("#toasts")).to_contain_text("No se llamará a nadie más")
    assert posts == [f"{live_server.url}/calls/{campaign.pk}/stop"]
    assert Campaign.objects.get().state == RunState.STOPPED


def test_a_text_of_a_toast_is_text(page, toasts):
    say(page, "<img src=x onerror=alert(1)>")

    expect(toasts).to_contain_text("<img")
    assert page.locator(".toast-line img").count() == 0


def test_a_session_that_ended_comes_back_to_the_filter(unwatched, live_server):
    page = unwatched
    CampaignFactory()
    LeadFactory(city="Getafe", first_name="Ane")
    LeadFactory(city="Madrid", first_name="Jon")
    log_in(page, live_server, "/calls/?city=Getafe")
    expect(page.locator("#leads")).to_contain_text("Ane")

    page.context.clear_cookies()
    expect(page.get_by_label("Contraseña")).to_be_visible()
    enter(page)

    expect(page.locator("#leads")).to_contain_text("Ane")
    assert "city=Getafe" in page.url
    expect(page.locator("#leads")).not_to_contain_text("Jon")


def test_a_lost_connection_is_said_once_and_its_return_too(unwatched, live_server):
    page = unwatched
    CampaignFactory()
    log_in(page, live_server, "/calls/")
    expect(page.locator("#panel")).to_be_visible()

    page.context.set_offline(True)
    expect(page.get_by_text("Se ha perdido la conexión")).to_be_visible()
    page.wait_for_event("requestfailed")
    page.wait_for_event("requestfailed")
    expect(page.get_by_text("Se ha perdido la conexión")).to_have_count(1)

    page.context.set_offline(False)
    expect(page.get_by_text("La conexión ha vuelto.")).to_be_visible()
    expect(page.get_by_text("Se ha perdido la conexión")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "No tiene permiso"),
        (413, "demasiado grande"),
        (429, "Demasiadas peticiones"),
        (500, "Algo ha fallado"),
        (502, "Algo ha fallado"),
        (503, "La base de datos no responde"),
    ],
)
def test_a_refusal_is_said_in_words(unwatched, live_server, status, words):
    page = unwatched
    log_in(page, live_server)
    page.route("**/pearl", lambda route: route.fulfill(status=status, body=""))
    ask = "htmx.trigger(document.body, 'pearl')"

    page.evaluate(ask)
    expect(page.get_by_role("alert")).to_contain_text(words)
    with page.expect_response("**/pearl"):
        page.evaluate(ask)

    expect(page.locator(".toast-line")).to_have_count(1)


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_takes_long_shows_a_bar_if_somebody_waits_for_it(
    page, live_server, by_hand
):
    log_in(page, live_server)
    asked = []
    page.route("**/pearl", lambda route: asked.append(route))
    if by_hand:
        page.evaluate(
            """() => {
              const button = document.createElement("button");
              button.textContent = "Mirar";
              button.setAttribute("hx-get", "/pearl");
              button.setAttribute("hx-swap", "none");
              document.getElementById("main").append(button);
              htmx.process(button);
            }"""
        )
        page.get_by_role("button", name="Mirar").click()
    else:
        page.evaluate("htmx.trigger(document.body, 'pearl')")
    page.wait_for_timeout(500)

    bar = page.locator(".bar__waiting")
    expect(bar).to_be_visible(visible=by_hand)
    expect(page.locator("main[aria-busy=true]")).to_have_count(int(by_hand))
    asked[0].continue_()
    expect(bar).to_be_hidden()
    expect(page.locator("main[aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/leads/lead/", "/nada"])
def test_a_phone_of_360_points_reaches_every_link_by_keyboard(
    unwatched, live_server, path
):
    page = unwatched
    page.set_viewport_size({"width": 360, "height": 740})
    log_in(page, live_server)
    page.goto(f"{live_server.url}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    menu = page.get_by_role("button", name="Menú", exact=True)
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    link = page.locator("#bar-links").get_by_text("Llamadas")
    expect(link).to_be_focused()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_language_is_changed_in_the_header(page, live_server):
    log_in(page, live_server)
    page.get_by_role("button", name="Menú de marta").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="English")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto(f"{live_server.url}/admin/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
