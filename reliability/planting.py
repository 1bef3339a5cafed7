"""How a deliberate fault is put into a copy of the code: by a small exact change.

A change whose old text is not in its file exactly once is refused, so that no fault
rots away unseen when the code around it is rewritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class Rotten(Exception):
    """The code has changed: the fault can no longer be planted as it is written."""


@dataclass(frozen=True)
class Edit:
    """`old`, which is in the file once, becomes `new`."""

    path: str
    old: str
    new: str

    def check(self, tree: Path) -> str:
        """The text as it would be. Raises Rotten."""
        text = (tree / self.path).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            found = text.count(self.old)
            raise Rotten(f"{self.path} holds {found} times, not once:\n{self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One fault. `needs_mariadb`: SQLite, with its one writer, cannot show it."""

    name: str
    edits: Sequence[Edit]
    tests: Sequence[str]
    needs_mariadb: bool = False

    @property
    def database(self) -> str:
        return "mariadb" if self.needs_mariadb else "sqlite"

    def check(self, tree: Path) -> None:
        """Raises Rotten."""
        for edit in self.edits:
            edit.check(tree)

    def plant(self, tree: Path) -> None:
        """Raises Rotten. `tree` is a copy, never the working copy."""
        for edit in self.edits:
            (tree / edit.path).write_text(edit.check(tree), encoding="utf-8")
