"""The calendar, its appointments and its alarm: what each person sees and may do."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls import alarms
from calls.appointments import State
from calls.models import Appointment, AppointmentEvent, Clinic, Review
from calls.tests.factories import AppointmentFactory, ClinicFactory, ResourceFactory
from leads.models import Disposition, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HTMX = {"HX-Request": "true"}
CALENDAR = reverse("calls:appointments")
SEE = ("view_appointment", "view_lead")
ROW = re.compile(r'id="appointment-(\d+)"')
CHANGE = (*SEE, "add_appointment", "change_appointment")


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return ClinicFactory(name="Clínica Norte", external_id="C-1")


def person(client, *names: str) -> User:
    user = User.objects.create_user("marta", first_name="Marta")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def booked(clinic: Clinic, **changes) -> Appointment:
    values = {"starts_at": NOW + 3 * HOUR, "created_at": NOW} | changes
    return AppointmentFactory(resource=clinic.resources.first(), **values)


def page(client, query: str = "") -> str:
    answer = client.get(f"{CALENDAR}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


# --- Who may ------------------------------------------------------------------------

ROUTES = [
    ("get", "appointments", SEE),
    ("get", "appointment_calendar", SEE),
    ("get", "appointment", SEE),
    ("get", "new_appointment", (*SEE, "add_appointment")),
    ("post", "new_appointment", (*SEE, "add_appointment")),
    ("post", "move_appointment", (*SEE, "change_appointment")),
    ("post", "change_appointment", (*SEE, "change_appointment")),
]


@pytest.mark.parametrize(("method", "name", "needed"), ROUTES)
def test_each_page_is_for_those_of_the_table(client, clinic, method, name, needed):
    of_one = ("appointment", "move_appointment", "change_appointment")
    args = [booked(clinic).pk] if name in of_one else []
    where = reverse(f"calls:{name}", args=args)
    ask = getattr(client, method)

    assert ask(where)["Location"].startswith("/login/")
    for lacking in needed:
        user = person(client, *(one for one in CHANGE if one != lacking))
        assert ask(where).status_code == 403, lacking
        user.delete()
    person(client, *needed)
    assert ask(where).status_code in (200, 400)


def test_who_only_looks_is_offered_nothing_to_press(client, clinic):
    made = booked(clinic)
    person(client, *SEE)

    shown = client.get(reverse("calls:appointment", args=[made.pk])).content.decode()

    assert "Confirmar" not in shown
    assert "Nueva cita" not in page(client)


# --- The calendar -------------------------------------------------------------------


def test_a_week_shows_its_seven_days_and_nothing_else(client, clinic):
    person(client, *SEE)
    sunday = datetime(2026, 11, 29, 22, 59, tzinfo=UTC)  # 23:59 in Madrid
    for at, name in [
        (sunday, "Última"),
        (sunday + timedelta(minutes=1), "Siguiente"),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), "Primera"),
        (datetime(2026, 11, 22, 22, 59, tzinfo=UTC), "Anterior"),
    ]:
        booked(clinic, starts_at=at, lead__first_name=name)

    shown = page(client)

    assert "Semana del 23/11 al 29/11/2026" in shown
    assert [name in shown for name in ("Primera", "Última")] == [True, True]
    assert [name in shown for name in ("Anterior", "Siguiente")] == [False, False]
    assert shown.count("day--today") == 1


def test_the_day_of_a_clinic_is_its_own(client):
    """23:30 in Las Palmas is tomorrow in Madrid."""
    person(client, *SEE)
    there = ClinicFactory(time_zone="Atlantic/Canary")
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    booked(there, starts_at=late, lead__first_name="Tardía")

    here = page(client, "?view=day&on=2026-11-25")
    at_clinic = page(client, f"?view=day&on=2026-11-25&clinic={there.pk}")

    assert "Tardía" not in here
    assert "Tardía" in at_clinic
    assert "23:30" in at_clinic
    assert "(hora de Canarias)" in at_clinic


@pytest.mark.parametrize("view", ["week", "day", "list"])
def test_filters_narrow_every_view(client, clinic, view):
    person(client, *SEE)
    booked(clinic, lead__first_name="Deaquí", state=State.CONFIRMED)
    booked(ClinicFactory(), lead__first_name="Deallí")

    of_clinic = page(client, f"?view={view}&clinic={clinic.pk}&state=")
    of_state = page(client, f"?view={view}&state=proposed")

    assert ("Deaquí" in of_clinic, "Deallí" in of_clinic) == (True, False)
    assert ("Deaquí" in of_state, "Deallí" in of_state) == (False, True)


@pytest.mark.parametrize(
    "query",
    ["on=ayer", "on=0001-01-01", "on=9999-12-31", "view=x", "clinic=99", "state=x",
     "clinic=x", "clinc=1", "on=2026-02-30"],
)  # fmt: skip
def test_an_address_that_is_not_understood_shows_nobody(client, clinic, query):
    person(client, *SEE)
    booked(clinic, lead__first_name="Secreta")

    shown = page(client, f"?{query}")

    assert "tiene errores" in shown
    assert "Secreta" not in shown


@pytest.mark.parametrize("after", ["x", "~", "2026-01-01~1", "9~9", "2026-11-25T~²"])
def test_a_page_that_cannot_be_read_is_the_first(client, clinic, after):
    person(client, *SEE)
    booked(clinic, lead__first_name="Primera")

    assert "Primera" in page(client, f"?view=list&after={after}")


@pytest.mark.parametrize("view", ["week", "day", "list", "unconfirmed"])
def test_a_thousand_take_as_many_queries_as_ten(client, clinic, view):
    person(client, *SEE)
    leads = LeadFactory.create_batch(5)
    query = "?unconfirmed=1" if view == "unconfirmed" else f"?view={view}"

    def fill(count: int, *, since: int) -> None:
        # Of one hour each, so that they are neighbours.
        Appointment.objects.bulk_create(
            Appointment(
                lead=leads[n % 5],
                clinic=clinic,
                resource=clinic.resources.get(),
                starts_at=NOW + timedelta(seconds=since + n),
                minutes=30,
                created_at=NOW - 2 * DAY,
            )
            for n in range(count)
        )

    def ask() -> tuple[int, int]:
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            shown = page(client, query)
        return len(queries), len(ROW.findall(shown))

    fill(10, since=0)
    few, shown_of_few = ask()
    fill(990, since=10)
    many, shown_of_many = ask()

    assert shown_of_few == 10
    assert shown_of_many == (40 if view == "week" else 100)
    assert many == few <= 20


def test_pages_hold_every_appointment_once_even_of_one_instant(client, clinic):
    person(client, *SEE)
    lead = LeadFactory()
    for n in range(130):
        AppointmentFactory(
            lead=lead,
            resource=ResourceFactory(clinic=clinic, name=f"Sala {n}"),
            starts_at=NOW + HOUR * (n // 60),
        )

    for view in ("day", "list"):
        found: list[str] = []
        query = f"?view={view}"
        while query:
            shown = page(client, query)
            found += ROW.findall(shown)
            _head, _sep, rest = shown.partition("appointments__pages")
            query = rest.split('href="')[1].split('"')[0] if rest else ""
            query = query.replace(CALENDAR, "").replace("&amp;", "&")
        assert len(found) == len({*found}) == 130


def test_the_fragment_gives_the_browser_the_address_of_the_page(client, clinic):
    person(client, *SEE)
    where = f"{reverse('calls:appointment_calendar')}?view=day&state="

    asked = client.get(where, headers=HTMX)
    renewed = client.get(where, headers=HTMX | {"HX-Trigger": "appointments"})

    assert asked["HX-Push-Url"] == f"{CALENDAR}?view=day"
    assert "HX-Push-Url" not in renewed
    assert b"<html" not in asked.content


def test_an_empty_calendar_says_what_comes_next(client, django_user_model):
    boss = django_user_model.objects.create_superuser("jefa")
    client.force_login(boss)

    assert "Crear una clínica" in page(client)
    made = ClinicFactory()
    assert "No hay citas en estas fechas" in page(client)
    assert "Quitar el filtro" in page(client, f"?clinic={made.pk}")
    assert "Nada por confirmar" in page(client, "?unconfirmed=1")


# --- One appointment ----------------------------------------------------------------


def state_url(made: Appointment) -> str:
    return reverse("calls:change_appointment", args=[made.pk])


def test_a_press_confirms_and_the_calendar_hears_of_it(client, clinic):
    marta = person(client, *CHANGE)
    made = booked(clinic)

    answer = client.post(state_url(made), {"to": "confirmed", "seen": 0}, headers=HTMX)

    made.refresh_from_db()
    assert made.state == State.CONFIRMED
    assert "Cita confirmada." in answer.content.decode()
    assert "appointments" in json.loads(answer["HX-Trigger"])
    assert AppointmentEvent.objects.get().by == marta


@pytest.mark.parametrize("seen", ["", "x", "7", "-1", "²"])
def test_a_screen_that_is_old_changes_nothing_and_shows_what_is(client, clinic, seen):
    person(client, *CHANGE)
    made = booked(clinic)

    for where, sent in [
        (state_url(made), {"to": "confirmed"}),
        (reverse("calls:move_appointment", args=[made.pk]), place(clinic, "18:00")),
    ]:
        answer = client.post(where, sent | {"seen": seen}, headers=HTMX)
        assert "ha cambiado mientras tanto" in answer.content.decode()

    made.refresh_from_db()
    assert (made.state, made.sequence) == (State.PROPOSED, 0)


def test_a_cancellation_asks_for_its_reason(client, clinic):
    person(client, *CHANGE)
    made = booked(clinic)
    sent = {"to": "cancelled", "seen": 0}

    refused = client.post(state_url(made), sent, headers=HTMX)
    client.post(state_url(made), sent | {"reason": "clinic", "note": "Obras"})

    assert "Elija el motivo." in refused.content.decode()
    made.refresh_from_db()
    assert (made.state, made.cancel_reason) == (State.CANCELLED, "clinic")
    shown = client.get(reverse("calls:appointment", args=[made.pk])).content.decode()
    assert "Obras" in shown
    assert "La cancela la clínica" in shown
    assert "Guardar el cambio" not in shown


def place(clinic: Clinic, hour: str, day: str = "2026-11-30", **more) -> dict:
    diary = clinic.resources.first()
    return {"resource": diary.pk, "day": day, "hour": hour, "minutes": "", **more}


def new_url(lead: Lead) -> str:
    return f"{reverse('calls:new_appointment')}?lead={lead.pk}"


def test_a_new_one_is_on_the_clock_of_the_clinic_and_frees_the_lead(client):
    person(client, *CHANGE)
    there = ClinicFactory(time_zone="Atlantic/Canary", minutes=20)
    lead = LeadFactory()

    answer = client.post(new_url(lead), place(there, "10:00", confirmed="on"))

    made = Appointment.objects.get()
    assert answer["Location"] == reverse("calls:appointment", args=[made.pk])
    assert made.starts_at == datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
    assert (made.minutes, made.state) == (20, State.CONFIRMED)
    lead.refresh_from_db()
    assert lead.disposition == Disposition.APPOINTMENT
    assert not lead.selected_for_calling


def test_who_comes_second_reads_why_and_what_is_free(client, clinic):
    person(client, *CHANGE)
    for hour in ("17:00", "18:00"):
        client.post(new_url(LeadFactory()), place(clinic, hour))

    answer = client.post(new_url(LeadFactory()), place(clinic, "17:00"), headers=HTMX)

    shown = answer.content.decode()
    assert "ya está ocupada" in shown
    assert "Después está libre: 17:30, 18:30, 19:00." in shown
    assert 'value="17:00"' in shown  # what was typed stays
    assert Appointment.objects.count() == 2


@pytest.mark.parametrize(
    ("day", "hour", "why"),
    [
        ("2026-11-25", "10:59", "ya había pasado"),
        ("2027-03-28", "02:30", "no existe"),
        ("2027-10-31", "02:30", "dos veces"),
        ("2099-01-01", "10:00", "más de un año"),
        ("2026-13-01", "10:00", "fecha válida"),
        ("", "", "obligatorio"),
    ],
)
def test_an_hour_that_cannot_be_is_refused_in_words(client, clinic, day, hour, why):
    person(client, *CHANGE)

    answer = client.post(new_url(LeadFactory()), place(clinic, hour, day))

    assert why in answer.content.decode()
    assert not Appointment.objects.exists()


def test_what_is_for_review_opens_with_what_was_agreed(client, clinic):
    person(client, *CHANGE)
    made = AppointmentFactory(
        resource=None,
        clinic=clinic,
        review=Review.SKIPPED,
        starts_at=None,
        asked_date=datetime(2027, 3, 28).date(),
        asked_time=datetime(2027, 3, 28, 2, 30).time(),
    )
    where = reverse("calls:appointment", args=[made.pk])

    shown = client.get(where).content.decode()
    client.post(
        reverse("calls:move_appointment", args=[made.pk]),
        place(clinic, "03:30", "2027-03-28", seen=0),
    )

    assert "esa hora no existe" in shown
    assert "28/03/2027 02:30" in shown
    assert 'value="2027-03-28"' in shown
    assert "Confirmar" not in shown
    made.refresh_from_db()
    assert (made.review, made.starts_at.hour) == ("", 1)
    assert "Confirmar" in client.get(where).content.decode()


def test_for_whom_is_found_by_name_and_leads_to_the_form(client, clinic):
    person(client, *CHANGE)
    lead = LeadFactory(first_name="Begoña", clinic_id="C-1")
    LeadFactory(first_name="Otra")
    where = reverse("calls:new_appointment")

    found = client.get(f"{where}?q=bego&on=2026-11-30").content.decode()
    form = client.get(f"{new_url(lead)}&on=2026-11-30").content.decode()

    assert "Begoña" in found
    assert "Otra" not in found
    assert f"?lead={lead.pk}&amp;on=2026-11-30" in found
    assert 'value="2026-11-30"' in form
    assert f'<option value="{clinic.resources.get().pk}" selected>' in form
    assert "Nadie" in client.get(f"{where}?q=zzz").content.decode()


@pytest.mark.parametrize("lead", ["0", "x", "99999", "9" * 30])
def test_nobody_is_booked_for_a_lead_that_is_not(client, clinic, lead):
    person(client, *CHANGE)

    answer = client.get(f"{reverse('calls:new_appointment')}?lead={lead}")

    assert answer.status_code in (200, 404)
    assert "Guardar la cita" not in answer.content.decode()


# --- The alarm ----------------------------------------------------------------------


def test_the_alarm_counts_what_its_link_lists(client, clinic):
    person(client, *SEE)
    late = [
        booked(clinic, starts_at=NOW + 9 * DAY, created_at=NOW - DAY),
        booked(clinic, starts_at=NOW + DAY),
        booked(clinic, starts_at=NOW - DAY),
        AppointmentFactory(
            clinic=None, resource=None, review=Review.NO_CLINIC, created_at=NOW
        ),
    ]
    fresh = booked(clinic, starts_at=NOW + 2 * DAY)
    settled = booked(clinic, starts_at=NOW + HOUR, state=State.CONFIRMED)

    (alarm,) = alarms.alarms(now=NOW)
    shown = client.get(alarm.url).content.decode()

    assert alarm.text == "4 citas prometidas sin confirmar."
    assert alarm.url == f"{CALENDAR}?unconfirmed=1"
    there = [f'id="appointment-{one.pk}"' in shown for one in [*late, fresh, settled]]
    assert there == [True] * 4 + [False] * 2
    assert "4 citas prometidas sin confirmar." in client.get("/").content.decode()
    assert f'href="{alarm.url}"' in client.get("/").content.decode()


def test_the_alarm_goes_as_soon_as_it_is_settled(client, clinic):
    person(client, *CHANGE)
    made = booked(clinic)
    assert "1 cita prometida sin confirmar" in page(client)

    client.post(state_url(made), {"to": "confirmed", "seen": 0})

    assert "sin confirmar." not in page(client)


# --- On the lead --------------------------------------------------------------------


def test_a_leads_panel_shows_its_appointments_and_offers_one_more(
    client, clinic, campaign
):
    person(client, *CHANGE, "view_campaign")
    made = booked(clinic)
    panel = reverse("calls:lead", args=[campaign.pk, made.lead_id])

    shown = client.get(panel, headers=HTMX).content.decode()

    assert reverse("calls:appointment", args=[made.pk]) in shown
    assert f'href="{new_url(made.lead)}"' in shown
    assert "25/11/2026 14:00" in shown


def test_a_leads_panel_tells_nothing_of_them_to_who_may_not_see_them(
    client, clinic, campaign
):
    person(client, "view_campaign", "view_lead")
    made = booked(clinic)
    panel = reverse("calls:lead", args=[campaign.pk, made.lead_id])

    shown = client.get(panel, headers=HTMX).content.decode()

    assert "25/11/2026 14:00" not in shown
    assert "Nueva cita" not in shown
