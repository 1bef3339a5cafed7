"""What was done to many leads at once, in Django's admin: to be read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from leads.models import BulkChange
from leads.staff_admin import ReadOnlyAdmin, short_moment
from leads.wording import number


@admin.register(BulkChange)
class BulkChangeAdmin(ReadOnlyAdmin):
    list_display = ("moment", "verb", "how_many", "by", "undone")
    list_display_links = None
    list_filter = ("verb",)
    list_select_related = ("by", "undone_by")

    @admin.display(description=gettext_lazy("fecha"), ordering="at")
    def moment(self, change: BulkChange) -> str:
        return short_moment(change.at)

    @admin.display(description=gettext_lazy("leads cambiados"), ordering="changed")
    def how_many(self, change: BulkChange) -> str:
        return number(change.changed)

    @admin.display(description=gettext_lazy("deshecho"), ordering="undone_at")
    def undone(self, change: BulkChange) -> str:
        if change.undone_at is None:
            return ""
        return format_html("{} · {}", short_moment(change.undone_at), change.undone_by)
