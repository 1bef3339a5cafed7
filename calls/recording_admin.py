"""Recordings in Django's admin, and who listened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import recordings
from calls.models import Listen, Recording
from leads.staff_admin import ReadOnlyAdmin, short_moment

if TYPE_CHECKING:
    from django.http import HttpRequest


def call_link(recording: Recording) -> str:
    where = reverse("admin:calls_callattempt_change", args=[recording.attempt_id])
    words = _("Llamada del %s") % short_moment(recording.called_at)
    return format_html('<a href="{}">{}</a>', where, words)


class RecordingAdmin(ReadOnlyAdmin):
    """A person deletes the file, never the row that says so."""

    list_display = ("called", "state", "reason", "file_size", "kept", "next_try")
    empty_list = gettext_lazy(
        "Aún no hay grabaciones. Se copian en cuanto Pearl da la de una llamada."
    )
    list_filter = ("state",)
    actions = ("delete_files", "copy_again")
    fields = (
        "call",
        ("state", "reason"),
        ("kept", "file_size", "content_type", "sha256"),
        ("tries", "next_try"),
    )
    readonly_fields = ("call", "file_size", "kept", "next_try")

    @admin.display(description=gettext_lazy("llamada"))
    def call(self, recording: Recording) -> str:
        return call_link(recording)

    @admin.display(description=gettext_lazy("llamada"), ordering="called_at")
    def called(self, recording: Recording) -> str:
        return short_moment(recording.called_at)

    @admin.display(description=gettext_lazy("guardada"), ordering="kept_at")
    def kept(self, recording: Recording) -> str:
        return short_moment(recording.kept_at)

    @admin.display(description=gettext_lazy("próximo intento"), ordering="next_try_at")
    def next_try(self, recording: Recording) -> str:
        return short_moment(recording.next_try_at)

    @admin.display(description=gettext_lazy("tamaño"), ordering="size")
    def file_size(self, recording: Recording) -> str:
        return "—" if recording.size is None else filesizeformat(recording.size)

    def has_delete_files_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.delete_recording"))

    def has_copy_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.change_recording"))

    @admin.action(
        description=gettext_lazy("Borrar la grabación"), permissions=["delete_files"]
    )
    def delete_files(self, request: HttpRequest, chosen: QuerySet[Recording]) -> None:
        rows = list(chosen)
        reason = _("La borró %s.") % request.user.get_username()
        gone = 0
        for recording in rows:
            if recordings.forget(recording, reason=reason):
                gone += 1
                self.log_change(request, recording, reason)
        why_not = _("no estaban guardadas")
        self.report(request, changed=gone, total=len(rows), why_not=why_not)

    @admin.action(
        description=gettext_lazy("Volver a intentar la copia"), permissions=["copy"]
    )
    def copy_again(self, request: HttpRequest, chosen: QuerySet[Recording]) -> None:
        ids = list(chosen.values_list("pk", flat=True))
        done = recordings.copy_again(ids=ids, now=timezone.now())
        why_not = _("no hace falta o ya no existen")
        self.report(request, changed=done, total=len(ids), why_not=why_not)


class ListenAdmin(ReadOnlyAdmin):
    list_display = ("username", "call", "since", "until")
    list_select_related = ("recording",)
    search_fields = ("=username",)
    search_help_text = gettext_lazy("Nombre de usuario.")
    fields = ("username", "call", ("since", "until"))
    readonly_fields = ("call", "since", "until")

    @admin.display(description=gettext_lazy("grabación"))
    def call(self, listen: Listen) -> str:
        return call_link(listen.recording)

    @admin.display(description=gettext_lazy("desde"), ordering="at")
    def since(self, listen: Listen) -> str:
        return short_moment(listen.at)

    @admin.display(description=gettext_lazy("hasta"), ordering="last_at")
    def until(self, listen: Listen) -> str:
        return short_moment(listen.last_at)
