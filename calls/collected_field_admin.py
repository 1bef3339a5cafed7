"""The table that says how what calls collect is read, in Django's admin."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.db.models import Field
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import collected, collected_fields
from calls.collected import Progress
from calls.collected_field_forms import CollectedFieldForm
from calls.models import CollectedField, CollectedFieldChange
from calls.timeline import person
from leads.locks import is_lock
from leads.staff_admin import StaffAdmin, is_id, short_moment

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

# As long as one request of a reading of all calls works, some calls at a time.
SECONDS = 1.0
AT_ONCE = 500
HISTORY_SHOWN = 20


class CollectedFieldAdmin(StaffAdmin):
    """A field is taken out of use, never deleted: its values name it."""

    form = CollectedFieldForm
    list_display = ("label", "variables", "kind", "meaning", "order", "active")
    ordering = ("order", "id")  # type: ignore[assignment]
    change_list_template = "admin/calls/collectedfield/change_list.html"

    class Media:
        css = {"all": ["css/collected.css"]}

    def get_fieldsets(
        self, request: HttpRequest, obj: CollectedField | None = None
    ) -> Any:
        what = ("label", "names", "kind", "formats", "choices", "ahead", "meaning")
        shown: list[Any] = [*what, ("order", "active")]
        if obj is None:
            return [(None, {"fields": shown})]
        if self.has_change_permission(request, obj):
            shown.append("seen")
        history = (_("Historial"), {"fields": ("versions",)})
        return [(None, {"fields": shown}), history]

    def get_readonly_fields(
        self, request: HttpRequest, obj: CollectedField | None = None
    ) -> tuple[str, ...]:
        return ("versions",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("variables de Pearl"))
    def variables(self, field: CollectedField) -> str:
        return ", ".join(field.names)

    @admin.display(description=gettext_lazy("versiones"))
    def versions(self, field: CollectedField) -> str:
        changes = field.changes.select_related("by").order_by("-version")
        lines = ((_version_words(one),) for one in changes[:HISTORY_SHOWN])
        items = format_html_join("", "<li>{}</li>", lines)
        return format_html('<ul class="versions">{}</ul>', items)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        by, now = cast("User", request.user), timezone.now()
        if not change:
            collected_fields.add(obj, by=by, now=now)
        elif not collected_fields.change(obj.pk, form.changes(), by=by, now=now):
            return
        words = _("Lo recogido antes sigue como se leyó. Puede {}.")
        where = reverse("admin:calls_collectedfield_read_again")
        link = format_html('<a href="{}">{}</a>', where, _("volver a leerlo"))
        self.message_user(request, format_html(words, link), messages.INFO)

    # --- Reading all again ---

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "read-again/",
            self.admin_site.admin_view(self.read_again_view),
            name="calls_collectedfield_read_again",
        )
        return [page, *super().get_urls()]

    def read_again_view(self, request: HttpRequest) -> HttpResponse:
        """Each POST reads some more calls; with htmx, the answer asks for the next."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        progress = None
        if request.method == "POST":
            progress = _read_on(
                after=_number(request.POST.get("after")),
                until=_number(request.POST.get("until")) or collected.newest_call(),
                changed=_number(request.POST.get("changed")),
            )
        context: dict[str, Any] = {"progress": progress}
        if request.headers.get("HX-Request"):
            return render(
                request, "admin/calls/collectedfield/_read_again.html", context
            )
        context |= self.admin_site.each_context(request)
        context |= {"opts": self.opts, "title": _("Volver a leer lo ya recogido")}
        page = "admin/calls/collectedfield/read_again.html"
        return TemplateResponse(request, page, context)


def _read_on(*, after: int, until: int, changed: int) -> Progress:
    started = time.monotonic()
    while True:
        now = timezone.now()
        try:
            step = collected.read_again(
                after=after, until=until, now=now, at_most=AT_ONCE
            )
        except OperationalError as exc:
            if not is_lock(exc):
                raise
        else:
            after, changed = step.after, changed + step.changed
        progress = Progress(after=after, until=until, changed=changed)
        if progress.is_over or time.monotonic() - started >= SECONDS:
            return progress


def _number(text: str | None) -> int:
    return int(text) if text and is_id(text) else 0


def _version_words(change: CollectedFieldChange) -> str:
    who = person(change.by) or _("la instalación")
    head = f"{change.version} · {short_moment(change.at)} · {who}"
    if not change.before:
        return head
    told = [
        f"{_label(name)}: {_words(change.before[name])} → {_words(value)}"
        for name, value in change.after.items()
        if change.before.get(name) != value
    ]
    return f"{head} · {'; '.join(told)}"


def _label(name: str) -> StrOrPromise:
    column = CollectedField._meta.get_field(name)
    return column.verbose_name if isinstance(column, Field) else name


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return _("sí") if value else _("no")
    if isinstance(value, list):
        parts = (
            f"{one['label']} ({', '.join(one['words'])})"
            if isinstance(one, dict)
            else str(one)
            for one in value
        )
        return ", ".join(parts) or "—"
    return "—" if value in (None, "") else str(value)
