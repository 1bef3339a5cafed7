"""Imports of leads, in Django's admin: the list, and the addresses of their pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.urls.resolvers import URLPattern
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import import_views, import_words, importing
from leads.models import LeadImport
from leads.staff_admin import ReadOnlyAdmin, short_moment, status_tag
from leads.wording import number

State = LeadImport.State
COUNTED = (State.DONE, State.UNDONE)


def count_of(column: str) -> Callable[[Any, LeadImport], str]:
    """A column of the list; what was not imported has no numbers, only a review."""

    name = getattr(LeadImport._meta.get_field(column), "verbose_name", column)

    @admin.display(description=name, ordering=column)
    def show(_self: Any, record: LeadImport) -> str:
        return number(getattr(record, column)) if record.state in COUNTED else "—"

    return show


@admin.register(LeadImport)
class LeadImportAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "how",
        "when",
        "who",
        "source",
        "told",
        "count_created",
        "count_updated",
        "count_unchanged",
        "count_duplicates",
        "count_suppressed",
        "count_rejected",
    )
    list_select_related = ("created_by", "source")
    search_fields = ("name", "source__name")
    search_help_text = gettext_lazy("Nombre del fichero o procedencia.")

    count_created = count_of("created")
    count_updated = count_of("updated")
    count_unchanged = count_of("unchanged")
    count_duplicates = count_of("duplicates")
    count_suppressed = count_of("suppressed")
    count_rejected = count_of("rejected")

    class Media:
        css = {"all": ["css/admin.css", "css/imports.css"]}

    # --- The list ---

    @admin.display(description=gettext_lazy("fecha"), ordering="created_at")
    def when(self, record: LeadImport) -> str:
        return short_moment(record.created_at)

    @admin.display(description=gettext_lazy("quién"), ordering="created_by__username")
    def who(self, record: LeadImport) -> str:
        by = record.created_by
        return (by.get_full_name() or by.get_username()) if by else ""

    @admin.display(description=gettext_lazy("estado"), ordering="state")
    def how(self, record: LeadImport) -> str:
        if record.state == State.RUNNING:
            importing.progress_of(record)  # without its process, it turns FAILED
        return status_tag(f"import-{record.state}", record.get_state_display())

    @admin.display(description=gettext_lazy("filas"))
    def told(self, record: LeadImport) -> str:
        """The numbers in a line: a phone shows it instead of six columns."""
        if record.state not in COUNTED:
            return _("Nada importado")
        counts = import_words.classes(record)
        return " · ".join(
            f"{number(one['count'])} {one['label']}" for one in counts if one["count"]
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    # --- The pages ---

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Importing shows what is imported: it takes both permissions."""
        return request.user.has_perms(["leads.import_lead", "leads.view_leadimport"])

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return import_views.upload(self, request)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return import_views.show(self, request, object_id)

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "columns": import_views.columns,
            "progress": import_views.progress,
            "commit": import_views.commit,
            "discard": import_views.discard,
            "undo": import_views.undo,
            "rejected": import_views.rejected,
        }
        ours = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(view, self)),
                name=f"leads_leadimport_{name}",
            )
            for name, view in pages.items()
        ]
        example = path(
            "example/",
            self.admin_site.admin_view(partial(import_views.example, self)),
            name="leads_leadimport_example",
        )
        return [example, *ours, *super().get_urls()]
