"""What a person makes of a collected value, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls.models import CollectedField, CollectedValue
from calls.typed_values import LONGEST_TEXT, NO, NUMBER_DIGITS, NUMBER_PLACES, YES, Kind
from leads.suppression_forms import DayInput


class _TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class _MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class ReviewForm(forms.Form):
    """`value` is of the field's kind, as its mapping says today."""

    reason = forms.CharField(
        label=gettext_lazy("Motivo"),
        max_length=200,
        help_text=gettext_lazy("Cómo se sabe: se oye en la grabación, por ejemplo."),
    )
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, value: CollectedValue, **options: Any) -> None:
        self.collected = value
        options.setdefault("initial", {"seen": seen_of(value), "value": _shown(value)})
        super().__init__(*args, **options)
        field = _field_of(value.field)
        field.label, field.required = _("Valor"), "dismiss" not in self.data
        self.fields = {"value": field, **self.fields}
        if "dismiss" in self.data:
            del self.fields["value"]

    def clean_seen(self) -> str:
        if self.cleaned_data["seen"] != seen_of(self.collected):
            words = _("Cambió mientras lo miraba: revise cómo está ahora.")
            raise forms.ValidationError(words)
        return str(self.cleaned_data["seen"])

    def clean_value(self) -> Any:
        value = self.cleaned_data["value"]
        if self.collected.field.kind == Kind.YES_NO:
            return value == YES
        return value


def seen_of(value: CollectedValue) -> str:
    """Which state of the row a page shows."""
    moments = filter(None, (value.read_at, value.settled_at))
    return " ".join((value.state, *(at.isoformat() for at in moments)))


def _shown(value: CollectedValue) -> Any:
    if value.kind != value.field.kind:
        return None
    typed = value.value
    if isinstance(typed, bool):
        return YES if typed else NO
    return typed


def _field_of(field: CollectedField) -> forms.Field:
    match field.kind:
        case Kind.DATE:
            return forms.DateField(widget=DayInput)
        case Kind.TIME:
            return forms.TimeField(widget=_TimeInput)
        case Kind.MOMENT:
            return forms.DateTimeField(widget=_MomentInput)
        case Kind.YES_NO:
            choices = [(YES, _("Sí")), (NO, _("No"))]
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect)
        case Kind.CHOICE:
            answers = [(one.code, one.label) for one in field.answers]
            return forms.ChoiceField(choices=answers, widget=forms.RadioSelect)
        case Kind.NUMBER:
            return forms.DecimalField(
                max_digits=NUMBER_DIGITS, decimal_places=NUMBER_PLACES, localize=True
            )
    return forms.CharField(max_length=LONGEST_TEXT)
