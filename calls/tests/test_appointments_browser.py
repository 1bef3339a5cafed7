"""The calendar in a real Chromium: by mouse, by keyboard, and on a phone."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from calls.appointments import State
from calls.models import Appointment
from calls.tests.factories import AppointmentFactory, ClinicFactory
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]

CALENDAR = reverse("calls:appointments")


def on_tuesday(hour: int, *, weeks: int = 1) -> datetime:
    """Of a week to come, so that nothing is past."""
    today = timezone.localdate()
    day = today + timedelta(days=7 * weeks + 1 - today.weekday())
    return datetime.combine(day, time(hour), tzinfo=ZoneInfo("Europe/Madrid"))


@pytest.fixture
def clinic():
    return ClinicFactory(name="Clínica Norte", external_id="C-1")


@pytest.fixture
def week(clinic):
    """Three on Tuesday and one on Thursday of next week."""
    diary = clinic.resources.get()
    return [
        AppointmentFactory(
            resource=diary,
            starts_at=on_tuesday(hour) + timedelta(days=days),
            lead__first_name=name,
        )
        for hour, days, name in [
            (9, 0, "Aurora"),
            (10, 0, "Berta"),
            (11, 0, "Carla"),
            (10, 2, "Diego"),
        ]
    ]


@pytest.fixture
def calendar(page, live_server, client, week):
    """Of next week, for somebody who may do everything."""
    client.force_login(User.objects.create_superuser("marta"))
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies(
        [{"name": session.key, "value": session.value, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}{CALENDAR}?on={on_tuesday(9):%Y-%m-%d}")
    expect(page.locator(".slot")).to_have_count(4)
    return page


def slot(page, name: str):
    return page.locator(".slot", has_text=name)


def test_an_appointment_is_confirmed_over_the_calendar_that_shows_it_at_once(
    calendar, week
):
    slot(calendar, "Berta").click()
    panel = calendar.get_by_role("dialog")
    expect(panel).to_be_visible()

    panel.get_by_role("button", name="Confirmar").click()

    expect(panel.get_by_role("status")).to_have_text("Cita confirmada.")
    expect(slot(calendar, "Berta")).to_contain_text("Confirmada")
    calendar.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(slot(calendar, "Berta")).to_be_focused()
    assert Appointment.objects.get(pk=week[1].pk).state == State.CONFIRMED


def test_the_alarm_goes_with_the_last_one_that_is_settled(calendar, clinic):
    soon = timezone.now() + timedelta(hours=2)
    AppointmentFactory(
        resource=clinic.resources.get(), starts_at=soon, lead__first_name="Elvira"
    )
    cache.clear()
    calendar.goto(calendar.url.partition("?")[0] + "?unconfirmed=1")
    expect(calendar.locator(".alarm")).to_contain_text("1 cita prometida")

    calendar.get_by_role("link", name="Elvira").click()
    calendar.get_by_role("button", name="Confirmar").click()

    expect(calendar.locator(".alarm")).to_have_count(0)
    expect(calendar.locator(".empty")).to_contain_text("Nada por confirmar")


def test_it_is_moved_and_cancelled_by_keyboard_alone(calendar, week):
    slot(calendar, "Aurora").focus()
    calendar.keyboard.press("Enter")
    panel = calendar.get_by_role("dialog")
    panel.get_by_text("Cambiar día, hora o agenda").press("Enter")
    panel.get_by_label("Hora").fill("10:15")
    panel.get_by_label("Hora").press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("Después está libre: 10:30")

    panel.get_by_label("Hora").fill("10:30")
    panel.get_by_label("Hora").press("Enter")
    expect(panel.get_by_role("status")).to_have_text("Cita cambiada.")

    panel.locator("summary", has_text="Cancelar la cita").press("Enter")
    panel.get_by_label("Motivo").select_option(label="La cancela la clínica")
    panel.get_by_role("button", name="Cancelar la cita").press("Enter")
    expect(panel.get_by_role("status")).to_contain_text("Cita cancelada.")

    made = Appointment.objects.get(pk=week[0].pk)
    assert made.starts_at == on_tuesday(10) + timedelta(minutes=30)
    assert made.state == State.CANCELLED


def test_arrows_walk_the_week(calendar):
    slot(calendar, "Aurora").focus()

    for key, name in [
        ("ArrowDown", "Berta"),
        ("End", "Carla"),
        ("ArrowDown", "Carla"),
        ("ArrowRight", "Diego"),
        ("ArrowRight", "Diego"),
        ("ArrowLeft", "Aurora"),
        ("ArrowLeft", "Aurora"),
    ]:
        calendar.keyboard.press(key)
        expect(slot(calendar, name)).to_be_focused()


def test_a_step_a_view_and_a_filter_change_the_address_and_go_back(calendar, clinic):
    calendar.get_by_role("link", name="Semana siguiente").click()
    expect(calendar.locator(".empty")).to_contain_text("No hay citas en estas fechas")
    expect(calendar.get_by_role("link", name="Semana siguiente")).to_be_focused()

    calendar.go_back()
    expect(calendar.locator(".slot")).to_have_count(4)

    calendar.get_by_label("Estado").select_option(label="Confirmada")
    expect(calendar.locator(".empty")).to_contain_text("Ninguna cita con ese filtro")
    calendar.get_by_label("Estado").select_option(label="Todos los estados")
    expect(calendar.locator(".slot")).to_have_count(4)
    calendar.get_by_label("Clínica").select_option(label="Clínica Norte")
    expect(calendar.locator(".slot").first).not_to_contain_text("Clínica Norte")
    calendar.get_by_role("link", name="Lista").click()
    expect(calendar.locator(".booked__row")).to_have_count(4)
    assert f"clinic={clinic.pk}" in calendar.url
    assert "view=list" in calendar.url
    calendar.reload()
    expect(calendar.locator(".booked__row")).to_have_count(4)


def test_a_new_one_from_the_calendar_finds_whom_and_shows_it(calendar, clinic):
    LeadFactory(first_name="Begoña", clinic_id="C-1", selected_for_calling=True)
    calendar.get_by_role("link", name="Nueva cita").click()
    panel = calendar.get_by_role("dialog")
    expect(panel.get_by_label("Nombre, teléfono o NIF")).to_be_focused()
    # Nobody types as fast as that: the form is not wired yet.
    expect(calendar.locator(".htmx-added, .htmx-settling")).to_have_count(0)

    calendar.keyboard.type("bego")
    calendar.keyboard.press("Enter")
    panel.get_by_role("link", name="Begoña").click()
    panel.get_by_label("Día").fill(f"{on_tuesday(9):%Y-%m-%d}")
    panel.get_by_label("Hora").fill("16:00")
    panel.get_by_role("button", name="Guardar la cita").click()

    expect(panel.get_by_role("status")).to_have_text("Cita guardada.")
    expect(slot(calendar, "Begoña")).to_contain_text("16:00")
    calendar.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert Appointment.objects.get(lead__first_name="Begoña").resource.clinic == clinic


def test_who_is_late_reads_why_and_keeps_what_was_written(calendar, clinic, week):
    slot(calendar, "Aurora").click()
    panel = calendar.get_by_role("dialog")
    panel.get_by_text("Cambiar día, hora o agenda").click()
    Appointment.objects.filter(pk=week[0].pk).update(sequence=1, state="confirmed")

    panel.get_by_label("Hora").fill("13:00")
    panel.get_by_role("button", name="Guardar el cambio").click()

    expect(panel.get_by_role("alert")).to_contain_text("ha cambiado mientras tanto")
    expect(panel.locator(".situation")).to_have_text("Confirmada")
    expect(panel.get_by_label("Hora")).to_have_value("13:00")


def test_on_a_phone_a_week_is_a_list_by_day_with_nothing_beside_it(calendar):
    calendar.set_viewport_size({"width": 360, "height": 740})

    boxes = [one.bounding_box() for one in calendar.locator(".slot").all()]
    lefts = {box["x"] for box in boxes}
    assert len(lefts) == 1
    width = calendar.evaluate("document.documentElement.scrollWidth")
    assert width == 360
    assert min(box["height"] for box in boxes) >= 44


def test_without_script_it_is_all_pages_and_forms(live_server, browser, client, week):
    client.force_login(User.objects.create_superuser("ana"))
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    context = browser.new_context(java_script_enabled=False, locale="es-ES")
    context.add_cookies(
        [{"name": session.key, "value": session.value, "url": live_server.url}]
    )
    page = context.new_page()
    page.goto(f"{live_server.url}{CALENDAR}?on={on_tuesday(9):%Y-%m-%d}")

    slot(page, "Berta").click()
    page.get_by_role("button", name="Confirmar").click()

    expect(page.locator(".toast-line")).to_have_text("Cita confirmada.")
    expect(page.locator(".situation")).to_have_text("Confirmada")
