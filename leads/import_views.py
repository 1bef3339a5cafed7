"""The pages of one import: file, columns, review, progress, result, undo.

An import has one address, which shows the state it is in: reloading, going back or a
second tab show what is true now, and what was already done is not done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads import import_files, import_words, importing
from leads.csv_files import UnreadableFile
from leads.import_forms import ColumnsForm, UploadForm
from leads.importing import ImportChanged
from leads.models import ImportSource, Lead, LeadEvent, LeadImport
from leads.staff_admin import is_id
from leads.wording import number

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from leads.import_admin import LeadImportAdmin
    from leads.import_background import Step

State = LeadImport.State
OPEN = (State.UPLOADED, State.READ)
# Two uploads of one file by one person, so close, are one press of a button.
ONE_PRESS = timedelta(minutes=1)


def upload(admin: LeadImportAdmin, request: HttpRequest) -> HttpResponse:
    _refuse_without_permission(admin, request)
    is_sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
    if is_sent and form.is_valid():
        try:
            record = _store(request, form)
        except UnreadableFile as exc:
            form.add_error("file", str(exc.reason))
        else:
            return _to(record)
    context = {"form": form, "sources": ImportSource.objects.order_by("name")}
    return _page(admin, request, "upload", context, title=_("Importar leads"))


def example(admin: LeadImportAdmin, request: HttpRequest) -> HttpResponseBase:
    """A file that can be imported as it is, to see how one looks."""
    _refuse_without_permission(admin, request)
    return _csv(iter(import_words.example_csv()), name=_("ejemplo-leads.csv"))


def show(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> HttpResponse:
    """The import as it is now."""
    record = _record(admin, request, pk)
    if request.method == "POST":
        return _to(record)
    if now := importing.progress_of(record):
        is_commit = record.state in (State.READ, State.RUNNING)
        context = {"progress": import_words.progress(now), "is_commit": is_commit}
        return _page(admin, request, "progress", context, record=record)
    record.refresh_from_db()  # a process may just have ended
    if record.state == State.UPLOADED:
        return columns(admin, request, pk)
    if record.state == State.READ:
        return _preview(admin, request, record)
    if record.state == State.FAILED:
        return _failed(admin, request, record, record.error)
    return _result(admin, request, record)


def columns(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> HttpResponse:
    """What each column of the file is; then the file is read, and nothing written."""
    record = _record(admin, request, pk)
    if importing.progress_of(record) or record.state not in OPEN:
        return _to(record)
    if not admin.has_add_permission(request):
        return _page(admin, request, "waiting", record=record)
    try:
        sheet = importing.look(record)
    except UnreadableFile as exc:
        return _failed(admin, request, record, str(exc.reason))
    is_sent = request.method == "POST"
    data = request.POST if is_sent else None
    form = ColumnsForm(data, sheet=sheet, record=record)
    if is_sent and form.is_valid():
        return _read(request, record, form)
    context = {
        "form": form,
        "sheet": sheet,
        "remembered": sheet.remembered and not record.mapping,
        # Its columns were said, it is not read, and nobody is at it.
        "was_interrupted": record.state == State.UPLOADED and bool(record.mapping),
    }
    return _page(admin, request, "columns", context, record=record)


def progress(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> HttpResponse:
    """How far it is, for the page that shows it."""
    record = _record(admin, request, pk)
    now = importing.progress_of(record)
    if now is None:
        return JsonResponse({"finished": True})
    return JsonResponse({"finished": False, **import_words.progress(now)})


def commit(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> HttpResponse:
    """Import what the review showed, once; if another tab changed it since, nothing."""
    _refuse_without_permission(admin, request)
    record = _record(admin, request, pk)
    if (
        request.method != "POST"
        or importing.progress_of(record)
        or record.state != State.READ
    ):
        return _to(record)
    if request.POST.get("seen") != review_mark(record):
        words = _(
            "La revisión ha cambiado desde que se abrió esta página, y no se ha "
            "importado nada. Compruebe los números de ahora y confirme."
        )
        messages.warning(request, words)
        return _to(record)
    _start(request, record, step="commit")
    return _to(record)


def discard(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> HttpResponse:
    _refuse_without_permission(admin, request)
    record = _record(admin, request, pk)
    if request.method != "POST" or importing.progress_of(record):
        return _to(record)
    try:
        importing.discard(record)
    except ImportChanged as exc:
        messages.warning(request, str(exc.reason))
        return _to(record)
    words = _("«%s» se ha descartado con su fichero. No se ha importado nada.")
    messages.success(request, words % record.name)
    return redirect("admin:leads_leadimport_changelist")


def undo(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> HttpResponse:
    """Asks first, with the numbers; or says why it cannot be."""
    _refuse_without_permission(admin, request)
    record = _record(admin, request, pk)
    if record.state != State.DONE:
        return _to(record)
    if request.method == "POST":
        return _undo(request, record)
    events = LeadEvent.objects.filter(lead_import=record, kind=LeadEvent.Kind.IMPORTED)
    context = {
        "why_not": importing.why_not_undo(record),
        "to_delete": Lead.objects.filter(lead_import=record).count(),
        "to_restore": events.count(),
    }
    return _page(admin, request, "undo", context, record=record)


def rejected(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> HttpResponseBase:
    """The rows that make no lead, as they came and with the reason beside each."""
    _refuse_without_permission(admin, request)
    record = _record(admin, request, pk)
    if not has_rejected_file(record):
        messages.warning(
            request,
            _(
                "Las filas rechazadas ya no se guardan: búsquelas en el fichero por "
                "su número."
            ),
        )
        return _to(record)
    name = _("%s-rechazadas.csv") % PurePath(record.name).stem
    return _csv(importing.rejected_rows_csv(record), name=name)


def has_rejected_file(record: LeadImport) -> bool:
    """They are people's data too: after a while the file is deleted."""
    kept = import_files.path_of(record.stored_as, import_files.REJECTED)
    return bool(record.details.get("rejected_file")) and kept.exists()


def review_mark(record: LeadImport) -> str:
    """What the review showed, in short: who confirms, confirms that and no more."""
    shown = [
        [record.rows, *(one["count"] for one in import_words.classes(record))],
        record.mapping,
        record.consent_source,
        record.update_existing,
    ]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]


def _store(request: HttpRequest, form: UploadForm) -> LeadImport:
    """Raises UnreadableFile: what is no table is told at the field, and not kept."""
    file, by, now = form.cleaned_data["file"], _person(request), timezone.now()
    record = importing.store(file, name=file.name, by=by, now=now)
    try:
        importing.look(record)
    except UnreadableFile:
        importing.discard(record)
        raise
    said = {
        "source": form.import_source(),
        "consent_source": form.cleaned_data["consent_source"].strip(),
    }
    LeadImport.objects.filter(pk=record.pk).update(**said)
    same = LeadImport.objects.filter(
        sha256=record.sha256,
        created_by=by,
        state=State.UPLOADED,
        created_at__gt=now - ONE_PRESS,
        pk__lt=record.pk,
        **said,
    )
    if first := same.order_by("pk").first():
        importing.discard(record)
        return first
    return record


def _read(request: HttpRequest, record: LeadImport, form: ColumnsForm) -> HttpResponse:
    """The review that there was is none of these columns: it is as if just uploaded."""
    rows = LeadImport.objects.filter(pk=record.pk, state__in=OPEN)
    changed = rows.update(
        state=State.UPLOADED,
        error="",
        mapping=form.mapping(),
        consent_source=form.cleaned_data["consent_source"].strip(),
        update_existing=form.cleaned_data["update_existing"],
    )
    if changed:
        _start(request, record, step="read")
    return _to(record)


def _start(request: HttpRequest, record: LeadImport, *, step: Step) -> None:
    """After the record is written: the process reads it."""

    def start() -> None:
        try:
            importing.start_in_background(record.pk, step=step, by_id=request.user.pk)
        except ImportChanged as exc:  # another press came first
            messages.info(request, str(exc.reason))

    transaction.on_commit(start)


def _undo(request: HttpRequest, record: LeadImport) -> HttpResponse:
    try:
        changed = importing.undo(record, by=_person(request), now=timezone.now())
    except ImportChanged as exc:
        messages.error(request, str(exc.reason))
        return _to(record)
    words = ngettext(
        "Importación deshecha: %s lead vuelve a como estaba antes.",
        "Importación deshecha: %s leads vuelven a como estaban antes.",
        changed,
    )
    messages.success(request, words % number(changed))
    return _to(record)


def _preview(
    admin: LeadImportAdmin, request: HttpRequest, record: LeadImport
) -> HttpResponse:
    context = _outcome(record) | {"seen": review_mark(record)}
    return _page(admin, request, "preview", context, record=record)


def _result(
    admin: LeadImportAdmin, request: HttpRequest, record: LeadImport
) -> HttpResponse:
    leads = reverse("admin:leads_lead_changelist")
    context = _outcome(record) | {
        "leads_url": f"{leads}?lead_import={record.pk}",
        "may_see_leads": request.user.has_perm("leads.view_lead"),
    }
    return _page(admin, request, "result", context, record=record)


def _failed(
    admin: LeadImportAdmin, request: HttpRequest, record: LeadImport, why: str
) -> HttpResponse:
    return _page(admin, request, "failed", {"why": why}, record=record)


def _outcome(record: LeadImport) -> dict[str, Any]:
    """What preview and result both say of the rows."""
    return {
        "classes": import_words.classes(record),
        "warnings": import_words.warnings(record),
        "problems": record.problems[: import_words.PROBLEMS_SHOWN],
        "problems_left": max(len(record.problems) - import_words.PROBLEMS_SHOWN, 0),
        "rejected_file": has_rejected_file(record),
        "changes": record.created + record.updated,
    }


def _page(
    admin: LeadImportAdmin,
    request: HttpRequest,
    name: str,
    context: Mapping[str, Any] = MappingProxyType({}),
    *,
    record: LeadImport | None = None,
    title: str = "",
) -> HttpResponse:
    everywhere = admin.admin_site.each_context(request) | {
        "opts": admin.opts,
        "title": title or (record and record.name),
        "record": record,
        "may_import": admin.has_add_permission(request),
    }
    template = f"admin/leads/leadimport/{name}.html"
    return TemplateResponse(request, template, {**everywhere, **context})


def _record(admin: LeadImportAdmin, request: HttpRequest, pk: str) -> LeadImport:
    if not admin.has_view_permission(request):
        raise PermissionDenied
    rows = LeadImport.objects.select_related("source", "created_by", "undone_by")
    if not is_id(str(pk)):
        raise Http404
    return get_object_or_404(rows, pk=pk)


def _refuse_without_permission(admin: LeadImportAdmin, request: HttpRequest) -> None:
    if not admin.has_add_permission(request):
        raise PermissionDenied


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)  # the admin lets nobody else in


def _to(record: LeadImport) -> HttpResponse:
    return redirect("admin:leads_leadimport_change", record.pk)


def _csv(lines: Iterable[str], *, name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    header = content_disposition_header(as_attachment=True, filename=name)
    answer["Content-Disposition"] = header or "attachment"
    return answer
