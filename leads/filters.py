"""The one filter of leads, the same for the dashboard and the API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import CallStatus, Lead, Priority
from leads.phones import NotAPhone, normalise

if TYPE_CHECKING:
    from django.db.models import QuerySet

MANY = 3
NUMBER = re.compile(r"[\d\s+().\-/]+")


class LeadFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters combine. An unknown value is ignored and reported by `errors`."""

    q = django_filters.CharFilter(method="search", label=_("Buscar"))
    status = django_filters.MultipleChoiceFilter(
        field_name="call_status", choices=CallStatus.choices, label=_("Estado")
    )
    priority = django_filters.ChoiceFilter(
        field_name="call_priority", choices=Priority.choices, label=_("Prioridad")
    )
    selected = django_filters.BooleanFilter(
        field_name="selected_for_calling", label=_("Seleccionados")
    )
    city = django_filters.CharFilter(lookup_expr="istartswith", label=_("Ciudad"))
    source = django_filters.CharFilter(field_name="source_file", label=_("Archivo"))
    attempts = django_filters.NumberFilter(method="by_attempts", label=_("Intentos"))

    class Meta:
        model = Lead
        fields: list[str] = []

    def __init__(self, data: Any = None, *args: Any, **options: Any) -> None:
        """A choice left open arrives as an empty value: it filters nothing."""
        if data is not None:
            data = data.copy()
            for name in list(data):
                data.setlist(name, [value for value in data.getlist(name) if value])
        super().__init__(data, *args, **options)

    def search(self, leads: QuerySet[Lead], _name: str, text: str) -> QuerySet[Lead]:
        """By a number in any spelling or part of one, else by words: each must be in a
        name, or begin a NIF, or be a policy."""
        text = text.strip()
        digits = re.sub(r"\D", "", text)
        if digits and NUMBER.fullmatch(text):
            return leads.filter(
                _by_number(text, digits)
                | Q(national_id__istartswith=text)
                | Q(policy_number__iexact=text)
            )
        for word in text.split():
            leads = leads.filter(
                Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(national_id__istartswith=word)
                | Q(policy_number__iexact=word)
            )
        return leads

    def by_attempts(
        self, leads: QuerySet[Lead], _name: str, count: Any
    ) -> QuerySet[Lead]:
        """0, 1, 2, or 3 for three and more."""
        if count >= MANY:
            return leads.filter(call_attempts_count__gte=MANY)
        return leads.filter(call_attempts_count=count)


def _by_number(text: str, digits: str) -> Q:
    try:
        number = normalise(text)
    except NotAPhone:
        return Q(phone_e164__contains=digits) | Q(phone_alt_e164__contains=digits)
    return Q(phone_e164=number) | Q(phone_alt_e164=number)
