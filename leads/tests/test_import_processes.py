"""An import and the processes around it: two at once, one killed, one unattended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from leads import import_background, import_files, importing
from leads.csv_files import UnreadableFile
from leads.importing import ImportChanged
from leads.models import Lead, LeadEvent, LeadImport
from leads.tests.factories import LeadFactory
from leads.tests.test_import_steps import NOW, State, done, files, previewed, stored

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_make_each_lead_once():
    lines = [f"6123456{n:02};Ana{n};" for n in range(60)]
    records = [previewed(*lines), previewed(*reversed(lines))]
    start, failed = threading.Barrier(2), []

    def commit(record: LeadImport) -> None:
        start.wait()
        try:
            importing.commit(record, by=None, now=NOW)
        except BaseException as exc:
            failed.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=commit, args=[one]) for one in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert Lead.objects.count() == 60
    created = LeadImport.objects.values_list("created", flat=True)
    assert sorted(created) == [0, 60]


@pytest.mark.django_db(transaction=True)
def test_a_killed_import_leaves_nothing_and_its_record_says_so(tmp_path):
    """A real process, killed once it has written: the lead it updated shows when."""
    LeadFactory(phone_e164="+34612000000", first_name="Ana0", last_name="")
    before = list(Lead.objects.values())
    record = previewed(*[f"612{n:06};Ana{n};Soria" for n in range(8000)])
    process = background(record, step="commit")

    deadline = time.monotonic() + 60
    while (now := importing.progress_of(record)) is None or now.done < 1000:
        assert time.monotonic() < deadline
        assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert importing.progress_of(record) is None
    record.refresh_from_db()
    assert record.state == State.FAILED
    assert "no ha cambiado ningún lead" in record.error
    assert list(Lead.objects.values()) == before
    assert not LeadEvent.objects.exists()
    assert files() == []
    again = done("612000000;Ana0;Soria", "612000001;Ana1;Soria")
    assert (again.updated, again.created) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_step_in_the_background_is_at_work_at_once_and_comes_to_its_end():
    record = stored("612345601;Ana;", "1;Paz;")
    record.mapping = importing.look(record).suggested
    record.save()

    for step, state in (("read", State.READ), ("commit", State.DONE)):
        importing.start_in_background(record.pk, step=step, by_id=None)
        assert importing.progress_of(record) is not None
        with pytest.raises(ImportChanged):
            importing.start_in_background(record.pk, step=step, by_id=None)
        wait_for(record)

        record.refresh_from_db()
        assert record.state == state

    assert Lead.objects.get().first_name == "Ana"
    assert record.rejected == 1


@pytest.mark.django_db(transaction=True)
def test_what_goes_wrong_in_the_background_is_on_the_record():
    record = stored("", header="")
    record.mapping = {"TELEFONO": "phone"}
    record.save()

    importing.start_in_background(record.pk, step="read", by_id=None)
    wait_for(record)

    record.refresh_from_db()
    assert record.state == State.FAILED
    assert "vacío" in record.error


@pytest.mark.django_db(transaction=True)
def test_an_error_of_ours_leaves_the_leads_as_before(monkeypatch):
    record = previewed("612345601;Ana;")

    def disk_full(_report) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(importing.Report, "check_sum", disk_full)

    with pytest.raises(OSError, match="disk full"):
        importing.commit(record, by=None, now=NOW)

    record.refresh_from_db()
    assert record.state == State.FAILED
    assert not Lead.objects.exists()
    with pytest.raises(UnreadableFile):
        importing.look(record)


def background(record: LeadImport, *, step: str) -> subprocess.Popen[bytes]:
    """As start_in_background, with a handle on the process."""
    lock = import_files.take_lock(record.stored_as)
    command = [sys.executable, "manage.py", "import_leads"]
    command += ["--continue", str(record.pk), "--step", step, "--lock", str(lock)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=import_background._environment(), pass_fds=[lock]
    )
    os.close(lock)
    return process


def wait_for(record: LeadImport) -> None:
    deadline = time.monotonic() + 60
    while importing.progress_of(record) is not None:
        assert time.monotonic() < deadline
