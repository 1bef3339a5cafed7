"""The list of calls behind a number: which ones, in words, and its pages by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls.attempt_filter import AttemptFilter
from calls.lead_choice import cleaned, number_of
from calls.models import CallAttempt, Campaign, Run
from calls.outcome_table import shown
from calls.said import Passage, passages, words_in
from calls.states import OPEN, State
from leads.chips import Chip, chips_of_unknown, without
from leads.filters import midnight
from leads.lead_pages import COUNTED_AT_MOST
from leads.models import CallStatus
from leads.wording import number

if TYPE_CHECKING:
    from django.http import QueryDict

    from calls.models.attempt import CallAttemptQuerySet

PAGE_SIZE = 25
AFTER, BEFORE = PLACE_VARS = ("after", "before")


def address_of(campaign: Campaign | None, lookups: Mapping[str, Any]) -> str:
    """Where the calls are listed that a number counts; without a campaign, of all."""
    args = [campaign.pk] if campaign else []
    name = "calls:attempts" if campaign else "calls:all_attempts"
    return f"{reverse(name, args=args)}?{urlencode(lookups, doseq=True)}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """`passages`: where in the call the words were said that it was found by."""

    attempt: CallAttempt
    passages: list[Passage]


@dataclass(frozen=True, kw_only=True)
class Page:
    """`count` stops at COUNTED_AT_MOST + 1."""

    attempts: list[CallAttempt]
    count: int
    has_previous: bool
    has_next: bool

    @property
    def is_cut(self) -> bool:
        return self.count > COUNTED_AT_MOST


class AttemptList:
    """What the template asks for: no calls at all unless the address is understood."""

    def __init__(
        self, address: QueryDict, *, campaign: Campaign | None, now: datetime
    ) -> None:
        self.address = cleaned(address)
        self.campaign = campaign
        self.now = now
        known = {*AttemptFilter.base_filters, *PLACE_VARS}
        self.unknown = sorted(set(self.address) - known)
        self.filter = AttemptFilter(self.address, queryset=self._attempts())

    def _attempts(self) -> CallAttemptQuerySet:
        if self.campaign is None:
            # Named, they are found by the indexes that begin with the campaign.
            known = list(Campaign.objects.values_list("pk", flat=True))
            return CallAttempt.objects.filter(campaign__in=known)
        if "success" in self.address:
            # It is counted by the campaign's leads, wherever they were called.
            outbound = self.campaign.outbound_id
            return CallAttempt.objects.filter(lead__pearl_outbound_id=outbound)
        return CallAttempt.objects.filter(campaign=self.campaign)

    # --- Whether it is understood ---

    @cached_property
    def problems(self) -> list[Chip]:
        wrong = [
            self._problem(name, str(self.filter.filters[name].label), str(errors[0]))
            for name, errors in self.filter.form.errors.items()
        ]
        if not wrong and self._wants_run and self.run is None:
            words = _("Esta ejecución no existe.")
            wrong.append(self._problem("run", _("Ejecución"), words))
        for name in PLACE_VARS:
            if name in self.address and not number_of(self.address.get(name)):
                words = _("Esta página no existe.")
                wrong.append(self._problem(name, _("Página"), words))
        return [*wrong, *chips_of_unknown(self.unknown, address=self.address)]

    def _problem(self, name: str, label: str, words: str) -> Chip:
        return Chip(
            name=name,
            label=label,
            value=", ".join(self.address.getlist(name)),
            without=without(self.address, name),
            errors=(words,),
        )

    # --- Its calls ---

    @cached_property
    def page(self) -> Page:
        """In three queries: asked for ids in no order, the database takes whichever
        index finds them soonest."""
        if self.problems:
            return Page(attempts=[], count=0, has_previous=False, has_next=False)
        found: CallAttemptQuerySet = self.filter.qs
        ids = list(found.order_by().values_list("pk", flat=True)[: COUNTED_AT_MOST + 1])
        after, before = (number_of(self.address.get(name)) for name in PLACE_VARS)
        if len(ids) > COUNTED_AT_MOST:
            near, goes_on = _of_many(found, after=after, before=before)
        else:
            near, goes_on = _of_few(ids, after=after, before=before)
        rows = CallAttempt.objects.select_related("lead", "campaign").in_bulk(near)
        backwards = bool(before and not after)
        return Page(
            attempts=[rows[pk] for pk in near if pk in rows],
            count=len(ids),
            has_previous=goes_on if backwards else bool(after),
            has_next=bool(near) if backwards else goes_on,
        )

    @property
    def rows(self) -> list[Row]:
        words = words_in(self.said)
        return [
            Row(attempt=attempt, passages=passages(attempt, words))
            for attempt in self.page.attempts
        ]

    @property
    def moves(self) -> list[tuple[str, str]]:
        """The pages beside this one: what each is called, and its query."""
        moves: list[tuple[str, str]] = []
        attempts = self.page.attempts
        if attempts and self.page.has_previous:
            moves.append((_("Anterior"), self._beside(BEFORE, attempts[0])))
        if attempts and self.page.has_next:
            moves.append((_("Siguiente"), self._beside(AFTER, attempts[-1])))
        return moves

    def _beside(self, name: str, attempt: CallAttempt) -> str:
        query = self._pageless
        query[name] = str(attempt.pk)
        return query.urlencode()

    @property
    def first_page(self) -> str:
        return self._pageless.urlencode()

    @property
    def _pageless(self) -> QueryDict:
        query = self.address.copy()
        for name in PLACE_VARS:
            query.pop(name, None)
        return query

    @cached_property
    def without_call(self) -> int:
        """Leads completed without a call, as another system left them: the rate counts
        them too."""
        if self.campaign is None or not self._chosen("success") or self.page.is_cut:
            return 0
        leads = self.campaign.leads.filter(call_status=CallStatus.COMPLETED)
        count = leads.order_by()[: COUNTED_AT_MOST + 1].count()
        return 0 if count > COUNTED_AT_MOST else max(0, count - self.page.count)

    # --- In words ---

    @property
    def title(self) -> str:
        result, states = self._chosen("result"), self._states
        if self._chosen("success"):
            return _("Última llamada de cada lead completado")
        if result:
            return {
                CallStatus.COMPLETED: _("Llamadas completadas"),
                CallStatus.NO_ANSWER: _("Llamadas sin respuesta"),
                CallStatus.BUSY: _("Llamadas que encontraron ocupado"),
                CallStatus.ERROR: _("Llamadas que acabaron en error"),
            }[CallStatus(result)]
        if states == {*OPEN}:
            return _("Llamadas en curso")
        if states == {State.ENDED}:
            return _("Llamadas terminadas")
        if states == {State.MANUAL}:
            return _("Llamadas por revisar")
        return _("Llamadas") if self.is_filtered else _("Todas las llamadas")

    @property
    def facts(self) -> list[str]:
        """What else narrows them, each in a few words."""
        facts = [self.campaign.name if self.campaign else _("Todas las campañas")]
        if self.run is not None:
            at = date_format(localtime(self.run.started_at), "d/m/Y H:i")
            facts.append(_("ejecución del %s") % at)
        day = self._chosen("since")
        if day == timezone.localdate(self.now):
            facts.append(_("de hoy"))
        elif day:
            facts.append(_("desde el %s") % date_format(day, "d/m/Y"))
        if self._chosen("test") is False:
            facts.append(_("sin las de prueba"))
        elif self._chosen("test"):
            facts.append(_("solo las de prueba"))
        if self.said:
            facts.append(_("se dijo «%s»") % self.said)
        if self.title == _("Llamadas") and self._states:
            labels = [str(State(state).label) for state in sorted(self._states)]
            facts.append(", ".join(labels))
        return facts

    @property
    def total(self) -> str:
        if self.page.is_cut:
            return _("más de %s llamadas") % number(COUNTED_AT_MOST)
        count = self.page.count
        return ngettext("%s llamada", "%s llamadas", count) % number(count)

    @property
    def is_of_doubts(self) -> bool:
        return self._states == {State.MANUAL}

    @property
    def is_filtered(self) -> bool:
        return bool(self._pageless)

    # --- Elsewhere ---

    @property
    def board_url(self) -> str:
        page = reverse("calls:manager")
        return f"{page}?campaign={self.campaign.pk}" if self.campaign else page

    @property
    def completed_url(self) -> str:
        """The leads that «Éxito» counts."""
        outbound = self.campaign.outbound_id if self.campaign else ""
        lookups = {"outbound": outbound, "status": CallStatus.COMPLETED.value}
        return f"{self.board_url}&{urlencode(lookups)}"

    @property
    def admin_url(self) -> str:
        """The same in the admin; empty where it cannot say it."""
        if self.problems or self._chosen("success") or self.said:
            return ""
        lookups: dict[str, Any] = {}
        if self.campaign:
            lookups["campaign__id__exact"] = self.campaign.pk
        if self.run:
            lookups["run__id__exact"] = self.run.pk
        if result := self._chosen("result"):
            lookups["state__exact"] = State.ENDED.value
            lookups["outcome__in"] = ",".join(shown().outcomes_of(result))
        if self._states:
            lookups["state__in"] = ",".join(sorted(self._states))
        if day := self._chosen("since"):
            lookups["closed_at__gte"] = midnight(day)
        if self._chosen("test") is not None:
            lookups["is_test__exact"] = int(self._chosen("test"))
        return f"{reverse('admin:calls_callattempt_changelist')}?{urlencode(lookups)}"

    # --- What was chosen ---

    def _chosen(self, name: str) -> Any:
        """None: nothing, or nothing that is understood."""
        if not self.filter.is_valid():
            return None
        value = self.filter.form.cleaned_data[name]
        return None if value in ("", []) else value

    @property
    def said(self) -> str:
        return self._chosen("said") or ""

    @property
    def without_said(self) -> list[tuple[str, str]]:
        """What else the address says, for the form that asks for words."""
        rest = self._pageless
        rest.pop("said", None)
        return [(name, value) for name, values in rest.lists() for value in values]

    @property
    def all_said(self) -> str:
        """The address without the words."""
        return f"?{urlencode(self.without_said)}"

    @property
    def _states(self) -> set[str]:
        return {*(self._chosen("state") or ())}

    @property
    def _wants_run(self) -> bool:
        return self._chosen("run") is not None

    @cached_property
    def run(self) -> Run | None:
        if not self._wants_run:
            return None
        runs = Run.objects.filter(pk=self._chosen("run"))
        if self.campaign is not None:
            runs = runs.filter(campaign=self.campaign)
        return runs.first()


def _of_few(ids: list[int], *, after: int, before: int) -> tuple[list[int], bool]:
    ids.sort(reverse=True)
    if after:
        near = [pk for pk in ids if pk < after]
    elif before:
        near = [pk for pk in ids if pk > before]
        return near[-PAGE_SIZE:], len(near) > PAGE_SIZE
    else:
        near = ids
    return near[:PAGE_SIZE], len(near) > PAGE_SIZE


def _of_many(
    found: CallAttemptQuerySet, *, after: int, before: int
) -> tuple[list[int], bool]:
    backwards = bool(before and not after)
    if after:
        found = found.filter(pk__lt=after)
    elif before:
        found = found.filter(pk__gt=before)
    ordered = found.order_by("pk" if backwards else "-pk")
    near = list(ordered.values_list("pk", flat=True)[: PAGE_SIZE + 1])
    goes_on = len(near) > PAGE_SIZE
    near = near[:PAGE_SIZE]
    return (near[::-1] if backwards else near), goes_on
