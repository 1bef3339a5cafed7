"""Files of leads go in whole, every row accounted for, or not at all."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from leads import import_rows
from leads.csv_files import UnreadableFile
from leads.importing import import_file, import_suppressions
from leads.models import CallStatus, Consent, Lead, LeadImport, Suppression
from leads.tests.factories import LeadFactory, SuppressionFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DEMO = Path(__file__).resolve().parents[2] / "demo"
HEADER = "NOMBRE;TELEFONO;CODIGO_POSTAL"


def csv_of(*lines: str) -> io.BytesIO:
    return io.BytesIO("\r\n".join([HEADER, *lines]).encode())


def add(*lines: str, **options):
    return import_file(csv_of(*lines), name="nuevos.csv", now=NOW, **options)


@pytest.mark.django_db
def test_every_row_is_in_one_class_and_the_record_says_so():
    LeadFactory(phone_e164="+34612345601")
    SuppressionFactory(phone_e164="+34612345602")

    record, report = add(
        "Ana;612345601;28001",
        "Eva;612345602;28001",
        "Luz;612345603;28001",
        "Luz otra;+34 612 345 603;28001",
        "Paz;12;28001",
    )

    assert (report.rows, report.created, report.rejected) == (5, 1, 1)
    assert (report.repeated_in_file, report.already_known, report.suppressed) == (
        1,
        1,
        1,
    )
    record.refresh_from_db()
    assert (record.rows, record.created, record.duplicates) == (5, 1, 2)
    assert (record.suppressed, record.rejected) == (1, 1)
    assert [problem["row"] for problem in record.problems] == [6]
    assert "Paz" not in str(record.problems)


@pytest.mark.django_db
def test_a_new_lead_says_where_it_comes_from_and_is_not_queued():
    record, _report = add("", "Ana;612345601;28001")

    lead = Lead.objects.get()
    assert (lead.lead_import, lead.source_file, lead.source_row) == (
        record,
        "nuevos.csv",
        3,
    )
    assert lead.call_status == CallStatus.NO_SELECTED
    assert not lead.selected_for_calling
    assert lead.created_at == NOW


@pytest.mark.django_db
def test_a_rejected_row_does_not_make_a_duplicate_of_a_later_good_one():
    _record, report = add("A" * 200 + ";612345601;28001", "Ana;612345601;28001")

    assert (report.rejected, report.created) == (1, 1)


@pytest.mark.django_db
def test_the_same_file_twice_changes_no_lead():
    add("Ana;612345601;28001", "Eva;612345602;28001")
    before = list(Lead.objects.order_by("id").values())

    _record, report = add("Ana;612345601;28001", "Eva;612345602;28001")

    assert (report.created, report.unchanged) == (0, 2)
    assert list(Lead.objects.order_by("id").values()) == before


@pytest.mark.django_db
def test_consent_given_by_a_column_names_the_file_as_its_origin():
    data = io.BytesIO(b"TELEFONO;CONSENTIMIENTO\n612345601;S\n")

    import_file(data, name="a.csv", now=NOW)

    lead = Lead.objects.get()
    assert (lead.consent, lead.consent_source) == (Consent.GIVEN, "Fichero a.csv")


@pytest.mark.django_db
@pytest.mark.parametrize("lines", [[], ["", ";;"]])
def test_a_file_with_only_a_header_leaves_no_record(lines):
    with pytest.raises(UnreadableFile) as caught:
        add(*lines)

    assert "solo tiene la cabecera" in str(caught.value.reason)
    assert not LeadImport.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_breaks_in_the_middle_leaves_nothing_half_done(monkeypatch):
    monkeypatch.setattr(import_rows, "BATCH", 2)
    good = [f"Ana;6123456{n:02};28001" for n in range(9)]

    with pytest.raises(UnreadableFile):
        add(*good, 'Eva;"612345699;28001')

    assert not Lead.objects.exists()
    assert not LeadImport.objects.exists()


@pytest.mark.django_db
def test_batches_see_the_numbers_of_earlier_batches(monkeypatch):
    monkeypatch.setattr(import_rows, "BATCH", 2)

    _record, report = add(*[f"Ana;61234560{n % 5};28001" for n in range(9)])

    assert (report.created, report.repeated_in_file) == (5, 4)


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_rows(
    django_assert_max_num_queries,
):
    few = [f"Ana;6123450{n:02};28001" for n in range(10)]

    with django_assert_max_num_queries(24):
        add(*few)


@pytest.mark.django_db
def test_only_the_first_thousand_problems_are_kept():
    record, report = add(*["Ana;1;28001"] * 1005)

    assert report.rejected == 1005
    assert len(record.problems) == 1000


@pytest.mark.django_db
def test_suppressions_are_added_once_and_firm_up_what_was_proposed():
    SuppressionFactory(phone_e164="+34612345601", proposed=True)
    data = "TELEFONO;MOTIVO;ORIGEN\n612345601;;\n612345602;Baja;Web\n6123;;\n612345602"

    first = import_suppressions(io.BytesIO(data.encode()), now=NOW)
    second = import_suppressions(io.BytesIO(data.encode()), now=NOW)

    assert (first.created, first.already_known, first.rejected) == (1, 1, 1)
    assert first.repeated_in_file == 1
    assert (second.created, second.already_known) == (0, 2)
    assert first.problems[0]["row"] == 4
    assert not Suppression.objects.filter(proposed=True).exists()
    added = Suppression.objects.get(phone_e164="+34612345602")
    assert (added.reason, added.source) == ("Baja", "Web")


# --- The command --------------------------------------------------------------------


def run(*args: object) -> str:
    out = io.StringIO()
    call_command("import_leads", *map(str, args), stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_demo_is_imported_from_end_to_end_and_again():
    demo = (DEMO / "leads.csv", "--suppressions", DEMO / "suppressed.csv")

    out = run(*demo, "--consent-source", "Formulario web")

    record = LeadImport.objects.get()
    assert record.rows == 339
    assert record.created == Lead.objects.count() > 300
    assert record.suppressed == Suppression.objects.count() == 6
    assert record.rejected == len(record.problems) > 0
    assert set(Lead.objects.values_list("consent", flat=True)) == {Consent.GIVEN}
    assert "Ñandú" in "".join(Lead.objects.values_list("clinic_name", flat=True))
    assert "Siguiente paso" in out

    run(*demo)

    assert Lead.objects.count() == record.created


@pytest.mark.django_db
def test_the_command_writes_the_counts_as_people_read_them(tmp_path):
    path = tmp_path / "leads.csv"
    lines = ["TELEFONO;COLOR", *(f"61{n:07};rojo" for n in range(1284)), "12;azul"]
    path.write_text("\n".join(lines))

    out = run(path)

    assert "1.284  nuevos" in out
    assert "1.286  Tiene 2 cifras" in out
    assert "COLOR" in out
    assert "no consta el consentimiento" in out


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("no.csv", None, "compruebe el nombre"),
        (".", None, "es una carpeta"),
        ("a.xlsx", b"PK\x03\x04", "está dañado"),
        ("a.csv", b"", "vacío"),
        ("a.csv", b"TELEFONO\n", "solo tiene la cabecera"),
        ("a.csv", b"NOMBRE\nAna\n", "Falta la columna TELEFONO"),
        ("a.csv", b"TELEFONO\n12\n", "no se importó ninguna fila"),
    ],
)
def test_a_file_of_no_use_ends_the_command_with_what_to_do(tmp_path, name, data, words):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(CommandError, match=words) as caught:
        run(path)

    assert caught.value.returncode == 1


@pytest.mark.django_db
def test_bad_suppressions_stop_the_command_before_the_leads(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"")

    with pytest.raises(CommandError):
        run(DEMO / "leads.csv", "--suppressions", bad)

    assert not Lead.objects.exists()


def test_without_any_file_the_command_says_how_it_is_used():
    with pytest.raises(CommandError, match="Falta el fichero"):
        run()
