"""A new version of the outcome table, and the correction of one call, as typed."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from calls.corrections import CHOOSABLE
from calls.outcome_table import ENDED_STATUSES, Codes, Meaning, Table
from calls.outcome_words import CALL_CODES, ONGOING, codes_words
from calls.states import ANSWERED, BLOCKED, FINAL_STATUSES, NOBODY_TALKED, Outcome
from leads.models import Disposition

NEW_ROWS = 3
LARGEST_CODE = 32_767
# Outcomes of a talk: no code of a call that nobody answered may become one.
OF_A_TALK = (Outcome.SUCCESS, Outcome.NOT_SUCCESSFUL, Outcome.CONVERSATION)
# A promise has a date, which no table knows.
DISPOSITIONS = [
    (one.value, one.label if one else "—")
    for one in Disposition
    if one != Disposition.CALL_BACK
]
NEVER_AGAIN = (Disposition.DO_NOT_CALL, Disposition.WRONG_NUMBER)
MEANING_LABELS = {
    "call_status": gettext_lazy("Estado del lead"),
    "disposition": gettext_lazy("Resultado comercial"),
    "contacted": gettext_lazy("Contactado"),
    "positive": gettext_lazy("Positivo"),
    "do_not_call": gettext_lazy("No llamar más"),
    "retry": gettext_lazy("Se reintenta"),
}
FLAGS = ("contacted", "positive", "do_not_call", "retry")


def may_become(codes: Codes) -> list[Outcome]:
    """What a row of these codes may say."""
    status, conversation = codes
    if status == ANSWERED and conversation not in NOBODY_TALKED:
        return CHOOSABLE
    return [one for one in CHOOSABLE if one not in OF_A_TALK]


def _choices(outcomes: list[Outcome]) -> list[tuple[str, Any]]:
    return [(one.value, one.label) for one in outcomes]


class TableForm(forms.Form):
    """All of it in one page: a row is changed or added, never taken away."""

    reason = forms.CharField(
        label=gettext_lazy("Motivo del cambio"),
        max_length=200,
        error_messages={"required": gettext_lazy("Escriba por qué se cambia.")},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, table: Table, add: Codes | None = None, **named: Any
    ) -> None:
        super().__init__(*args, **named)
        self.table = table
        self.fields["seen"].initial = table.version
        for codes, outcome in table.codes.items():
            self._add(
                _code_name(codes),
                forms.ChoiceField(choices=_choices(may_become(codes)), initial=outcome),
                _("Resultado de %s") % codes_words(codes),
            )
        for number in range(NEW_ROWS):
            self._add_new_row(number, add if number == 0 else None)
        for outcome in self.editable_outcomes:
            self._add_meaning(outcome, table.meaning(outcome))

    def _add(self, name: str, field: forms.Field, label: str) -> None:
        field.label = label
        field.widget.attrs["aria-label"] = label
        self.fields[name] = field

    def _add_new_row(self, number: int, codes: Codes | None) -> None:
        statuses = [("", "—"), *((code, CALL_CODES[code]) for code in CALL_CODES)]
        of_row = _("fila nueva %d") % (number + 1)
        status, conversation = codes or (None, None)
        self._add(
            f"new_{number}_status",
            forms.TypedChoiceField(
                choices=statuses,
                coerce=int,
                empty_value=None,
                required=False,
                initial=status,
            ),
            _("Llamada, %s") % of_row,
        )
        self._add(
            f"new_{number}_conversation",
            forms.IntegerField(
                required=False,
                min_value=1,
                max_value=LARGEST_CODE,
                initial=conversation,
            ),
            _("Código de conversación, %s") % of_row,
        )
        self._add(
            f"new_{number}_outcome",
            forms.ChoiceField(
                choices=[("", "—"), *_choices(CHOOSABLE)], required=False
            ),
            _("Resultado, %s") % of_row,
        )

    def _add_meaning(self, outcome: Outcome, meaning: Meaning) -> None:
        statuses = [(one.value, one.label) for one in ENDED_STATUSES]
        for name, label in MEANING_LABELS.items():
            field: forms.Field
            if name == "call_status":
                field = forms.ChoiceField(choices=statuses)
            elif name == "disposition":
                field = forms.ChoiceField(choices=DISPOSITIONS, required=False)
            else:
                field = forms.BooleanField(required=False)
            field.initial = getattr(meaning, name)
            self._add(_meaning_name(outcome, name), field, f"{outcome.label}: {label}")

    # --- What the template takes ---

    @property
    def editable_outcomes(self) -> list[Outcome]:
        """All but the blocked, which is the protocol's."""
        return [
            one for one in Outcome if one not in (Outcome.NONE, Outcome.BLACKLISTED)
        ]

    @property
    def code_rows(self) -> list[tuple[str, BoundField]]:
        return [
            (codes_words(codes), self[_code_name(codes)]) for codes in self.table.codes
        ]

    @property
    def new_rows(self) -> list[list[BoundField]]:
        parts = ("status", "conversation", "outcome")
        return [
            [self[f"new_{number}_{part}"] for part in parts]
            for number in range(NEW_ROWS)
        ]

    @property
    def meaning_rows(self) -> list[tuple[Outcome, list[tuple[Any, BoundField]]]]:
        return [
            (
                outcome,
                [
                    (label, self[_meaning_name(outcome, name)])
                    for name, label in MEANING_LABELS.items()
                ],
            )
            for outcome in self.editable_outcomes
        ]

    @property
    def meaning_labels(self) -> list[Any]:
        return [*MEANING_LABELS.values()]

    # --- Whether it makes sense ---

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        rows = self._codes(cleaned)
        meanings = self._meanings(cleaned)
        if not self.errors:
            self.made = replace(self.table, codes=rows, meanings=meanings)
            if self.made == self.table:
                self.add_error(None, _("No ha cambiado nada."))
        return cleaned

    def _codes(self, cleaned: dict[str, Any]) -> dict[Codes, Outcome]:
        rows = {
            codes: Outcome(cleaned.get(_code_name(codes)) or outcome)
            for codes, outcome in self.table.codes.items()
        }
        for number in range(NEW_ROWS):
            status = cleaned.get(f"new_{number}_status")
            conversation = cleaned.get(f"new_{number}_conversation")
            outcome = cleaned.get(f"new_{number}_outcome")
            if status is None and conversation is None and not outcome:
                continue
            wrong = _why_no_row(status, conversation, outcome, rows)
            if wrong:
                self.add_error(f"new_{number}_outcome", wrong)
            elif status is not None and outcome:
                rows[status, conversation] = Outcome(outcome)
        return rows

    def _meanings(self, cleaned: dict[str, Any]) -> dict[str, Meaning]:
        meanings = dict(self.table.meanings)
        for outcome in self.editable_outcomes:
            what: dict[str, Any] = {
                one.name: cleaned.get(_meaning_name(outcome, one.name))
                for one in fields(Meaning)
            }
            if None in what.values():
                continue  # its own error says so
            meaning = Meaning(**what)
            for name, words in _contradictions(meaning):
                self.add_error(_meaning_name(outcome, name), words)
            meanings[outcome.value] = meaning
        return meanings


def _code_name(codes: Codes) -> str:
    status, conversation = codes
    return f"code_{status}_{'any' if conversation is None else conversation}"


def _meaning_name(outcome: Outcome, name: str) -> str:
    return f"{outcome.value}_{name}"


def _why_no_row(
    status: int | None,
    conversation: int | None,
    outcome: str | None,
    rows: dict[Codes, Outcome],
) -> str:
    """ "" if it may be a row."""
    if status not in FINAL_STATUSES or not outcome:
        return _("Complete la fila nueva: llamada, código y resultado.")
    if status == ANSWERED and conversation is None:
        return _(
            "Una llamada atendida necesita su código de conversación: no se adivina."
        )
    if conversation in ONGOING:
        return _("El %d es de una llamada en curso: no la termina.") % conversation
    if conversation == BLOCKED:
        return _("El 220 siempre es «Bloqueada en Pearl».")
    if (status, conversation) in rows:
        return _("Ese código ya tiene fila: cámbiela arriba.")
    if Outcome(outcome) not in may_become((status, conversation)):
        return _("Con esos códigos nadie habló: elija otro resultado.")
    return ""


def _contradictions(meaning: Meaning) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if meaning.positive and not meaning.contacted:
        found.append(("positive", _("Positivo supone contactado: márquelo también.")))
    if meaning.disposition in NEVER_AGAIN and not meaning.do_not_call:
        words = _("Ese resultado comercial pide marcar también «no llamar más».")
        found.append(("do_not_call", words))
    if meaning.retry and (
        meaning.positive or meaning.do_not_call or meaning.disposition
    ):
        words = _(
            "No se reintenta lo que es positivo, no se debe llamar más o tiene ya un "
            "resultado comercial."
        )
        found.append(("retry", words))
    return found


class CorrectionForm(forms.Form):
    outcome = forms.ChoiceField(
        label=pgettext_lazy("de una llamada", "Resultado"),
        choices=_choices(CHOOSABLE),
    )
    reason = forms.CharField(
        label=gettext_lazy("Motivo"),
        max_length=200,
        help_text=gettext_lazy("Cómo se sabe: queda en el historial, con su nombre."),
        error_messages={"required": gettext_lazy("Escriba el motivo.")},
    )
    seen = forms.CharField(widget=forms.HiddenInput)
