"""Taking leads out, in Django's admin: the question before it, and what was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leads import exporting
from leads.downloads import CSV, XLSX, download, pieces_of
from leads.exporting import Cell, Sheet
from leads.filters import LeadFilter
from leads.models import Export, Lead
from leads.staff_admin import ReadOnlyAdmin, StaffAdmin, is_id, short_moment, status_tag
from leads.wording import number

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest

IDS = "ids"
MOST_IDS = 1_000
# Excel wants the whole workbook first: from here on it takes minutes.
SLOW_XLSX_ROWS = 200_000


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        label=gettext_lazy("Formato"),
        choices=[
            (Export.Format.XLSX.value, gettext_lazy("Excel (.xlsx)")),
            (Export.Format.CSV.value, gettext_lazy("CSV")),
        ],
        widget=forms.RadioSelect,
    )


class ChosenLeads:
    """The leads that a query names: a filter of the list, or ids of a page of it."""

    def __init__(self, query: QueryDict) -> None:
        self.ids = [i for i in query.get(IDS, "").split(",") if i]
        self.filter = LeadFilter(query, queryset=Lead.objects.all())
        self.problem = ""
        if self.ids:
            known = all(is_id(one) for one in self.ids)
            if not known or len(self.ids) > MOST_IDS:
                self.problem = _("No se entiende qué leads se han marcado.")
        elif not self.filter.is_valid():
            # A filter that is not understood must not mean everybody.
            self.problem = _("El filtro no se entiende: vuelva a la lista y corríjalo.")

    @property
    def leads(self) -> QuerySet[Lead]:
        if self.problem:
            return Lead.objects.none()
        if self.ids:
            return Lead.objects.filter(pk__in=[int(one) for one in self.ids])
        found: QuerySet[Lead] = self.filter.qs
        return found

    @property
    def query(self) -> str:
        """As it is kept in the record: what chose, and nothing else of the address."""
        kept = QueryDict(mutable=True)
        if self.ids:
            kept[IDS] = ",".join(self.ids)
        elif self.filter.data:
            for name in self.filter.active():
                kept.setlist(name, self.filter.data.getlist(name))
        return kept.urlencode()

    @property
    def list_query(self) -> str:
        """Of the list that shows them."""
        return "" if self.ids or self.problem else self.query

    @property
    def words(self) -> list[tuple[str, str]]:
        """The filter, for people: label and value."""
        if self.ids or self.problem or not self.filter.data:
            return []
        return [
            (str(self.filter.filters[name].label), self._value(name))
            for name in self.filter.active()
        ]

    def _value(self, name: str) -> str:
        choices = dict(getattr(self.filter.form.fields[name], "choices", ()))
        values = self.filter.data.getlist(name)
        return ", ".join(str(choices.get(value, value)) for value in values)


class LeadExportPages(StaffAdmin):
    """Adds `admin:leads_lead_export` to the leads' admin; subclasses know results."""

    result_headers: Sequence[str] = ()

    def call_results(self, leads: Sequence[Lead]) -> Mapping[int, Sequence[Cell]]:
        return {}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="leads_lead_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.has_perm("leads.export_lead"):
            raise PermissionDenied
        chosen = ChosenLeads(request.GET)
        form = ExportForm(request.POST or None, initial={"format": "xlsx"})
        total = chosen.leads.count()
        if request.method == "POST" and form.is_valid() and total:
            wanted = form.cleaned_data["format"]
            if wanted != Export.Format.XLSX or total <= exporting.XLSX_ROWS:
                return self._send_file(request, chosen, wanted=wanted)
            form.add_error("format", str(exporting.TooManyRows.reason))
        return self._ask_format(request, chosen, form=form, total=total)

    def _send_file(
        self, request: HttpRequest, chosen: ChosenLeads, *, wanted: str
    ) -> HttpResponseBase:
        now, by = timezone.now(), cast("User", request.user)
        record = Export.objects.create(
            format=wanted, filter_query=chosen.query, by=by, at=now
        )
        sheet = Sheet(
            leads=chosen.leads,
            result_headers=self.result_headers,
            results=self.call_results,
        )
        name = f"leads-{localtime(now):%Y%m%d-%H%M}.{wanted}"
        if wanted == Export.Format.CSV:
            pieces = exporting.csv_lines(sheet, record=record)
            pieces = exporting.until_finished(pieces, record=record)
            return download(request, pieces, name=name, content_type=CSV)
        file = exporting.xlsx_file(sheet, record=record)
        size = file.seek(0, 2)
        file.seek(0)
        pieces = exporting.until_finished(pieces_of(file), record=record)
        return download(request, pieces, name=name, content_type=XLSX, size=size)

    def _ask_format(
        self, request: HttpRequest, chosen: ChosenLeads, *, form: Any, total: int
    ) -> HttpResponse:
        shown = ngettext("Exportar %s lead", "Exportar %s leads", total) % number(total)
        if not total:
            shown = _("Exportar leads")
        context = self.admin_site.each_context(request) | {
            "title": shown,
            "opts": self.opts,
            "form": form,
            "chosen": chosen,
            "total": total,
            "is_slow": total > SLOW_XLSX_ROWS,
            "columns": [*exporting.LEAD_COLUMNS],
            "results": [*exporting.STATE_COLUMNS, *self.result_headers],
        }
        status = 400 if chosen.problem or form.errors else 200
        page = "admin/leads/export/export.html"
        return TemplateResponse(request, page, context, status=status)


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("when", "by", "format", "how_many", "what", "state")
    list_display_links = ("when",)
    list_select_related = ("by",)
    list_filter = ("format", "at")
    fields = ("when", "by", "format", "how_many", "what", "filter_query", "state")
    readonly_fields = fields

    class Media:
        css = {"all": ["css/suppressions.css"]}

    @admin.display(description=gettext_lazy("fecha"), ordering="at")
    def when(self, record: Export) -> str:
        return short_moment(record.at)

    @admin.display(description=gettext_lazy("filas"), ordering="rows")
    def how_many(self, record: Export) -> str:
        return number(record.rows)

    @admin.display(description=gettext_lazy("qué"))
    def what(self, record: Export) -> str:
        chosen = ChosenLeads(QueryDict(record.filter_query))
        if chosen.ids:
            count = len(chosen.ids)
            words = ngettext("%d lead marcado", "%d leads marcados", count)
            return words % count
        words = "; ".join(f"{label}: {value}" for label, value in chosen.words)
        if not record.filter_query:
            return _("Todos los leads")
        return words or record.filter_query

    @admin.display(description=gettext_lazy("estado"), ordering="finished_at")
    def state(self, record: Export) -> str:
        if record.finished_at is None:
            return status_tag("export-cut", _("Sin terminar"))
        return status_tag("export-done", _("Terminada"))
