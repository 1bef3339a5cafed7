"""The calendar of appointments: a week, a day or a list, in a few bounded queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import appointment_words as words
from calls.models import Appointment, AppointmentState, Clinic
from leads.filters import LARGEST_ID

if TYPE_CHECKING:
    from django.http import QueryDict
    from django_stubs_ext import StrOrPromise

    from calls.models import AppointmentQuerySet

WEEK, DAY, LIST = "week", "day", "list"
# Of each day of a week; the day itself has them all, page by page.
A_DAY_AT_MOST = 40
PAGE_SIZE = 100
# Each state has a sign too: colour alone tells nothing to some.
SIGNS = {
    AppointmentState.PROPOSED: "bi-question-circle",
    AppointmentState.CONFIRMED: "bi-check-circle",
    AppointmentState.DONE: "bi-check-circle-fill",
    AppointmentState.NO_SHOW: "bi-person-x",
    AppointmentState.CANCELLED: "bi-x-circle",
}
TO_REVIEW = "bi-exclamation-triangle"
FIRST_DAY, LAST_DAY = date(2000, 1, 3), date(2099, 12, 31)


class CalendarForm(forms.Form):
    """What the address of the calendar says."""

    view = forms.ChoiceField(
        choices=[
            (WEEK, gettext_lazy("Semana")),
            (DAY, gettext_lazy("Día")),
            (LIST, gettext_lazy("Lista")),
        ],
        required=False,
    )
    on = forms.DateField(label=gettext_lazy("Día"), required=False)
    clinic = forms.ModelChoiceField(
        label=gettext_lazy("Clínica"),
        queryset=Clinic.objects.order_by("name", "id"),
        required=False,
        empty_label=gettext_lazy("Todas las clínicas"),
    )
    state = forms.ChoiceField(
        label=gettext_lazy("Estado"),
        choices=[("", gettext_lazy("Todos los estados")), *AppointmentState.choices],
        required=False,
    )
    unconfirmed = forms.BooleanField(required=False)
    after = forms.CharField(required=False, max_length=60)

    def clean_on(self) -> date | None:
        on: date | None = self.cleaned_data["on"]
        if on is not None and not FIRST_DAY <= on <= LAST_DAY:
            raise forms.ValidationError(_("Elija un día entre 2000 y 2099."))
        return on


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One appointment, in words on its own clock."""

    pk: int
    state: AppointmentState
    begins: str
    clock: str
    when: str
    who: str
    lead_id: int
    clinic: str
    diary: str
    review: str
    hour: int

    @property
    def sign(self) -> str:
        return TO_REVIEW if self.review else SIGNS[self.state]

    @classmethod
    def of(cls, one: Appointment) -> Shown:
        here = one.starts_at and one.starts_at.astimezone(ZoneInfo(one.zone_name))
        return cls(
            pk=one.pk,
            state=AppointmentState(one.state),
            begins=date_format(here, "H:i") if here else "",
            clock=words.elsewhere(one.zone_name),
            when=words.when(one),
            who=str(one.lead),
            lead_id=one.lead_id,
            clinic=str(one.clinic or ""),
            diary=str(one.resource or ""),
            review=str(one.get_review_display()) if one.review else "",
            hour=here.hour if here else 0,
        )


@dataclass(frozen=True, kw_only=True)
class Day:
    """`url`: of the view of this day alone. `is_past`: earlier in this very week."""

    on: date
    url: str
    is_today: bool
    is_past: bool
    total: int
    rows: Sequence[Shown]

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


class AppointmentCalendar:
    """What the template asks for; nothing at all unless the address is understood."""

    def __init__(self, address: QueryDict, *, now: datetime) -> None:
        self.address = address.copy()
        for name, value in address.items():
            if not value:
                del self.address[name]
        self.now = now
        self.form = CalendarForm(self.address)
        self.unknown = sorted(set(self.address) - set(self.form.fields))
        self.is_understood = self.form.is_valid() and not self.unknown
        chosen: dict[str, Any] = self.form.cleaned_data
        self.clinic: Clinic | None = chosen.get("clinic")
        self.state: str = chosen.get("state") or ""
        self.unconfirmed = bool(chosen.get("unconfirmed"))
        self.view: str = LIST if self.unconfirmed else chosen.get("view") or WEEK
        name = self.clinic.time_zone if self.clinic else settings.TIME_ZONE
        self.zone = ZoneInfo(name)
        self.today = now.astimezone(self.zone).date()
        self.on: date = chosen.get("on") or self.today

    # --- Its appointments ---

    @property
    def _chosen(self) -> AppointmentQuerySet:
        found = Appointment.objects.all()
        if not self.is_understood:
            return found.none()
        if self.clinic is not None:
            found = found.filter(clinic=self.clinic)
        if self.state:
            found = found.filter(state=self.state)
        if self.unconfirmed:
            found = found.unconfirmed(now=self.now)
        return found

    def _on(self, day: date) -> AppointmentQuerySet:
        return self._chosen.between(*self._span(day))

    def _span(self, day: date) -> tuple[datetime, datetime]:
        first, last = (
            datetime.combine(on, time(), tzinfo=self.zone).astimezone(UTC)
            for on in (day, day + timedelta(days=1))
        )
        return first, last

    @cached_property
    def days(self) -> Sequence[Day]:
        """Of the week, by a query for each day and one that counts them all."""
        dates = [self._monday + timedelta(days=n) for n in range(7)]
        spans = [self._span(day) for day in dates]
        of_week = self._chosen.between(spans[0][0], spans[-1][1])
        totals = of_week.aggregate(
            **{
                f"day_{n}": Count(
                    "pk", filter=Q(starts_at__gte=first, starts_at__lt=last)
                )
                for n, (first, last) in enumerate(spans)
            }
        )
        return [
            Day(
                on=day,
                url=self.address_of(view=DAY, on=day),
                is_today=day == self.today,
                is_past=dates[0] <= self.today <= dates[-1] and day < self.today,
                total=totals[f"day_{n}"],
                rows=_shown(_in_order(self._on(day))[:A_DAY_AT_MOST])
                if totals[f"day_{n}"]
                else [],
            )
            for n, day in enumerate(dates)
        ]

    @cached_property
    def _page(self) -> tuple[Sequence[Appointment], str]:
        """Of the day or the list: these, and the key of the next page or ""."""
        key = _read_key(self.form.cleaned_data.get("after") or "")
        if self.unconfirmed:
            # By the age of the promise: some have no time yet.
            found = self._chosen.order_by("id")
            if key:
                found = found.filter(pk__gt=key[1])
        else:
            found = self._on(self.on) if self.view == DAY else self._from_on
            found = _in_order(found)
            if key:
                later = Q(starts_at__gt=key[0]) | Q(starts_at=key[0], pk__gt=key[1])
                found = found.filter(later, starts_at__gte=key[0])
        rows = list(found.select_related("lead", "clinic", "resource")[: PAGE_SIZE + 1])
        if len(rows) <= PAGE_SIZE:
            return rows, ""
        last = rows[PAGE_SIZE - 1]
        return rows[:PAGE_SIZE], f"{(last.starts_at or self.now).isoformat()}~{last.pk}"

    @property
    def _from_on(self) -> AppointmentQuerySet:
        return self._chosen.filter(starts_at__gte=self._span(self.on)[0])

    @cached_property
    def rows(self) -> Sequence[Shown]:
        return [Shown.of(one) for one in self._page[0]]

    @property
    def hours(self) -> Sequence[tuple[str, Sequence[Shown]]]:
        """The day's, by the hour in which they begin."""
        by_hour: dict[int, list[Shown]] = {}
        for row in self.rows:
            by_hour.setdefault(row.hour, []).append(row)
        return [(f"{hour}:00", rows) for hour, rows in by_hour.items()]

    @cached_property
    def is_empty(self) -> bool:
        if self.view == WEEK:
            return not any(day.total for day in self.days)
        return not self.rows

    # --- In words ---

    @property
    def title(self) -> str:
        if self.unconfirmed:
            return _("Citas prometidas sin confirmar")
        if self.view == DAY:
            return date_format(self.on, "l, d/m/Y").capitalize()
        if self.view == LIST:
            return _("Citas desde el %s") % date_format(self.on, "d/m/Y")
        sunday = self._monday + timedelta(days=6)
        return _("Semana del %(first)s al %(last)s") % {
            "first": date_format(
                self._monday, "d/m" if sunday.year == self._monday.year else "d/m/Y"
            ),
            "last": date_format(sunday, "d/m/Y"),
        }

    @property
    def clock(self) -> str:
        """Whose, where it is not ours."""
        return words.elsewhere(str(self.zone))

    @property
    def is_filtered(self) -> bool:
        return bool(self.clinic or self.state or self.unconfirmed)

    # --- Elsewhere ---

    @property
    def _monday(self) -> date:
        return self.on - timedelta(days=self.on.weekday())

    @property
    def views(self) -> Sequence[tuple[str, StrOrPromise, str]]:
        """Each view: its name, its word and its address."""
        choices: Any = self.form.fields["view"].choices  # type: ignore[attr-defined]
        return [(name, word, self.address_of(view=name)) for name, word in choices]

    @property
    def earlier(self) -> str:
        return self._stepped(-1)

    @property
    def later(self) -> str:
        return self._stepped(1)

    def _stepped(self, step: int) -> str:
        days = 1 if self.view == DAY else 7
        on = self.on + timedelta(days=days * step)
        return self.address_of(on=on) if FIRST_DAY <= on <= LAST_DAY else ""

    @property
    def at_today(self) -> str:
        return self.address_of(on=None)

    @property
    def next_page(self) -> str:
        key = self._page[1]
        return self.address_of(after=key) if key else ""

    @property
    def unfiltered(self) -> str:
        return self.address_of(clinic=None, state=None, unconfirmed=None)

    def address_of(self, **changes: Any) -> str:
        """The query of the calendar with these changes; it begins at its first page."""
        query = self.address.copy()
        query.pop("after", None)
        for name, value in changes.items():
            query.pop(name, None)
            if value is not None:
                query[name] = str(value)
        return f"?{query.urlencode()}"

    @property
    def address_here(self) -> str:
        return f"?{self.address.urlencode()}"

    @property
    def here(self) -> str:
        return f"{reverse('calls:appointments')}{self.address_here}"

    @property
    def new_url(self) -> str:
        """Of the form of a new one, on the day and in the clinic that are shown."""
        known = {"on": self.on.isoformat()} if self.view == DAY else {}
        known |= {"clinic": str(self.clinic.pk)} if self.clinic else {}
        return f"{reverse('calls:new_appointment')}?{urlencode(known)}"

    @property
    def legend(self) -> Sequence[tuple[AppointmentState, str]]:
        return list(SIGNS.items())


def of_lead(lead_id: int, *, at_most: int) -> Sequence[Shown]:
    """The lead's own, the latest first."""
    found = Appointment.objects.filter(lead_id=lead_id).order_by("-id")
    return _shown(found[:at_most])


def _in_order(found: AppointmentQuerySet) -> AppointmentQuerySet:
    return found.order_by("starts_at", "id")


def _shown(found: AppointmentQuerySet) -> Sequence[Shown]:
    return [Shown.of(one) for one in found.select_related("lead", "clinic", "resource")]


def _read_key(text: str) -> tuple[datetime, int] | None:
    at_text, _sign, pk = text.partition("~")
    try:
        at = parse_datetime(at_text)
    except ValueError:
        return None
    if at is None or at.utcoffset() is None or not (pk.isascii() and pk.isdigit()):
        return None
    return at, min(int(pk[:19]), LARGEST_ID)
