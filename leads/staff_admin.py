"""What our pages of Django's admin have in common."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leads.phones import NotAPhone, normalise

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise

    Model = TypeVar("Model", bound=models.Model)
    ModelAdmin = admin.ModelAdmin[Any]
    BoundedBase = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    BoundedBase = Paginator

COUNTED_AT_MOST = 10_000
DELETED_AT_MOST = 1_000
PHONE_SIGNS = frozenset(" \t+.-–/()")
SHORTEST_SEARCH = 3
LONGEST_ID = 19


class BoundedPaginator(BoundedBase):
    """Counts no further than its pages go: counting a whole table takes longer."""

    @cached_property
    def count(self) -> int:
        return _count(self.object_list, at_most=COUNTED_AT_MOST + 1)

    @property
    def is_cut(self) -> bool:
        return self.count > COUNTED_AT_MOST


class StaffAdmin(ModelAdmin):
    """Large tables, written to by others while somebody reads the form."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    ordering = ("-id",)
    why_protected: StrOrPromise = gettext_lazy(
        "Tiene %(count)d registros que no se borran."
    )

    class Media:
        css = {"all": ["css/admin.css"]}

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Changed is what differs from what the person saw, not from the row now."""
        field = super().formfield_for_dbfield(
            db_field, request, **{"show_hidden_initial": True, **kwargs}
        )
        if field is not None and isinstance(field.widget, AdminSplitDateTime):
            _name_both_halves(field)
        return field

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Write only the columns that were changed in the form: `save()` would bring
        back what the dialer has written since."""
        if not change:
            obj.save()
            return
        changes = {name: getattr(obj, name) for name in form.changed_data}
        changes |= self.derived_columns(obj, form)
        if changes:
            self.model._default_manager.filter(pk=obj.pk).update(**changes)

    def derived_columns(self, obj: Any, form: Any) -> dict[str, Any]:
        """Columns that follow from those of the form, and are written with them."""
        return {}

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[Any, dict[str, int], set[str], list[str]]:
        if _count(objs, at_most=DELETED_AT_MOST + 1) > DELETED_AT_MOST:
            words = _("Son más de %d a la vez: bórrelos por partes.")
            return [], {}, set(), [words % DELETED_AT_MOST]
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        if protected:
            why = str(self.why_protected) % {"count": len(protected)}
            return found, counts, set(), [why]
        return found, counts, lacking, protected

    def report(
        self, request: HttpRequest, *, changed: int, total: int, why_not: str
    ) -> None:
        """Say how many rows an action really changed, and what became of the rest."""
        words = ngettext(
            "%(changed)s fila cambiada.", "%(changed)s filas cambiadas.", changed
        ) % {"changed": number(changed)}
        if changed < total:
            words += " " + _("%(rest)s sin cambio: %(why)s.") % {
                "rest": number(total - changed),
                "why": why_not,
            }
        level = messages.SUCCESS if changed else messages.WARNING
        self.message_user(request, words, level)


class ReadOnlyAdmin(StaffAdmin):
    """What the system wrote. People read it."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def phone_search(term: str, *fields: str) -> Q | None:
    """The rows whose number is, or contains, what was typed in whatever spelling.
    None: it is no number."""
    digits = "".join(char for char in term if char.isdecimal())
    signs = {char for char in term if not char.isdecimal()}
    if len(digits) < SHORTEST_SEARCH or not signs <= PHONE_SIGNS:
        return None
    try:
        exact = normalise(term)
    except NotAPhone:
        part = digits.removeprefix("00")
        lookups = {f"{field}__contains": part for field in fields}
    else:
        lookups = dict.fromkeys(fields, exact)
    return Q(**lookups, _connector=Q.OR)


def is_id(text: str) -> bool:
    """What a database takes for the id of a row; it need not be there."""
    return text.isascii() and text.isdigit() and len(text) < LONGEST_ID


def number(count: int) -> str:
    return f"{count:,}".replace(",", ".")


def short_moment(moment: datetime | None) -> str:
    return "" if moment is None else date_format(localtime(moment), "d/m/Y H:i")


def status_tag(value: str, label: StrOrPromise) -> str:
    """Dot and word; the dot's colour is in css/admin.css."""
    return format_html('<span class="status status--{}">{}</span>', value, label)


def _name_both_halves(field: forms.Field) -> None:
    """Each of the two boxes of a moment says what it is: their label is of neither."""
    for half, name in zip(field.widget.widgets, (_("Fecha"), _("Hora")), strict=True):
        half.attrs["aria-label"] = f"{field.label}: {name}"


def _count(rows: Any, *, at_most: int) -> int:
    if not isinstance(rows, models.QuerySet):
        return len(rows)
    return rows.order_by().values("pk")[:at_most].count()
