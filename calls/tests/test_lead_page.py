"""One lead's page: what it says, what its form keeps, and the notes."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calls import recordings
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.recorded import keep
from leads.models import Lead, LeadEvent
from leads.notes import LONGEST_NOTE, add_note
from leads.tests.admin_pages import (
    HTMX,
    change_url,
    do,
    form_data,
    said,
    save,
    staff,
)
from leads.tests.factories import LeadFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db


def history(page) -> list[str]:
    return [entry.text for entry in page.context["history"].entries]


# --- The page -----------------------------------------------------------------------


def test_the_page_says_where_the_lead_stands(staff):
    CampaignFactory(name="Citas de otoño", max_attempts=3)
    lead = LeadFactory(call_attempts_count=2)

    html = staff.get(change_url(lead)).content.decode()

    assert '<span class="dot"></span>En cola</span>' in html
    assert "Citas de otoño" in html
    assert "2 de 3" in html
    assert "La campaña está detenida: pulse Iniciar" in html


def test_a_call_is_told_with_its_end_its_words_and_no_address_of_its_recording(staff):
    lead = LeadFactory()
    attempt = AttemptFactory(
        run=RunFactory(),
        lead=lead,
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        open_lead_id=None,
        open_phone=None,
        is_test=True,
        duration_seconds=125,
        summary="Quiere cita.",
        transcript=[{"role": 2, "text": "Buenos días."}],
        recording_url="https://provider.example/secret.mp3",
    )
    recordings.expect(attempt, now=timezone.now())
    keep(attempt)

    html = staff.get(change_url(lead)).content.decode()

    assert "Llamada: Objetivo logrado" in html
    assert "2 min 5 s" in html
    assert '<span class="badge">prueba</span>' in html
    assert "Buenos días." in html
    assert "grabación disponible" in html
    assert "secret.mp3" not in html
    assert reverse("admin:calls_callattempt_change", args=[attempt.pk]) in html


def an_ended_call(run, lead):
    AttemptFactory(
        run=run,
        lead=lead,
        state=State.ENDED,
        outcome=Outcome.BUSY,
        open_lead_id=None,
        open_phone=None,
    )


def test_the_page_of_a_long_history_takes_as_many_queries(staff, admin_user):
    lead = LeadFactory(national_id="1Z")
    run = RunFactory()

    def grow(times: int) -> None:
        for _n in range(times):
            add_note(lead.pk, text="n", by=admin_user, now=timezone.now())
            an_ended_call(run, lead)

    grow(1)
    staff.get(change_url(lead))
    with CaptureQueriesContext(connection) as few:
        staff.get(change_url(lead))
    grow(20)
    LeadFactory.create_batch(3, phone_e164=lead.phone_e164, national_id="1Z")

    with CaptureQueriesContext(connection) as many:
        staff.get(change_url(lead))

    assert len(many) == len(few)


def test_older_entries_come_one_page_at_a_time(staff):
    lead = LeadFactory()
    for n in range(60):
        add_note(lead.pk, text=f"nota-{n:02}.", by=None, now=timezone.now())
    page = staff.get(change_url(lead))
    older = page.context["history"].older
    where = reverse("admin:leads_lead_timeline", args=[lead.pk])

    part = staff.get(where, {"before": older}, headers=HTMX).content.decode()
    whole = staff.get(where, {"before": older}, follow=True)

    assert history(page)[0] == "nota-59."
    assert "nota-10." in history(page)
    assert "nota-09." not in history(page)
    assert "nota-09." in part
    assert "nota-10." not in part
    assert "<html" not in part
    assert history(whole) == [*(f"nota-{n:02}." for n in range(9, -1, -1)), ""]


def test_the_form_for_a_new_lead_has_no_side(staff):
    html = staff.get(reverse("admin:leads_lead_add")).content.decode()

    assert 'id="side"' not in html


def test_no_inline_code(staff):
    CampaignFactory()
    lead = LeadFactory(callback_at=timezone.now() - timedelta(days=1))
    LeadFactory(phone_e164=lead.phone_e164)

    html = staff.get(change_url(lead)).content.decode()

    assert "style=" not in html
    assert "onclick" not in html
    assert "<script>" not in html


# --- Edits --------------------------------------------------------------------------


def test_an_edit_tells_who_changed_what(staff, admin_user):
    lead = LeadFactory(city="Madrid", phone_e164="+34612034118")

    save(staff, lead, city="Getafe", phone="699 000 111")

    event = lead.events.get()
    assert (event.kind, event.by) == ("edited", admin_user)
    assert event.changes == {
        "city": ["Madrid", "Getafe"],
        "phone": ["+34612034118", "699 000 111"],
    }
    assert lead.phone_e164 == "+34699000111"
    assert "699000111" in lead.search_text


def test_saving_without_a_change_tells_nothing(staff):
    lead = LeadFactory()

    save(staff, lead)

    assert not lead.events.exists()


def test_a_number_changed_by_another_meanwhile_keeps_its_normal_form(staff):
    lead = LeadFactory(phone="612034118", phone_e164="+34612034118")
    data = form_data(staff.get(change_url(lead)))
    Lead.objects.filter(pk=lead.pk).update(phone="699000111", phone_e164="+34699000111")

    staff.post(change_url(lead), data | {"city": "Getafe"})

    lead.refresh_from_db()
    assert (lead.city, lead.phone) == ("Getafe", "699000111")
    assert lead.phone_e164 == "+34699000111"


def test_a_new_lead_tells_who_made_it(staff, admin_user):
    staff.post(
        reverse("admin:leads_lead_add"),
        {
            "first_name": "Ana",
            "phone": "612034118",
            "consent": "unknown",
            "call_priority": "3",
        },
    )

    event = Lead.objects.get().events.get()
    assert (event.kind, event.by) == ("created", admin_user)


# --- Notes --------------------------------------------------------------------------


def test_a_note_is_added_without_leaving(staff, admin_user):
    lead = LeadFactory(call_notes="Una antigua")

    answer = do(staff, lead, "note", text="Prefiere tardes", headers=HTMX)

    html = answer.content.decode()
    assert 'id="side"' in html
    assert "<html" not in html
    assert "Prefiere tardes" in html
    assert lead.call_notes == "Una antigua\nPrefiere tardes"
    assert lead.events.get().by == admin_user


def test_a_note_is_added_without_javascript(staff):
    lead = LeadFactory()

    answer = do(staff, lead, "note", text="Prefiere tardes")

    assert answer.redirect_chain == [(change_url(lead), 302)]
    assert said(answer) == "Nota guardada."
    assert "Prefiere tardes" in answer.content.decode()


@pytest.mark.parametrize("text", ["", "  \n ", "x" * (LONGEST_NOTE + 1)])
def test_an_empty_or_endless_note_is_refused_in_words(staff, text):
    lead = LeadFactory()

    answer = do(staff, lead, "note", text=text, headers=HTMX)

    assert 'class="wrong"' in answer.content.decode()
    assert not lead.events.exists()


def test_what_is_written_is_shown_and_not_run(staff):
    lead = LeadFactory()

    answer = do(staff, lead, "note", text="<script>alert(1)</script>")

    assert "<script>alert" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_notes_at_once_none_is_lost():
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time")
    lead = LeadFactory(call_notes=None)
    ready = Barrier(4)

    def write(n: int) -> None:
        ready.wait()
        add_note(lead.pk, text=f"nota {n}", by=None, now=timezone.now())
        connections.close_all()

    threads = [Thread(target=write, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lead.refresh_from_db()
    written = str(lead.call_notes).split("\n")
    assert sorted(written) == [f"nota {n}" for n in range(4)]


def test_a_note_on_a_lead_that_is_gone_says_so(db):
    assert not add_note(999, text="x", by=None, now=timezone.now())
    assert not LeadEvent.objects.exists()
