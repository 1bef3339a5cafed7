"""Taking an import back: all of it, or not at all."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from leads import importing
from leads.importing import ImportChanged
from leads.models import (
    CallStatus,
    Lead,
    LeadEvent,
)
from leads.tests.factories import LeadFactory
from leads.tests.test_import_steps import NOW, State, done


@pytest.mark.django_db
def test_an_undone_import_leaves_the_leads_as_they_were():
    LeadFactory(
        phone_e164="+34612345601",
        first_name="Ana",
        last_name="",
        city="Madrid",
        birth_date="1968-03-24",
    )
    columns = [f.attname for f in Lead._meta.concrete_fields if f.name != "updated_at"]
    Lead.objects.get().save()
    before = list(Lead.objects.values(*columns))
    record = done(
        "612345601;Ana;Ávila;01/02/1970;8001",
        "612345602;Eva;Soria;;",
        header="TELEFONO;NOMBRE;CIUDAD;FECHA_NACIMIENTO;CP",
    )
    by = User.objects.create(username="u")
    assert str(importing.why_not_undo(record)) == ""

    count = importing.undo(record, by=by, now=NOW)

    assert count == 2
    assert list(Lead.objects.values(*columns)) == before
    assert (record.state, record.undone_by, record.undone_at) == (
        State.UNDONE,
        by,
        NOW,
    )
    with pytest.raises(ImportChanged):
        importing.undo(record, by=by, now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"call_attempts_count": 1}, "Ya se ha llamado a 1"),
        ({"last_call_attempt": NOW}, "Ya se ha llamado a 1"),
        (
            {"call_status": CallStatus.CALLING, "selected_for_calling": True},
            "Ya se ha llamado a 1",
        ),
        ({"disposition": "appointment"}, "se ha modificado después"),
    ],
)
def test_an_import_whose_leads_were_called_or_settled_is_not_undone(change, words):
    record = done("612345601;Ana;", "612345602;Eva;")
    Lead.objects.filter(first_name="Ana").update(**change)

    with pytest.raises(ImportChanged) as caught:
        importing.undo(record, by=None, now=NOW)

    assert words in str(caught.value.reason)
    assert Lead.objects.count() == 2
    record.refresh_from_db()
    assert record.state == State.DONE


@pytest.mark.django_db
def test_work_by_hand_stops_an_undo_and_being_in_the_queue_does_not():
    record = done("612345601;Ana;", "612345602;Eva;")
    Lead.objects.update(
        call_status=CallStatus.SELECTED, selected_for_calling=True, next_call_at=NOW
    )
    assert str(importing.why_not_undo(record)) == ""
    ana = Lead.objects.get(first_name="Ana")
    LeadEvent.objects.create(lead=ana, kind=LeadEvent.Kind.NOTE, text="x")

    assert "se ha modificado" in str(importing.why_not_undo(record))


@pytest.mark.django_db
def test_a_later_change_of_what_it_updated_stops_an_undo():
    LeadFactory(phone_e164="+34612345601", first_name="Ana", last_name="")
    record = done("612345601;Ana;Ávila")
    Lead.objects.update(city="Soria")

    assert "han cambiado después" in str(importing.why_not_undo(record))
    assert Lead.objects.get().city == "Soria"
