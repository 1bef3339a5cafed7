"""Files of numbers never to be called: onto a list whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BufferedIOBase
from typing import TYPE_CHECKING

from django.db import transaction

from leads import columns, suppressions
from leads.columns import Columns, RowRejected
from leads.csv_files import Row, UnreadableFile, read_table
from leads.import_report import Report
from leads.import_rows import batches
from leads.models import Suppression
from leads.phones import phone_hash

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def import_suppressions(
    file: BufferedIOBase,
    *,
    now: datetime,
    list: Suppression.List = Suppression.List.REQUEST,
    expires_at: datetime | None = None,
    by: User | None = None,
) -> Report:
    """Numbers never to be called. One that the system had proposed becomes firm, and
    one that would have expired lasts as long as is said now.

    Raises UnreadableFile.
    """
    numbers = NumbersFile(file)
    for batch in numbers.batches():
        new = [
            Suppression(
                **values,
                list=list,
                expires_at=expires_at,
                created_by=by,
                created_at=now,
            )
            for values in batch
        ]
        added = suppressions.add(new, list=list)
        numbers.report.created += added
        numbers.report.already_known += len(new) - added
    numbers.report.check_sum()
    return numbers.report


class NumbersFile:
    """The numbers of a file, each once, with what else their rows say of them."""

    def __init__(self, file: BufferedIOBase) -> None:
        """Raises UnreadableFile."""
        table = read_table(file, recognised=columns.recognised)
        self.rows = table.rows
        self.where: Columns = columns.suppression_columns(table.header)
        self.report = Report(unknown_headers=self.where.unknown)
        self.seen: set[bytes] = set()

    def batches(self) -> Iterator[list[dict[str, str]]]:
        """Raises UnreadableFile: then nothing of the file may have been written."""
        for rows in batches(self.rows):
            self.report.rows += len(rows)
            yield [values for row in rows if (values := self._read(row))]
        if not self.report.rows:
            raise UnreadableFile.because("only_header")

    def _read(self, row: Row) -> dict[str, str] | None:
        """None: it is no number, or one that came before."""
        try:
            values = columns.suppression_row(self.where.cells(row))
        except RowRejected as exc:
            self.report.rejected += 1
            self.report.add_problem(row.number, exc.reason)
            return None
        # 32 bytes each, however long the file.
        digest = bytes.fromhex(phone_hash(values["phone_e164"]))
        if digest in self.seen:
            self.report.repeated_in_file += 1
            return None
        self.seen.add(digest)
        return values
