"""How fast, and in how much memory, a large file of leads goes in.

    python -m benchmarks.imports [--rows N] [--databases sqlite mariadb]
                                 [--files csv xlsx] [--no-baseline] [--again]

Each figure is of a process of its own on a database of its own, from the file to the
last commit, preview included. Memory is the largest sum of what the process and its
children held at one moment, looked at every 10 ms. Beside it, in the same run and on
the same file: django-import-export with a plain ModelResource, one pass without a
preview, and without numbers, places or lists being checked. --again imports the same
file twice.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HEADERS = {
    "NOMBRE": "first_name",
    "APELLIDOS": "last_name",
    "TELEFONO": "phone_e164",
    "TELEFONO2": "phone_alt",
    "NIF": "national_id",
    "FECHA_NACIMIENTO": "birth_date",
    "SEXO": "sex",
    "EMAIL": "email",
    "POLIZA": "policy_number",
    "SEGMENTO": "segment",
    "CERTIFICADO": "certificate",
    "DELEGACION": "delegation",
    "CLINICA": "clinic_name",
    "CODIGO_POSTAL": "postal_code",
    "CIUDAD": "city",
}
HEADER = (
    f"{'system':<22} {'database':<8} {'file':<5} {'rows':>7} {'seconds':>8} "
    f"{'rows/s':>7} {'peak MiB':>8} {'leads':>7}"
)


def rows(count: int) -> Iterator[list[str]]:
    dice = random.Random(1)
    numbers = dice.sample(range(600_000_000, 659_999_999), count)
    for n, number in enumerate(numbers):
        yield [
            f"Nombre{n % 500}",
            f"Apellido{n % 3000} Otro{n % 77}",
            str(number),
            "" if n % 3 else f"91{n + 2_000_000:07}",
            f"{n:08}X",
            f"{n % 28 + 1:02}/{n % 12 + 1:02}/{1940 + n % 60}",
            "MF"[n % 2],
            f"persona{n}@example.com",
            f"P{n:08}",
            f"S{n % 9}",
            f"C{n:07}",
            f"Delegación {n % 40}",
            f"Clínica Ñandú {n % 200}",
            "28001" if n % 2 else "08001",
            f"Ciudad {n % 800}",
        ]


def write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADERS)
        writer.writerows(rows(count))


def write_xlsx(path: Path, count: int) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, list(HEADERS))
    for at, row in enumerate(rows(count), start=1):
        for column, text in enumerate(row):
            if column == 2:
                sheet.write_number(at, column, float(text))
            else:
                sheet.write_string(at, column, text)
    book.close()


# --- In the process that is measured ------------------------------------------------


def engine(path: Path) -> None:
    from django.utils import timezone

    from leads.importing import import_file

    with path.open("rb") as file:
        _record, report = import_file(file, name=path.name, now=timezone.now())
    assert report.rows == sum(report.counts.values())


def words(_path: Path) -> None:
    """What the background goes on with once the leads are there, and found."""
    from leads.word_index import catch_up

    catch_up()


def baseline(path: Path) -> None:
    import tablib
    from import_export import fields, resources, widgets

    from leads.models import Lead

    class DateWidget(widgets.DateWidget):
        def __init__(self) -> None:
            super().__init__(format="%d/%m/%Y")

    declared: dict[str, Any] = {
        field: fields.Field(
            attribute=field,
            column_name=name,
            widget=DateWidget() if field == "birth_date" else widgets.CharWidget(),
        )
        for name, field in HEADERS.items()
    }
    meta = type(
        "Meta",
        (),
        {
            "model": Lead,
            "fields": tuple(HEADERS.values()),
            "import_id_fields": ("phone_e164",),
        },
    )
    resource = type(
        "LeadResource", (resources.ModelResource,), declared | {"Meta": meta}
    )
    if path.suffix == ".csv":
        text = path.read_text("utf-8-sig")
        data = tablib.import_set(text, format="csv", delimiter=";")
    else:
        data = tablib.import_set(path.read_bytes(), format="xlsx")
    result = resource().import_data(data, dry_run=False, raise_errors=False)
    assert not result.has_errors(), result.row_errors()[:1]


def run_one(system: str, path: Path) -> None:
    import django

    django.setup()
    run = {"engine": engine, "words": words, "again": engine, "import-export": baseline}
    run[system](path)


# --- Measuring ----------------------------------------------------------------------


def memory(pid: int) -> int:
    """Of a process and its children, in KiB."""
    total = 0
    for one in (pid, *children(pid)):
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in status.splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]


def measured(system: str, path: Path, *, env: dict[str, str]) -> tuple[float, float]:
    """Seconds, and MiB at the peak."""
    command = [sys.executable, "-m", "benchmarks.imports", "--one", system]
    started, peak = time.monotonic(), 0
    process = subprocess.Popen([*command, str(path)], cwd=ROOT, env=env)
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(0.01)
    assert process.returncode == 0, f"{system} failed"
    return time.monotonic() - started, peak / 1024


def environment(folder: Path, *, socket: str, name: str) -> dict[str, str]:
    url = f"sqlite:///{folder / name}.sqlite3"
    if socket:
        command = ["mariadb", "-uroot", "-S", socket, "-e", f"CREATE DATABASE {name}"]
        subprocess.run(command, check=True)
        url = f"mysql://root@/{name}?unix_socket={socket}"
    env = {
        **os.environ,
        "ENV_FILE": "",
        "SECRET_KEY": "only-for-benchmarks-" + "0" * 32,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tuotempo.settings",
        "IMPORT_FOLDER": str(folder / "imports"),
    }
    migrate = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True)
    return env


def count_leads(env: dict[str, str]) -> int:
    code = "import django; django.setup(); from leads.models import Lead; "
    command = [sys.executable, "-c", code + "print(Lead.objects.count())"]
    return int(subprocess.check_output(command, cwd=ROOT, env=env))


def compare(options: argparse.Namespace, *, folder: Path, socket: str) -> None:
    database = "mariadb" if socket else "sqlite"
    for kind in options.files:
        path = folder / f"leads.{kind}"
        systems = ["engine", "words"]
        if options.again:
            systems.append("again")
        if not options.no_baseline:
            systems.append("import-export")
        env: dict[str, str] = {}
        for system in systems:
            if system not in ("words", "again"):
                name = f"{system.replace('-', '_')}_{kind}"
                env = environment(folder, socket=socket, name=name)
            seconds, peak = measured(system, path, env=env)
            print(
                f"{system:<22} {database:<8} {kind:<5} {options.rows:>7} "
                f"{seconds:>8.1f} {options.rows / seconds:>7.0f} {peak:>8.0f} "
                f"{count_leads(env):>7}",
                flush=True,
            )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "mariadb"])
    parser.add_argument("--files", nargs="+", default=["csv", "xlsx"])
    parser.add_argument("--no-baseline", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("SYSTEM", "FILE"))
    options = parser.parse_args(arguments)
    if options.one:
        run_one(options.one[0], Path(options.one[1]))
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        write_csv(folder / "leads.csv", options.rows)
        write_xlsx(folder / "leads.xlsx", options.rows)
        print(HEADER, flush=True)
        for database in options.databases:
            socket = ""
            if database == "mariadb":
                from tuotempo.pytest_environment import start_mariadb

                socket = start_mariadb(folder)
            compare(options, folder=folder, socket=socket)


if __name__ == "__main__":
    main()
