"""Whose lead a row is: nobody's yet, one that is there, or another person's number.

Rows are told in the order of the file, and what an earlier row did counts for a later
one, whether it was written yet or not. So the preview says what the import will do, and
the same file a second time finds everything as it left it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from leads.columns import LeadRow, place_values
from leads.import_report import RowClass
from leads.models import Consent, Lead
from leads.search_text import SOURCES, fold
from leads.suppressions import suppressed_among

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Filled if empty, and never replaced: staff write the notes, and one person has one id
# of each place that names them.
ONLY_FILLED = ("call_notes", "external_id")
FOLLOWING = {
    "phone": ("phone_e164",),
    "phone_alt": ("phone_alt_e164",),
}
PLACED_BY = ("postal_code", "province", "phone_e164")
PLACE = ("community", "time_zone")
CONSENT = ("consent", "consent_source")
IDENTITY = ("first_name", "last_name", "national_id")

SAME_NUMBER = _("El mismo teléfono que la fila {row}.")
SAME_ID = _("El mismo id externo que la fila {row}.")
SAME_LEAD = _("El mismo lead que la fila {row}.")
OF_ANOTHER = _("El teléfono ya es de otro lead, con otro nombre o NIF.")
PROMISED = _(
    "El cambio contradice la fila {row}, que tiene ese teléfono: vuelva a importarla "
    "cuando se aclare de quién es."
)
EXCLUDED = _("El número está en la lista de exclusión.")


@dataclass(frozen=True, kw_only=True)
class NumberedLead:
    """A row that could be a lead; `more`: columns for a new lead alone."""

    number: int
    lead: LeadRow
    more: Mapping[str, Any] = field_of(default_factory=dict)

    @property
    def phone(self) -> str:
        return str(self.lead.values["phone_e164"])

    @property
    def external_id(self) -> str:
        return str(self.lead.values.get("external_id", ""))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`changes`: by column [before, after]; `known`: the lead as it was; `field`: whose
    value stands against the row."""

    row_class: RowClass
    why: StrOrPromise = ""
    field: str = "phone"
    in_file: bool = False
    known: Mapping[str, Any] | None = None
    changes: Mapping[str, tuple[Any, Any]] = field_of(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Person:
    name: str
    national_id: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> _Person:
        name = f"{values.get('first_name', '')} {values.get('last_name', '')}"
        return cls(
            name=fold(name),
            national_id=fold(values.get("national_id", "")).replace(" ", ""),
        )

    def may_be(self, other: _Person) -> bool:
        if self.national_id and other.national_id:
            return self.national_id == other.national_id
        return not self.name or not other.name or self.name == other.name

    def likeness(self, other: _Person) -> tuple[bool, bool]:
        return (
            bool(self.national_id) and self.national_id == other.national_id,
            bool(self.name) and self.name == other.name,
        )


@dataclass(kw_only=True)
class Matcher:
    """It remembers, of the whole file, numbers and ids: not the rows."""

    mapped: Collection[str]
    update_existing: bool
    now: datetime
    by_phone: dict[str, int] = field_of(default_factory=dict)
    _by_id: dict[str, int] = field_of(default_factory=dict)
    _touched: dict[int, int] = field_of(default_factory=dict)
    _moved: set[int] = field_of(default_factory=set)
    # Rows told that their number is another's: that must stay true to the end.
    _strangers: defaultdict[str, list[tuple[int, _Person | None]]] = field_of(
        default_factory=lambda: defaultdict(list)
    )

    def tell(self, rows: Sequence[NumberedLead]) -> list[Verdict]:
        """Three or four statements for a batch: never one for a row."""
        phones = [row.phone for row in rows]
        suppressed = suppressed_among(phones, now=self.now)
        ids = {row.external_id for row in rows} - {""}
        leads = list(self._leads(phone_e164__in=phones))
        leads_by_id = list(self._leads(external_id__in=ids)) if ids else []
        there = _There(leads, leads_by_id)
        return [
            self._tell(row, there, is_suppressed=row.phone in suppressed)
            for row in rows
        ]

    @property
    def columns(self) -> list[str]:
        """What must be known of a lead to compare it with a row."""
        derived = (*PLACE, *CONSENT, *SOURCES, *IDENTITY, "postal_code", "province")
        return sorted({"id", "external_id", *derived, *self.mapped})

    def _leads(self, **where: Any) -> Iterator[dict[str, Any]]:
        rows = Lead.objects.filter(**where).order_by("id").values(*self.columns)
        yield from rows

    def _tell(
        self, row: NumberedLead, there: _There, *, is_suppressed: bool
    ) -> Verdict:
        if is_suppressed:
            return Verdict(row_class=RowClass.SUPPRESSED, why=EXCLUDED)
        if (before := self.by_phone.get(row.phone)) is not None:
            return _repeated(SAME_NUMBER, before)
        if row.external_id and (before := self._by_id.get(row.external_id)) is not None:
            return _repeated(SAME_ID, before, field="external_id")
        person = _Person.of(row.lead.values)
        found, others = self._find(row, person, there)
        if found is not None and (before := self._touched.get(found["id"])) is not None:
            return _repeated(SAME_LEAD, before, field="external_id")
        if found is None and others:
            self._strangers[row.phone].append((row.number, person))
            verdict = Verdict(row_class=RowClass.DUPLICATE, why=OF_ANOTHER)
        elif found is None:
            verdict = Verdict(row_class=RowClass.CREATED)
        else:
            verdict = self._changed(row, found, others=others)
        self._remember(row, found, verdict)
        return verdict

    def _find(
        self, row: NumberedLead, person: _Person, there: _There
    ) -> tuple[dict[str, Any] | None, bool]:
        """The row's lead, and whether the number is of any other."""
        at_number = [
            lead
            for lead in there.by_phone.get(row.phone, ())
            if lead["id"] not in self._moved
        ]
        named = there.by_id.get(row.external_id, ()) if row.external_id else ()
        if named:
            same = [lead for lead in named if lead["phone_e164"] == row.phone]
            found = (same or list(named))[0]
            return found, any(lead["id"] != found["id"] for lead in at_number)
        alike = [one for one in at_number if person.may_be(_Person.of(one))]
        if not alike:
            return None, bool(at_number)
        return max(alike, key=lambda one: person.likeness(_Person.of(one))), True

    def _changed(
        self, row: NumberedLead, lead: dict[str, Any], *, others: bool
    ) -> Verdict:
        changes = _changes(row.lead, lead, update_existing=self.update_existing)
        if not changes:
            return Verdict(row_class=RowClass.UNCHANGED, known=lead)
        left = lead["phone_e164"]
        moves = "phone_e164" in changes
        if moves and others:
            self._strangers[row.phone].append((row.number, None))
            return Verdict(row_class=RowClass.DUPLICATE, why=OF_ANOTHER)
        after = _Person.of(lead | {name: new for name, (_old, new) in changes.items()})
        for number, stranger in self._strangers.get(left, ()):
            if moves or (stranger is not None and stranger.may_be(after)):
                why = format_lazy(PROMISED, row=number)
                return Verdict(row_class=RowClass.DUPLICATE, why=why)
        if moves:
            self._moved.add(lead["id"])
        return Verdict(row_class=RowClass.UPDATED, known=lead, changes=changes)

    def _remember(
        self, row: NumberedLead, lead: Mapping[str, Any] | None, verdict: Verdict
    ) -> None:
        if row.external_id:
            self._by_id[row.external_id] = row.number
        if verdict.row_class == RowClass.DUPLICATE:
            return  # the person whose number it is may follow
        self.by_phone[row.phone] = row.number
        if lead is not None:
            self._touched[lead["id"]] = row.number


class _There:
    """Leads that are there already, by what a row can name them with."""

    def __init__(
        self, leads: Iterable[dict[str, Any]], leads_by_id: Iterable[dict[str, Any]]
    ) -> None:
        self.by_phone: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.by_id: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for lead in leads:
            self.by_phone[lead["phone_e164"]].append(lead)
        for lead in leads_by_id:
            self.by_id[lead["external_id"]].append(lead)


def _repeated(words: StrOrPromise, row: int, *, field: str = "phone") -> Verdict:
    why = format_lazy(words, row=row)
    return Verdict(row_class=RowClass.DUPLICATE, why=why, field=field, in_file=True)


def _changes(
    row: LeadRow, lead: Mapping[str, Any], *, update_existing: bool
) -> dict[str, tuple[Any, Any]]:
    """Columns that the row says otherwise. An empty cell says nothing, and nothing of
    the engine's is ever among them."""
    after: dict[str, Any] = {}
    if update_existing:
        for name in row.said.difference(CONSENT, row.left_out):
            after |= _said(name, row.values, lead)
    after |= _consent(row.values, lead, update_existing=update_existing)
    if any(name in after for name in PLACED_BY):
        after |= place_values({**lead, **after})
    return {name: (lead[name], new) for name, new in after.items() if lead[name] != new}


def _said(
    name: str, values: Mapping[str, Any], lead: Mapping[str, Any]
) -> dict[str, Any]:
    new = values.get(name)
    if new in (None, "") or (name in ONLY_FILLED and lead[name]):
        return {}
    for number in FOLLOWING.get(name, ()):
        # Another spelling of the same number is no news.
        if values.get(number) == lead[number]:
            return {}
        return {name: new, number: values.get(number, "")}
    return {name: new}


def _consent(
    values: Mapping[str, Any], lead: Mapping[str, Any], *, update_existing: bool
) -> dict[str, Any]:
    """A refusal counts whatever else was asked for, and no file takes it back."""
    says = values["consent"]
    if lead["consent"] in (Consent.REFUSED, says) or says == Consent.UNKNOWN:
        return {}
    if says == Consent.GIVEN and not update_existing:
        return {}
    return {"consent": says, "consent_source": values["consent_source"]}
