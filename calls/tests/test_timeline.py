"""One timeline of a lead: everything that happened, newest first, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls import appointments, outcome_table, timeline
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, ClinicFactory
from leads import promises, selection
from leads.editing import edit
from leads.models import Lead, LeadEvent, LeadImport
from leads.notes import add_note
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


@pytest.fixture
def lead():
    return LeadFactory(created_at=NOW, first_name="Ana")


def call_of(lead: Lead, run, *, at: datetime, **values):
    over = {
        "state": State.ENDED,
        "outcome": Outcome.SUCCESS,
        "open_lead_id": None,
        "open_phone": None,
        "claimed_at": at,
    }
    return AttemptFactory(run=run, lead=lead, **(over | values))


def titles(entries) -> list[str]:
    return [str(entry.title) for entry in entries]


def test_everything_is_told_newest_first(lead, run, admin_user):
    edit(lead.pk, {"city": "Getafe"}, by=admin_user, now=minutes(1))
    add_note(lead.pk, text="Quiere cita", by=admin_user, now=minutes(2))
    call_of(lead, run, at=minutes(3))
    selection.apply(
        Lead.objects.filter(pk=lead.pk),
        "priority",
        {"priority": 1},
        now=minutes(4),
        by=admin_user,
    )
    promises.promise(lead.pk, at=minutes(999), now=minutes(5), by=admin_user)
    promises.drop_promise(lead.pk, now=minutes(6), by=admin_user)

    found = timeline.timeline(lead)

    assert titles(found) == [
        "Rellamada anulada",
        "Rellamada programada",
        "Cambiar la prioridad",
        "Llamada",
        "Nota",
        "Datos modificados",
        "Alta",
    ]
    edited, noted = found[5], found[4]
    assert [(c.label, c.before, c.after) for c in edited.changes] == [
        ("Ciudad", "Madrid", "Getafe")
    ]
    assert (noted.text, noted.by) == ("Quiere cita", "admin")
    assert [(c.label, c.after) for c in found[2].changes] == [("Prioridad", "1 · alta")]
    assert str(found[3].ending) == "Objetivo logrado"


def test_the_birth_of_a_lead_names_its_file_and_its_row(admin_user):
    record = LeadImport.objects.create(name="a.csv", sha256="0", created_by=admin_user)
    lead = LeadFactory(lead_import=record, source_file="a.csv", source_row=12)

    (birth,) = timeline.timeline(lead)

    assert birth.title == "Alta por importación"
    assert (birth.import_name, birth.text, birth.by) == ("a.csv", "fila 12", "admin")


def test_a_birth_that_is_on_record_is_not_told_twice(lead, admin_user):
    LeadEvent.objects.create(lead=lead, kind="created", at=NOW, by=admin_user)

    (birth,) = timeline.timeline(lead)

    assert birth.by == "admin"


def test_pages_hold_every_entry_once_even_of_one_instant(lead, run):
    for at in (1, 1, 1, 2, 2):
        add_note(lead.pk, text=f"nota {at}", by=None, now=minutes(at))
        call_of(lead, run, at=minutes(at))
    whole = timeline.timeline(lead)

    pages, before = [], ""
    while True:
        page = timeline.page(lead, before=before, at_most=3)
        pages += page.entries
        before = page.older
        if not before:
            break

    assert [entry.place for entry in pages] == [entry.place for entry in whole]
    assert len({entry.place for entry in pages}) == 11


def test_a_long_history_takes_as_many_queries_as_a_short_one(lead, run, admin_user):
    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            timeline.page(Lead.objects.get(pk=lead.pk))
        return len(queries)

    call_of(lead, run, at=minutes(0))
    outcome_table.shown()
    few = ask()
    for at in range(30):
        add_note(lead.pk, text="n", by=admin_user, now=minutes(at))
        call_of(lead, run, at=minutes(at))
    selection.apply(
        Lead.objects.filter(pk=lead.pk), "deselect", {}, now=NOW, by=admin_user
    )

    assert ask() == few


@pytest.mark.parametrize(
    "key", ["", "x", "~~", "2026-13-40T99~e~1", "2026-01-01~e~1", "2026~e~²"]
)
def test_a_key_that_cannot_be_read_is_as_none(lead, key):
    assert titles(timeline.page(lead, before=key).entries) == ["Alta"]


@pytest.mark.parametrize("said", [None, "hola", [1, {"role": 2}], {"a": 1}])
def test_a_conversation_of_another_shape_does_not_break_the_page(lead, run, said):
    call_of(lead, run, at=NOW, transcript=said if said is not None else [])
    LeadEvent.objects.create(lead=lead, kind="edited", at=NOW, changes={"x": 1})

    assert len(timeline.timeline(lead)) == 3


def test_calls_are_not_told_to_who_may_not_see_them(lead, run):
    call_of(lead, run, at=minutes(1))

    assert titles(timeline.timeline(lead, with_calls=False)) == ["Alta"]


def test_an_appointment_is_told_on_the_clock_of_its_clinic_with_the_rest(lead):
    clinic = ClinicFactory(time_zone="Atlantic/Canary", name="Clínica Sur")
    made = appointments.make(
        lead.pk,
        resource=clinic.resources.get(),
        starts_at=minutes(24 * 60),
        minutes=30,
        by=None,
        now=minutes(1),
    )
    appointments.change_state(
        made,
        "cancelled",
        seen=0,
        by=None,
        now=minutes(2),
        reason="clinic",
        note="Obras",
    )

    cancelled, *rest = timeline.timeline(lead)

    assert titles([cancelled]) == ["Cita cancelada"]
    assert cancelled.text == "Obras"
    assert [(c.before, c.after) for c in cancelled.changes] == [
        ("", "La cancela la clínica")
    ]
    there = minutes(24 * 60).astimezone(ZoneInfo("Atlantic/Canary"))
    booked = next(entry for entry in rest if entry.title == "Cita propuesta")
    told = {str(change.label): change.after for change in booked.changes}
    assert told["Día y hora"] == f"{there:%d/%m/%Y %H:%M} (hora de Canarias)"
    assert told["Clínica"] == "Clínica Sur"
    assert timeline.page(lead, before=cancelled.key).entries == rest
    assert "Cita propuesta" not in titles(
        timeline.timeline(lead, with_appointments=False)
    )
