"""What the doctor found, and which of it is the cause that nobody is called."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class Level(IntEnum):
    """`NOTE`: nobody is called, or less is done, and that is as it should be."""

    OK = 0
    NOTE = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def exit_code(self) -> int:
        return max(0, self - Level.NOTE)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing checked, in a sentence that says what to do if it is not well.

    `blocks`: while it holds, nobody of `campaign` (None: of any) is called.
    """

    check: str
    level: Level
    sentence: str
    blocks: bool = False
    campaign: int | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """`campaigns`: those that could call somebody, were they not blocked."""

    findings: Sequence[Finding]
    campaigns: Collection[int] = ()

    @property
    def level(self) -> Level:
        return max((one.level for one in self.findings), default=Level.OK)

    @property
    def cause(self) -> Finding | None:
        """Why nobody is called; if somebody is, None."""
        blocking = [one for one in self.findings if one.blocks]
        everywhere = [one for one in blocking if one.campaign is None]
        blocked = {one.campaign for one in blocking}
        if not everywhere and not blocked.issuperset(self.campaigns):
            return None
        # The worst; of those alike the first, which is the most basic one.
        return max(blocking, key=lambda one: one.level, default=None)

    @property
    def problem(self) -> Finding | None:
        """The worst of what is not well, whether or not it keeps calls from going."""
        wrong = [one for one in self.findings if one.level >= Level.WARNING]
        return max(wrong, key=lambda one: one.level, default=None)

    @property
    def headline(self) -> str:
        """The first line: the cause, or that all is well."""
        cause, problem = self.cause, self.problem
        if cause is None and problem is None:
            return _("Todo en orden: se llama con normalidad.")
        if cause is None:
            assert problem is not None  # noqa: S101 (one of the two)
            return _("Se llama, pero hay algo que atender. %s") % problem.sentence
        if cause.level >= Level.WARNING:
            return _("No se llama a nadie. %s") % cause.sentence
        expected = _("No se llama a nadie, y es lo esperado. %s") % cause.sentence
        if problem is None:
            return expected
        return " ".join([expected, _("Pero hay algo que atender."), problem.sentence])


def span(length: timedelta) -> str:
    """ "45 s", "12 min", "3 h", "2 días"."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 120 * 60:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    days = seconds // 86400
    return ngettext("%d día", "%d días", days) % days
