"""How long an export takes, and that its memory does not grow with it.

    python -m benchmarks.exports [--rows 20000 200000]

Against the database of DATABASE_URL, which is filled with the most rows if it has fewer
(an empty one, made by `manage.py migrate`). Each export runs in a process of its own,
so that the peak is its own; no web server is in the way.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

import django

FORMATS = ("csv", "xlsx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--one", choices=FORMATS)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuotempo.settings")
    django.setup()
    if options.one:
        export(options.one, options.rows[0])
        return
    fill(max(options.rows))
    for kind in FORMATS:
        for rows in options.rows:
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    __spec__.name,
                    "--one",
                    kind,
                    "--rows",
                    str(rows),
                ],
                check=True,
            )


def fill(rows: int) -> None:
    from benchmarks.lead_data import build
    from leads.models import Lead

    if not Lead.objects.exists():
        build(rows)


def export(kind: str, rows: int) -> None:
    from calls.lead_export import RESULT_HEADERS, last_calls
    from leads import exporting
    from leads.models import Export, Lead

    leads = Lead.objects.filter(pk__lte=rows)
    sheet = exporting.Sheet(
        leads=leads, result_headers=RESULT_HEADERS, results=last_calls
    )
    record = Export.objects.create(format=kind)
    began = time.monotonic()
    if kind == "csv":
        size = sum(map(len, exporting.csv_lines(sheet, record=record)))
    else:
        with exporting.xlsx_file(sheet, record=record) as file:
            size = file.seek(0, os.SEEK_END)
    seconds = time.monotonic() - began
    record.refresh_from_db()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{kind:5}{record.rows:9,} rows{seconds:8.1f} s{record.rows / seconds:9,.0f}"
        f" rows/s{size / 2**20:7.1f} MiB   peak {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
