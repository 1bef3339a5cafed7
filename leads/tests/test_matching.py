"""Every row in one class, whatever the table; and a second time nothing changes."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads import import_process, import_rows
from leads.importing import import_file
from leads.models import Consent, Lead, LeadEvent, Suppression
from leads.tests.factories import LeadFactory, SuppressionFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

HEADER = (
    "ID",
    "TELEFONO",
    "NOMBRE",
    "NIF",
    "TELEFONO2",
    "CP",
    "CIUDAD",
    "EMAIL",
    "PRIORIDAD",
    "CONSENTIMIENTO",
    "NOTAS",
    "FECHA_NACIMIENTO",
)
PHONES = ("612345601", "+34 612 345 601", "612345602", "912345603", "12", "")
cells = st.tuples(
    st.sampled_from(["", "", "E1", "E2", "E3"]),
    st.sampled_from([*PHONES, "612345604"]),
    st.sampled_from(["", "Ana", "ANA", "Luis"]),
    st.sampled_from(["", "", "1X", "2X"]),
    st.sampled_from(["", "912345678", "7"]),
    st.sampled_from(["", "28001", "8001", "35001"]),
    st.sampled_from(["", "Madrid", "Ávila"]),
    st.sampled_from(["", "a@b.es", "nada"]),
    st.sampled_from(["", "1", "9"]),
    st.sampled_from(["", "sí", "no", "quizá"]),
    st.sampled_from(["", "Llamar tarde"]),
    st.sampled_from(["", "24/03/1968", "31/02/1968"]),
)
# A blank row is no row.
tables = st.lists(cells.filter(any), min_size=1, max_size=9)
there = st.lists(
    st.tuples(
        st.sampled_from(["", "E1", "E2", "E3"]),
        st.sampled_from(["+34612345601", "+34612345602", "+34912345603", ""]),
        st.sampled_from(["", "Ana", "Luis"]),
        st.sampled_from(["", "1X", "2X"]),
        st.sampled_from(Consent.values),
    ),
    max_size=4,
)


def csv_of(rows) -> io.BytesIO:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([HEADER, *rows])
    return io.BytesIO(text.getvalue().encode())


def add(rows, **options):
    _record, report = import_file(csv_of(rows), name="a.csv", now=NOW, **options)
    return report


def everything() -> list:
    return list(Lead.objects.order_by("pk").values())


@pytest.fixture
def in_this_process(monkeypatch):
    """The child reads each file in 0.3 s; here what it reads matters, not where."""

    def child(upload, to):
        try:
            return import_process._spooled(upload, to)
        except import_process.UnreadableFile as exc:
            return {"refused": exc.code, "params": exc.params}

    monkeypatch.setattr(import_process, "_child", child)


@pytest.mark.django_db
@pytest.mark.usefixtures("in_this_process")
@given(
    rows=tables,
    known=there,
    suppressed=st.booleans(),
    update_existing=st.booleans(),
    batch=st.sampled_from([1, 3, 1000]),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_row_is_in_one_class_and_a_second_import_changes_nothing(
    monkeypatch, rows, known, suppressed, update_existing, batch
):
    LeadEvent.objects.all().delete()
    Lead.objects.all().delete()
    Suppression.objects.all().delete()
    monkeypatch.setattr(import_rows, "BATCH", batch)
    for external_id, phone, name, nif, consent in known:
        LeadFactory(
            external_id=external_id,
            phone_e164=phone,
            first_name=name,
            last_name="",
            national_id=nif,
            consent=consent,
        )
    if suppressed:
        SuppressionFactory(phone_e164="+34612345604")
    options = {"update_existing": update_existing}
    before = everything()

    preview = add(rows, dry_run=True, **options)
    assert everything() == before
    first = add(rows, **options)
    after = everything()
    events = LeadEvent.objects.count()
    second = add(rows, **options)

    for report in (preview, first, second):
        assert sum(report.counts.values()) == report.rows
    assert preview.counts == first.counts
    assert preview.samples.keys() == first.samples.keys()
    assert len(after) == len(before) + first.created
    assert events == first.updated
    assert everything() == after
    assert (second.created, second.updated) == (0, 0)
    assert second.unchanged == first.created + first.updated + first.unchanged
    assert LeadEvent.objects.count() == events
    numbers = [lead["phone_e164"] for lead in after[len(before) :]]
    assert len({*numbers}) == len(numbers)
