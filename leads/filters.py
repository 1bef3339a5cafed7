"""The one filter of leads: the dashboard, the admin's list and the API share it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import DateTimeField, Q, Value
from django.db.models.functions import Coalesce, Replace
from django.db.models.lookups import Contains
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads.estimates import estimated
from leads.lead_pages import Found
from leads.models import (
    CallStatus,
    Disposition,
    Lead,
    LeadWord,
    Priority,
    Suppression,
)
from leads.phones import NotAPhone, normalise
from leads.search_text import LONGEST_WORD, SPAIN, fold
from leads.word_index import FEWEST_DIGITS, NO_WORD, PHONE

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

MANY = 3
NO_DISPOSITION = "none"
LAST_SIGN = "\U0010ffff"
BEGINS = "*"  # "Villa*": what begins so
LARGEST_ID = 2**63 - 1
NEVER = datetime(1971, 1, 1, tzinfo=UTC)
PHONE_SIGNS = frozenset(" \t+.-–/()")
# Phones without the prefix of Spain, as people know them.
NATIONAL, NATIONAL_ALT = (
    Replace(Replace(name, Value(SPAIN)), Value("+"))
    for name in ("phone_e164", "phone_alt_e164")
)

YES_NO = [("true", _("Sí")), ("false", _("No"))]
ATTEMPTS = [("0", "0"), ("1", "1"), ("2", "2"), (str(MANY), _("3 o más"))]
DISPOSITIONS = [
    (value or NO_DISPOSITION, label) for value, label in Disposition.choices
]
CALLBACKS = [
    ("due", _("Ya toca")),
    ("missed", _("Perdida")),
    ("today", _("Para hoy")),
    ("pending", _("Más adelante")),
    ("any", _("Cualquiera")),
]


class SearchField(forms.CharField):
    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and not fold(value):
            raise ValidationError(_("Escriba alguna letra o cifra."))


class DayField(forms.DateField):
    """As a date input sends it, or as people write it."""

    default_error_messages = {"invalid": _("Escriba la fecha como 27/11/2026.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d", "%d/%m/%Y"], **options)


class WordsField(forms.CharField):
    """One value or several, each checked as one."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> Any:
        clean_one = super().clean
        return [clean_one(one) for one in value or ()]


class SearchFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = SearchField


class DayFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = DayField


class WordsFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = WordsField


class IdFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = forms.IntegerField


def yes_no(label: StrOrPromise, **options: Any) -> Any:
    """Strict, unlike BooleanFilter: "maybe" is an error and not "whichever"."""
    return django_filters.TypedChoiceFilter(
        choices=YES_NO, coerce=lambda value: value == "true", label=label, **options
    )


class LeadFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters combine. A value that is not understood is in `errors`: whoever changes
    leads by a filter asks `is_valid()` first, for it must not mean everybody."""

    q = SearchFilter(method="search", max_length=100, label=_("Buscar"))
    status = django_filters.MultipleChoiceFilter(
        method="by_status", choices=CallStatus.choices, label=_("Estado")
    )
    selected = yes_no(_("En cola"), field_name="selected_for_calling")
    priority = django_filters.ChoiceFilter(
        field_name="call_priority", choices=Priority.choices, label=_("Prioridad")
    )
    attempts = django_filters.ChoiceFilter(
        method="by_attempts", choices=ATTEMPTS, label=_("Intentos")
    )
    disposition = django_filters.ChoiceFilter(
        method="by_disposition", choices=DISPOSITIONS, label=_("Resultado")
    )
    callback = django_filters.ChoiceFilter(
        method="by_callback", choices=CALLBACKS, label=_("Rellamada")
    )
    city = WordsFilter(method="by_words", max_length=120, label=_("Ciudad"))
    province = WordsFilter(method="by_words", max_length=60, label=_("Provincia"))
    clinic = WordsFilter(
        field_name="clinic_name", method="by_words", max_length=200, label=_("Clínica")
    )
    source = WordsFilter(
        field_name="source_file", lookup_expr="in", max_length=255, label=_("Archivo")
    )
    lead_import = IdFilter(
        field_name="lead_import_id",
        min_value=1,
        max_value=LARGEST_ID,
        label=_("Importación"),
    )
    last_from = DayFilter(method="since", label=_("Último intento desde"))
    last_to = DayFilter(method="until", label=_("Último intento hasta"))
    never_called = yes_no(_("Nunca llamado"), method="by_never_called")
    manual = yes_no(_("Gestión manual"), field_name="manual_management")
    excluded = yes_no(_("Excluido"), method="by_excluded")
    outbound = django_filters.CharFilter(
        field_name="pearl_outbound_id", max_length=100, label=_("Campaña")
    )

    class Meta:
        model = Lead
        fields: list[str] = []

    def __init__(
        self,
        data: Any = None,
        *args: Any,
        now: datetime | None = None,
        **options: Any,
    ) -> None:
        """A choice left open arrives as an empty value: it filters nothing."""
        self.now = now or timezone.now()
        if data is not None:
            data = data.copy()
            for name in list(data):
                kept = [value for value in data.getlist(name) if value.strip()]
                data.setlist(name, kept)
        super().__init__(data, *args, **options)

        for field in self.form.fields.values():
            if "invalid_choice" in field.error_messages:
                field.error_messages["invalid_choice"] = _("Esta opción no existe.")

    def active(self) -> list[str]:
        """The names that filter now, in the order of the form."""
        data = self.data or {}
        return [name for name in self.filters if data.get(name)]

    def narrowed(self, *, at_most: int) -> Found:
        """The same leads as `qs`, with the search done first, by the index of words,
        when it finds few. Left to choose, a database starts from another filter and
        reads a text for each lead."""
        if not self.by_text:
            return Found(leads=self.qs)
        found = words_found(self.form.cleaned_data["q"])
        ids = [pk for (pk,) in found.values_list("lead_id").distinct()[: at_most + 1]]
        is_many = len(ids) > at_most
        if is_many and len(self.active()) == 1:
            return Found(leads=self.qs, is_many=True)
        # The excluded are found by their numbers: no index reads them in an order.
        is_ordered = not self.form.cleaned_data["excluded"]
        if is_many and is_ordered and (about := estimated(self.qs)):
            return Found(leads=self.qs, is_many=True, about=about)
        among = self.queryset.filter(pk__in=found.values("lead_id") if is_many else ids)
        rest = self.data.copy()
        del rest["q"]
        return Found(leads=type(self)(rest, queryset=among, now=self.now).qs)

    @property
    def by_text(self) -> bool:
        """Whether it reads the texts of leads, rather than look up a whole number."""
        text = self.form.cleaned_data.get("q", "")
        return bool(text) and not (is_number(text) and _whole_number(text))

    # --- What each one means ---

    def search(self, leads: QuerySet[Lead], _name: str, text: str) -> QuerySet[Lead]:
        """A whole number in any spelling, or part of a phone, or words: each must begin
        a word of the name, the NIF or the policy. As `words_found`, lead by lead."""
        if is_number(text):
            return leads.filter(_by_number(text))
        for word in fold(text).split():
            leads = leads.filter(search_text__contains=f" {word}")
        return leads

    def by_status(
        self, leads: QuerySet[Lead], _name: str, values: list[str]
    ) -> QuerySet[Lead]:
        if not values:
            return leads
        return leads.filter(call_status__in=values)

    def by_attempts(
        self, leads: QuerySet[Lead], _name: str, count: str
    ) -> QuerySet[Lead]:
        """0, 1, 2, or 3 for three and more."""
        if int(count) >= MANY:
            return leads.filter(call_attempts_count__gte=MANY)
        return leads.filter(call_attempts_count=int(count))

    def by_disposition(
        self, leads: QuerySet[Lead], _name: str, value: str
    ) -> QuerySet[Lead]:
        return leads.filter(disposition="" if value == NO_DISPOSITION else value)

    def by_callback(
        self, leads: QuerySet[Lead], _name: str, value: str
    ) -> QuerySet[Lead]:
        match value:
            case "due":
                return leads.filter(callback_at__lte=self.now)
            case "missed":
                return leads & Lead.objects.missed_callbacks(now=self.now)
            case "today":
                today = timezone.localdate(self.now)
                return leads.filter(
                    callback_at__gte=midnight(today),
                    callback_at__lt=midnight(today + timedelta(days=1)),
                )
            case "pending":
                return leads.filter(callback_at__gt=self.now)
        return leads.filter(callback_at__isnull=False)

    def by_words(
        self, leads: QuerySet[Lead], name: str, texts: list[str]
    ) -> QuerySet[Lead]:
        """Any of them: the whole value when some lead has it, for "Palma" is not
        "Palma del Río". Else, or with a star at the end, what begins so."""
        chosen = Q()
        for text in texts:
            whole = same_words(name, text)
            if text.endswith(BEGINS) or not Lead.objects.filter(whole).exists():
                chosen |= beginning(name, text.rstrip(BEGINS))
            else:
                chosen |= whole
        return leads.filter(chosen)

    def since(self, leads: QuerySet[Lead], _name: str, day: date) -> QuerySet[Lead]:
        return leads.filter(last_call_attempt__gte=midnight(day))

    def until(self, leads: QuerySet[Lead], _name: str, day: date) -> QuerySet[Lead]:
        if day == day.max:
            return leads.filter(last_call_attempt__isnull=False)
        return leads.filter(last_call_attempt__lt=midnight(day + timedelta(days=1)))

    def by_never_called(
        self, leads: QuerySet[Lead], _name: str, never: bool
    ) -> QuerySet[Lead]:
        """Not by the index of that column, which is half empty: MariaDB would take it
        for far more selective than it is, and read rows one by one."""
        last = Coalesce("last_call_attempt", Value(NEVER, output_field=DateTimeField()))
        leads = leads.alias(last_call_or_never=last)
        if never:
            return leads.filter(last_call_or_never=NEVER)
        return leads.filter(last_call_or_never__gt=NEVER)

    def by_excluded(
        self, leads: QuerySet[Lead], _name: str, excluded: bool
    ) -> QuerySet[Lead]:
        numbers = Suppression.objects.active(now=self.now).numbers()
        on_a_list = Q(phone_e164__in=numbers)
        return leads.filter(on_a_list if excluded else ~on_a_list)


def is_number(text: str) -> bool:
    """Digits and the signs people write among them: no letters."""
    return any(char.isdecimal() for char in text) and all(
        char.isdecimal() or char in PHONE_SIGNS for char in text
    )


def _by_number(text: str) -> Q:
    if number := _whole_number(text):
        return Q(phone_e164=number) | Q(phone_alt_e164=number)
    digits = _digits(text)
    begins = Q(search_text__contains=f" {digits}")
    if len(digits) < FEWEST_DIGITS:
        return begins
    return begins | Q(Contains(NATIONAL, digits)) | Q(Contains(NATIONAL_ALT, digits))


def words_found(text: str) -> QuerySet[LeadWord]:
    """The same by the index of words: by the longest of what is typed, in whose row the
    text tells the rest. For all but a whole phone number."""
    if is_number(text):
        return _number_found(_digits(text))
    words = fold(text).split()
    longest = max(words, key=len)
    in_text = Q(search_text__contains=f" {longest}")
    found = _beginning_with(longest, else_by=in_text)
    for word in words:
        # Of a very long word only the beginning is in the index.
        if word != longest or len(word) > LONGEST_WORD:
            found = found.filter(search_text__contains=f" {word}")
    return found


def _number_found(digits: str) -> QuerySet[LeadWord]:
    in_text = Q(search_text__contains=f" {digits}")
    if len(digits) < FEWEST_DIGITS:
        # So few may not be the end of a phone: the rows of ends have no text.
        return _beginning_with(digits, else_by=in_text).filter(in_text)
    in_text |= Q(search_text__regex=f"{PHONE}[0-9{PHONE}]*{digits}")
    return _beginning_with(digits, else_by=in_text)


def _beginning_with(word: str, *, else_by: Q) -> QuerySet[LeadWord]:
    """`else_by`: what finds leads by their text whose words are not written yet."""
    start = word[:LONGEST_WORD]
    by_word = Q(word__gte=start, word__lt=start + LAST_SIGN)
    return LeadWord.objects.filter(by_word | Q(else_by, word=NO_WORD))


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _whole_number(text: str) -> str:
    try:
        return normalise(text)
    except NotAPhone:
        return ""


def same_words(column: str, text: str) -> Q:
    """Whether upper or lower case. MySQL compares so; SQLite does not, and to fold the
    column would keep it from the index: there, the spellings that files use."""
    if connection.vendor == "mysql":
        return Q(**{column: text})
    return Q(**{f"{column}__in": _spellings(text)})


def beginning(column: str, text: str) -> Q:
    """As above, what begins with it."""
    if connection.vendor == "mysql":
        return Q(**{f"{column}__istartswith": text})
    begins = Q()
    for start in _spellings(text):
        begins |= Q(**{f"{column}__gte": start, f"{column}__lt": start + LAST_SIGN})
    return begins


def _spellings(text: str) -> set[str]:
    return {text, text.title(), text.upper(), text.lower()}


def midnight(day: date) -> datetime:
    """Its beginning, on the clock of the staff."""
    return timezone.make_aware(datetime.combine(day, time.min))
