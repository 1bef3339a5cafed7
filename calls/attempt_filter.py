"""The filter of calls: what the numbers of the screens count, as an address says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from calls import said
from calls.models import CallAttempt
from calls.outcome_table import ENDED_STATUSES, shown
from calls.states import State
from leads.filters import LARGEST_ID, DayFilter, IdFilter, midnight, yes_no
from leads.models import CallStatus

if TYPE_CHECKING:
    from datetime import date

    from calls.models.attempt import CallAttemptQuerySet

MOST_WORDS = 8


class SaidField(forms.CharField):
    def validate(self, value: Any) -> None:
        super().validate(value)
        words = said.words_in(value or "")
        if value and not words:
            raise ValidationError(_("Escriba alguna palabra."))
        if len(words) > MOST_WORDS:
            raise ValidationError(_("Escriba como mucho ocho palabras."))


class SaidFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = SaidField


RESULTS = [(status.value, status.label) for status in ENDED_STATUSES]


class AttemptFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters combine. A value that is not understood is in `errors`."""

    run = IdFilter(
        field_name="run_id", min_value=1, max_value=LARGEST_ID, label=_("Ejecución")
    )
    state = django_filters.MultipleChoiceFilter(
        method="by_state", choices=State.choices, label=_("Situación")
    )
    result = django_filters.ChoiceFilter(
        method="by_result",
        choices=RESULTS,
        label=pgettext_lazy("de una llamada", "Resultado"),
    )
    since = DayFilter(method="ended_since", label=_("Terminadas desde"))
    test = yes_no(_("Prueba"), field_name="is_test")
    success = django_filters.ChoiceFilter(
        method="by_success", choices=[("true", _("Sí"))], label=_("Éxito")
    )

    said = SaidFilter(method="by_said", max_length=200, label=_("Palabras dichas"))

    class Meta:
        model = CallAttempt
        fields: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.form.fields.values():
            if "invalid_choice" in field.error_messages:
                field.error_messages["invalid_choice"] = _("Esta opción no existe.")

    def by_state(
        self, attempts: CallAttemptQuerySet, _name: str, states: list[str]
    ) -> CallAttemptQuerySet:
        return attempts.filter(state__in=states) if states else attempts

    def by_result(
        self, attempts: CallAttemptQuerySet, _name: str, status: str
    ) -> CallAttemptQuerySet:
        """The calls that ended so, by the call status that it gives a lead."""
        outcomes = shown().outcomes_of(status)
        return attempts.filter(state=State.ENDED, outcome__in=outcomes)

    def ended_since(
        self, attempts: CallAttemptQuerySet, _name: str, day: date
    ) -> CallAttemptQuerySet:
        return attempts.filter(closed_at__gte=midnight(day))

    def by_said(
        self, attempts: CallAttemptQuerySet, _name: str, text: str
    ) -> CallAttemptQuerySet:
        """Every one of its words was said in the call, by whomever, in any order."""
        return said.said(attempts, said.words_in(text))

    def by_success(
        self, attempts: CallAttemptQuerySet, _name: str, _value: str
    ) -> CallAttemptQuerySet:
        """One call for each lead that is completed: the last that completed it."""
        completed = CallStatus.COMPLETED
        facts = {
            "state": State.ENDED,
            "outcome__in": shown().outcomes_of(completed),
            "is_test": False,
        }
        later = CallAttempt.objects.filter(
            lead=OuterRef("lead"), pk__gt=OuterRef("pk"), **facts
        )
        mine = attempts.filter(lead__call_status=completed, **facts)
        return mine.exclude(Exists(later))
