"""Of a hostile file there is a clear sentence, and nothing written."""

from __future__ import annotations

import io

import pytest

from leads import import_process
from leads.csv_files import UnreadableFile
from leads.importing import import_file, look, store
from leads.models import Lead, LeadImport
from leads.tests.hostile_files import (
    HOSTILE,
    NOW,
    a_book_cut_in_half,
    a_cell_at_the_far_corner,
)


def test_there_are_at_least_forty_of_them():
    assert len(HOSTILE) >= 40


@pytest.mark.django_db
@pytest.mark.parametrize("which", HOSTILE)
def test_it_ends_in_a_sentence_that_says_what_to_do_and_nothing_is_kept(
    which, settings
):
    name, make, words = HOSTILE[which]

    try:
        _record, report = import_file(io.BytesIO(make()), name=name, now=NOW)
    except UnreadableFile as exc:
        said = str(exc.reason)
    else:
        assert report.rejected == report.rows > 0
        said = "ninguna fila: " + report.problems[0]["reason"]

    assert any(word in said for word in words.split("|")), said
    assert len(said) > 30
    assert "{" not in said
    assert not Lead.objects.exists()
    left = [*settings.IMPORT_FOLDER.iterdir()]
    assert [path.suffix for path in left] in ([], [".rejected"])


@pytest.mark.django_db
def test_on_the_page_the_record_says_why_and_its_files_are_gone(settings):
    record = store(io.BytesIO(a_book_cut_in_half()), name="a.xlsx", by=None, now=NOW)

    with pytest.raises(UnreadableFile):
        look(record)

    record = LeadImport.objects.get()
    assert record.state == LeadImport.State.FAILED
    assert "dañado" in record.error
    assert not any(settings.IMPORT_FOLDER.iterdir())


def test_the_reader_of_uploads_may_not_eat_the_memory_of_the_machine(tmp_path):
    upload, spool = tmp_path / "a.xlsx", tmp_path / "a.rows"
    upload.write_bytes(a_cell_at_the_far_corner())

    with pytest.raises(UnreadableFile) as caught:
        import_process.spool(upload, spool)

    assert caught.value.code == "too_heavy"
    assert not spool.exists()


def test_a_reader_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(import_process, "WALL_SECONDS", 0.01)
    upload, spool = tmp_path / "a.csv", tmp_path / "a.rows"
    upload.write_bytes(b"TELEFONO\n612345601\n")

    with pytest.raises(UnreadableFile) as caught:
        import_process.spool(upload, spool)

    assert caught.value.code == "too_heavy"
    assert not spool.exists()
