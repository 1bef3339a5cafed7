"""The calendar of a clinic, as programs that subscribe to it read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calls import appointments, calendar_feed, ical
from calls.appointments import State
from calls.models import Appointment, Clinic, Review
from calls.tests.factories import AppointmentFactory, ClinicFactory, ResourceFactory
from leads.models import Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AT = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    made = ClinicFactory(name="Clínica Norte; y Sur", address="Calle Mayor, 3")
    calendar_feed.renew(made)
    made.refresh_from_db()
    return made


def booked(clinic: Clinic, **changes) -> Appointment:
    lead = LeadFactory(
        first_name="Ana Belén",
        last_name="Ortiz de la Vega",
        phone_e164="+34612034118",
        email="ana@example.org",
        national_id="12345678Z",
    )
    values = {"starts_at": AT, "lead": lead, "updated_at": NOW, "created_at": NOW}
    return AppointmentFactory(resource=clinic.resources.first(), **values | changes)


def address(clinic: Clinic) -> str:
    return reverse("calendar_feed", args=[clinic.feed_token])


def events(answer) -> list:
    calendar = icalendar.Calendar.from_ical(answer.content)
    return list(calendar.walk("VEVENT"))


def of_state(clinic: Clinic, state: State, *, hours: int = 0) -> Appointment:
    reason = "other" if state == State.CANCELLED else ""
    at = AT + timedelta(hours=hours)
    return booked(clinic, state=state, cancel_reason=reason, starts_at=at)


# --- What it says -------------------------------------------------------------------


def test_another_program_reads_the_appointment_as_it_is(client, clinic):
    made = booked(clinic, minutes=45, sequence=3)

    answer = client.get(address(clinic))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    (event,) = events(answer)
    assert event.errors == []
    assert (event.start, event.end) == (AT, AT + timedelta(minutes=45))
    assert str(event["UID"]) == f"{made.uid}@tuotempo"
    assert (event["SEQUENCE"], event["STATUS"]) == (3, "TENTATIVE")
    assert event["LAST-MODIFIED"].dt == NOW
    assert event["LOCATION"] == "Calle Mayor, 3"
    assert rb"LOCATION:Calle Mayor\, 3" in answer.content
    assert event["URL"] == f"http://testserver/calls/appointments/{made.pk}"
    calendar = icalendar.Calendar.from_ical(answer.content)
    assert calendar["NAME"] == r"Citas · Clínica Norte\; y Sur"
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")


def test_who_has_the_address_learns_initials_and_nothing_else(client, clinic):
    booked(clinic)
    Lead.objects.update(call_notes="Alergia", disposition_reason="price")

    text = client.get(address(clinic)).content.decode()

    assert "SUMMARY:A. B. O. V. · " in text
    for secret in ("Ana", "Ortiz", "612", "ana@", "12345678Z", "Alergia", "price"):
        assert secret not in text


@pytest.mark.parametrize(
    ("first_name", "last_name", "told"),
    [
        ("M.ª Carmen", "Soler Gil", "M. C. S. G."),
        ("josé", "pérez", "J. P."),
        ("", "", ""),
        ("123", "-", ""),
        ("Ana", "Uno Dos Tres Cuatro", "A. U. D. T."),
    ],
)
def test_initials(first_name, last_name, told):
    assert calendar_feed.initials(first_name, last_name) == told


def test_each_state_has_the_status_that_calendars_know(client, clinic):
    for hours, state in enumerate(State):
        of_state(clinic, state, hours=hours)

    told = [
        (one["STATUS"], one["TRANSP"]) for one in events(client.get(address(clinic)))
    ]

    assert told == [
        ("TENTATIVE", "OPAQUE"),
        ("CONFIRMED", "OPAQUE"),
        ("CONFIRMED", "OPAQUE"),
        ("CONFIRMED", "OPAQUE"),
        ("CANCELLED", "TRANSPARENT"),
    ]


def test_only_its_own_appointments_with_a_place_near_today(client, clinic):
    near = [-90 * DAY, 399 * DAY]
    for apart in [*near, -92 * DAY, 401 * DAY]:
        booked(clinic, starts_at=NOW + apart)
    AppointmentFactory(
        clinic=clinic, resource=None, review=Review.TAKEN, starts_at=NOW + DAY
    )
    booked(ClinicFactory())

    told = [event.start for event in events(client.get(address(clinic)))]

    assert told == [NOW + apart for apart in near]


def test_of_too_many_the_oldest_are_left_out(client, clinic, monkeypatch):
    monkeypatch.setattr(calendar_feed, "EVENTS_AT_MOST", 2)
    for days in (3, 1, 2):
        booked(clinic, starts_at=NOW + days * DAY)

    told = [event.start for event in events(client.get(address(clinic)))]

    assert told == [NOW + 2 * DAY, NOW + 3 * DAY]


def test_a_moved_appointment_is_the_same_one_later(client, clinic):
    made = booked(clinic)
    (before,) = events(client.get(address(clinic)))

    appointments.move(
        made,
        seen=0,
        resource=made.resource,
        starts_at=AT + DAY,
        minutes=30,
        by=None,
        now=NOW + timedelta(hours=1),
    )

    (after,) = events(client.get(address(clinic)))
    assert (before["UID"], before["SEQUENCE"]) == (after["UID"], after["SEQUENCE"] - 1)
    assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt


# --- How it is written --------------------------------------------------------------


@settings(deadline=None)
@example(name="", summary="x" * 400)
@example(name="", summary="x" + "ñ" * 200)
@example(name="x", summary="xx" + "€" * 150)
@example(name="x", summary="xxx" + "🦷" * 100)
@example(name="x", summary="a\\b\\n;,c\nd\\")
@given(
    name=st.text(max_size=200),
    summary=st.text(alphabet=st.characters(codec="utf-8"), max_size=400),
)
def test_whatever_the_words_every_line_is_as_the_rfc_has_it(name, summary):
    event = ical.Event(
        uid="a",
        starts_at=NOW,
        ends_at=NOW,
        summary=summary,
        description=summary[::-1],
        location=name,
        url="https://example.org/1",
        status="CONFIRMED",
        sequence=0,
        created_at=NOW,
        updated_at=NOW,
    )

    octets = ical.calendar("x", [event], refresh="PT1H")

    assert octets.endswith(b"END:VCALENDAR\r\n")
    lines = octets.split(b"\r\n")[:-1]
    assert max(map(len, lines)) <= 75
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    for line in lines:
        line.decode()  # no character is broken in two
    (read,) = icalendar.Calendar.from_ical(octets).walk("VEVENT")
    assert str(read["SUMMARY"]) == _readable(summary)


def _readable(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c == "\n" or not (c < " " or c == "\x7f"))


# --- Asking again -------------------------------------------------------------------


def test_who_has_it_already_is_told_so(client, clinic):
    booked(clinic)
    first = client.get(address(clinic))

    by_tag = client.get(address(clinic), headers={"If-None-Match": first["ETag"]})
    by_time = client.get(
        address(clinic), headers={"If-Modified-Since": first["Last-Modified"]}
    )

    assert (by_tag.status_code, by_time.status_code) == (304, 304)
    assert by_tag.content == b""
    assert by_tag["ETag"] == first["ETag"]
    assert first["Cache-Control"] == "private, max-age=300"


def cancel(clinic: Clinic) -> None:
    appointments.change_state(
        Appointment.objects.get(),
        State.CANCELLED,
        seen=0,
        by=None,
        now=NOW,
        reason="clinic",
    )


def rename(clinic: Clinic) -> None:
    Lead.objects.update(first_name="Zoe")


def take_to_another_clinic(clinic: Clinic) -> None:
    made = Appointment.objects.get()
    appointments.move(
        made,
        seen=0,
        resource=ResourceFactory(),
        starts_at=AT,
        minutes=30,
        by=None,
        now=NOW,
    )


@pytest.mark.parametrize("change", [cancel, rename, take_to_another_clinic])
def test_whatever_changes_it_is_sent_again(client, clinic, change):
    """Also within one second, and when what changed is not there any more."""
    booked(clinic)
    first = client.get(address(clinic))

    change(clinic)

    for header in ("ETag", "Last-Modified"):
        name = "If-None-Match" if header == "ETag" else "If-Modified-Since"
        answer = client.get(address(clinic), headers={name: first[header]})
        assert answer.status_code == 200, header
        assert answer.content != first.content


def test_a_process_that_knows_nothing_yet_never_says_unchanged_by_the_time(
    client, clinic
):
    first = client.get(address(clinic))
    cache.clear()

    answer = client.get(
        address(clinic), headers={"If-Modified-Since": first["Last-Modified"]}
    )

    assert answer.status_code == 200


def test_it_is_the_same_whatever_language_asks(client, clinic):
    booked(clinic)

    spanish = client.get(address(clinic), headers={"Accept-Language": "es"})
    english = client.get(address(clinic), headers={"Accept-Language": "en"})

    assert spanish.content == english.content


# --- Who may ------------------------------------------------------------------------


def test_no_session_is_asked_for_nor_given(client, clinic, django_assert_num_queries):
    booked(clinic)

    with django_assert_num_queries(2):
        answer = client.get(address(clinic))

    assert answer.status_code == 200
    assert not answer.cookies


def test_an_address_that_is_not_known_is_nothing(client, clinic, caplog):
    known = str(clinic.feed_token)
    for token in (known.swapcase(), known[:-1], "None", "x" * 300):
        answer = client.get(reverse("calendar_feed", args=[token]))
        assert (answer.status_code, answer.content) == (404, b"")


def test_a_renewed_or_stopped_calendar_leaves_its_old_address(client, clinic):
    old = address(clinic)
    calendar_feed.renew(clinic)
    clinic.refresh_from_db()

    assert client.get(old).status_code == 404
    assert client.get(address(clinic)).status_code == 200

    new = address(clinic)
    calendar_feed.stop(clinic)
    assert client.get(new).status_code == 404


def test_only_reading_is_possible(client, clinic):
    assert client.head(address(clinic)).status_code == 200
    assert client.post(address(clinic)).status_code == 405


def test_who_asks_all_the_time_waits(client, clinic):
    answers = [client.get(address(clinic)) for _n in range(40)]

    statuses = [answer.status_code for answer in answers]
    assert statuses == [200] * 30 + [429] * 10
    assert answers[-1]["Retry-After"] == "60"


# --- In the admin -------------------------------------------------------------------


def page_of(clinic: Clinic) -> str:
    return reverse("admin:calls_clinic_calendar", args=[clinic.pk])


def test_a_supervisor_makes_shows_renews_and_stops_the_address(
    client, clinic, admin_user
):
    client.force_login(admin_user)
    calendar_feed.stop(clinic)
    assert "apagado" in client.get(page_of(clinic)).content.decode()

    tokens = []
    for _n in range(2):
        client.post(page_of(clinic), {"renew": ""})
        clinic.refresh_from_db()
        tokens.append(clinic.feed_token)
        shown = client.get(page_of(clinic))
        assert f"http://testserver{address(clinic)}" in shown.content.decode()
        assert "no-store" in shown["Cache-Control"]
    client.post(page_of(clinic), {"stop": ""})

    clinic.refresh_from_db()
    assert clinic.feed_token is None
    assert len({*tokens}) == 2


def test_a_new_clinic_has_a_diary_from_the_start(client, admin_user):
    client.force_login(admin_user)
    sent = {
        "name": "Nueva",
        "external_id": "",
        "time_zone": "Europe/Madrid",
        "minutes": "20",
        "resources-TOTAL_FORMS": "0",
        "resources-INITIAL_FORMS": "0",
    }

    assert client.post(reverse("admin:calls_clinic_add"), sent).status_code == 302
    wrong = client.post(
        reverse("admin:calls_clinic_add"), sent | {"name": "B", "time_zone": "Madrid"}
    )

    made = Clinic.objects.get()
    assert (made.external_id, [str(one) for one in made.resources.all()]) == (
        None,
        ["Agenda"],
    )
    assert "No es un huso horario" in wrong.content.decode()
