"""Pearl's codes in words (pearl-api.md 2.2, 2.3), and those that no row reads."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls.models import CallAttempt, Campaign
from calls.outcome_table import Codes, Table
from calls.states import CANCELED, FINAL_STATUSES, HELD, Outcome

CALL_CODES = {
    4: gettext_lazy("4 · atendida"),
    5: gettext_lazy("5 · ocupado"),
    6: gettext_lazy("6 · fallida"),
    7: gettext_lazy("7 · no contesta"),
}
CONVERSATION_CODES = {
    10: gettext_lazy("sin conversación"),
    70: gettext_lazy("buzón de voz"),
    100: gettext_lazy("objetivo logrado"),
    110: gettext_lazy("objetivo no logrado"),
    130: gettext_lazy("acabada, sin veredicto"),
    150: gettext_lazy("ilocalizable"),
    200: gettext_lazy("error (antiguo)"),
    300: gettext_lazy("cola abandonada"),
    500: gettext_lazy("error"),
}
# Of the call and of its talk: not over.
IN_PROGRESS = 3
ONGOING = frozenset({1, 20, 30, 35, 40})


def codes_words(codes: Codes) -> str:
    status, conversation = codes
    call = str(CALL_CODES.get(status, status))
    if conversation is None:
        return _("%s, con cualquier conversación") % call
    talk = CONVERSATION_CODES.get(conversation)
    words = f"{conversation} · {talk}" if talk else str(conversation)
    return _("%(call)s, conversación %(talk)s") % {"call": call, "talk": words}


@dataclass(frozen=True, kw_only=True)
class Untranslated:
    """Codes that end no call until they have a row; `may_have_row`: else Pearl does not
    say that such a call is over."""

    codes: Codes
    count: int
    may_have_row: bool

    @property
    def words(self) -> str:
        return codes_words(self.codes) if self.may_have_row else str(self.codes[0])

    @property
    def key(self) -> str:
        return "-".join(str(code) for code in self.codes if code is not None)


def untranslated(table: Table) -> list[Untranslated]:
    """Of the calls that are not over, which are few: whatever has a row has ended."""
    campaigns = list(Campaign.objects.values_list("pk", flat=True))
    held = CallAttempt.objects.filter(
        campaign__in=campaigns, state__in=HELD, call_code__isnull=False
    )
    rows = held.exclude(call_code__in=[IN_PROGRESS, CANCELED])
    told = rows.values_list("call_code", "conversation_code").annotate(
        calls=Count("id")
    )
    return [
        Untranslated(
            codes=(status, conversation),
            count=count,
            may_have_row=status in FINAL_STATUSES,
        )
        for status, conversation, count in told.order_by("-calls")
        if _is_unknown(status, conversation, table)
    ]


def _is_unknown(status: int, conversation: int | None, table: Table) -> bool:
    if conversation in ONGOING or (status in FINAL_STATUSES and conversation is None):
        return False
    read = table.outcome_of(status=status, conversation=conversation, duration=1)
    return read == Outcome.NONE
