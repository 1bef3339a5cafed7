"""Do the tests see it when the protocol is broken? Each planted fault must be caught.

    python -m reliability.mutants                      every one
    python -m reliability.mutants --only "follow redirects"
    python -m reliability.mutants --database mariadb   those that only MariaDB shows

Each fault is planted in a copy of the tree, never in the working copy, and the
narrowest tests that ought to see it are run there. First they run on a copy without any
fault: a test that fails anyway catches nothing. Exit code 1: a fault survived.
"""

from __future__ import annotations

import argparse
import atexit
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reliability import planted_at_pearl, planted_in_protocol
from reliability.planting import Mutant

MUTANTS = (*planted_in_protocol.MUTANTS, *planted_at_pearl.MUTANTS)
ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("calls", "leads", "tuotempo", "simulator", "reliability")
COPIED = (*PACKAGES, "conftest.py", "pyproject.toml", "manage.py")
AT_ONCE = 2
# Slow to import, and the same whatever is planted: once for all of them.
LIBRARIES = (
    "django.core.management",
    "django.db.models",
    "django.forms",
    "django.test",
    "holidays",
    "hypothesis",
    "phonenumbers",
    "playwright.sync_api",
    "pydantic",
    "requests",
    "uvicorn",
)


@dataclass(kw_only=True)
class Found:
    """What a run of tests came to; `broken`: it failed otherwise than by a test."""

    seconds: float = 0.0
    passed: int = 0
    caught: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Recorder:
    """A pytest plugin: which test failed, and whether it was the test itself."""

    def __init__(self) -> None:
        self.found = Found()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            by_test = report.when == "call"
            kind = self.found.caught if by_test else self.found.broken
            kind.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.found.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.found.broken.append(report.nodeid)


@dataclass(kw_only=True)
class Job:
    """Tests to run in a copy of the tree, with a fault or without."""

    database: str
    tests: Sequence[str]
    mutant: Mutant | None = None
    folder: Path = Path()
    began: float = 0.0

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def name(self) -> str:
        return self.mutant.name if self.mutant else f"(no fault, {self.database})"

    def prepare(self, folder: Path) -> None:
        self.folder, self.began = folder, time.monotonic()
        copy_tree(self.tree)
        if self.mutant:
            self.mutant.plant(self.tree)

    def found(self) -> Found:
        try:
            text = (self.folder / "found.json").read_text()
        except OSError:
            return Found(broken=["the tests did not come to an end"])
        return Found(**{**json.loads(text), "seconds": time.monotonic() - self.began})


def copy_tree(to: Path) -> None:
    """The code is copied, compiled files included; what is only read is linked."""
    to.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name in COPIED and path.is_dir():
            shutil.copytree(path, to / path.name)
        elif path.name in COPIED:
            shutil.copy2(path, to / path.name)
        elif not path.name.startswith((".", "var")):
            (to / path.name).symlink_to(path)


def run_tests(job: Job) -> None:
    """In a process of its own, which has no other use."""
    log = os.open(job.folder / "log.txt", os.O_WRONLY | os.O_CREAT)
    for number in (1, 2):
        os.dup2(log, number)
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]
    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != ROOT]
    sys.path[:] = [str(job.tree), *elsewhere]
    os.chdir(job.tree)
    for name in ("TEST_MARIADB_SOCKET", "PYTEST_XDIST_WORKER", "DATABASE_URL"):
        os.environ.pop(name, None)
    os.environ.update(TEST_DATABASE=job.database, PYTHONPATH=str(job.tree))
    recorder = Recorder()
    # The faults need no data that migrations bring: tables alone are made sooner.
    options = ["-x", "-q", "--no-migrations", "--timeout=60", "-p", "no:cacheprovider"]
    # Plugins of pytest among the libraries that were imported before it began.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    pytest.main([*options, *job.tests], plugins=[recorder])
    text = json.dumps(recorder.found.__dict__)
    (job.folder / "found.json").write_text(text)


def forked(job: Job) -> int:
    """The process that runs the tests of the job."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        atexit._clear()  # those of the parent, which would take its folder away
        run_tests(job)
        sys.stdout.flush()
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def work_off(jobs: Sequence[Job], place: Path) -> Iterator[tuple[Job, Found]]:
    """Two at a time; each as it ends."""
    waiting, running = list(jobs), dict[int, Job]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            job = waiting.pop(0)
            job.prepare(place / str(len(waiting)))
            running[forked(job)] = job
        pid, _status = os.wait()
        if pid in running:
            job = running.pop(pid)
            found = job.found()
            yield job, found
            shutil.rmtree(job.folder)


def jobs_for(mutants: Sequence[Mutant]) -> list[Job]:
    """The tests without a fault first: they take longest."""
    jobs = []
    for database in sorted({mutant.database for mutant in mutants}):
        ours = [mutant for mutant in mutants if mutant.database == database]
        tests = sorted({test for mutant in ours for test in mutant.tests})
        jobs.append(Job(database=database, tests=tests))
        jobs += [Job(database=database, tests=m.tests, mutant=m) for m in ours]
    return sorted(jobs, key=lambda job: job.mutant is not None)


def judge(job: Job, found: Found) -> tuple[bool, str]:
    """Whether it is as it must be, and the cell of the table that says so."""
    if job.mutant is None and found.caught:
        return False, f"FAILED: {found.caught[0]}"
    if found.caught:
        return True, found.caught[0]
    if found.broken or not found.passed:
        return False, f"BROKEN: {[*found.broken, 'no test was run'][0]}"
    return job.mutant is None, "SURVIVED" if job.mutant else f"{found.passed} passed"


@contextmanager
def a_place() -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tt-mutants-", dir=place) as folder:
        yield Path(folder)


def chosen(only: str, database: str) -> list[Mutant]:
    return [
        mutant
        for mutant in MUTANTS
        if only in ("", mutant.name) and database in ("", mutant.database)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--database", default="", choices=["sqlite", "mariadb"])
    options = parser.parse_args(arguments)
    mutants = chosen(options.only, options.database)
    for mutant in mutants:
        mutant.check(ROOT)
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)
    began, results = time.monotonic(), list[bool]()
    print("| fault planted | caught by | s |\n|---|---|---|")
    with a_place() as place:
        for job, found in work_off(jobs_for(mutants), place):
            is_good, words = judge(job, found)
            results.append(is_good)
            print(f"| {job.name} | {words} | {found.seconds:.1f} |", flush=True)
            if not is_good:
                show_log(job)
    seconds = time.monotonic() - began
    print(f"\n{sum(results)} of {len(results)} as they must be, in {seconds:.0f} s")
    return 0 if all(results) and results else 1


def show_log(job: Job) -> None:
    with suppress(OSError):
        print((job.folder / "log.txt").read_text()[-3000:], file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
