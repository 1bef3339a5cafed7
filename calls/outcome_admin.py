"""The outcome table in Django's admin: its versions, and history read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import board, outcome_table, rereading
from calls.models import OutcomeTable, Rereading
from calls.outcome_forms import FLAGS, MEANING_LABELS, TableForm
from calls.outcome_table import Codes, Meaning, Table, TableChanged
from calls.outcome_words import codes_words, untranslated
from calls.states import Outcome
from leads.models import Disposition
from leads.staff_admin import ReadOnlyAdmin

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest

FOLDER = "admin/calls/outcometable"
VERSIONS_SHOWN = 50
MAY_CHANGE, MAY_REREAD = "calls.add_outcometable", "calls.add_rereading"


class OutcomeTableAdmin(ReadOnlyAdmin):
    """The list is the table in force; each version has a page that shows it."""

    def get_urls(self) -> list[URLPattern]:
        def view(where: str, name: str) -> URLPattern:
            handler = self.admin_site.admin_view(getattr(self, f"{name}_view"))
            found: URLPattern = path(where, handler, name=f"calls_outcometable_{name}")
            return found

        return [
            view("edit/", "edit"),
            view("reread/", "reread"),
            view("reread/step/", "step"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        table = outcome_table.current()
        return self._page(
            request,
            "table",
            title=_("Tabla de resultados"),
            shown=_as_shown(table, before=None),
            unknown=untranslated(table),
            versions=OutcomeTable.objects.select_related("made_by")
            .defer("codes", "meanings")
            .order_by("-pk")[:VERSIONS_SHOWN],
            may_change=request.user.has_perm(MAY_CHANGE),
            may_reread=request.user.has_perm(MAY_REREAD),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            return redirect("admin:calls_outcometable_changelist")
        older = OutcomeTable.objects.filter(pk__lt=row.pk).order_by("-pk").first()
        before = outcome_table.read(older) if older else None
        return self._page(
            request,
            "version",
            title=_("Versión %s de la tabla de resultados") % row.pk,
            row=row,
            shown=_as_shown(outcome_table.read(row), before=before),
        )

    # --- A new version ---

    def edit_view(self, request: HttpRequest) -> HttpResponse:
        _need(request, MAY_CHANGE)
        table = outcome_table.current()
        form = TableForm(
            request.POST or None, table=table, add=_codes_in(request.GET.get("add", ""))
        )
        if request.method == "POST":
            if form.data.get("seen") != str(table.version):
                return self._too_late(request)
            if form.is_valid():
                return self._publish(request, form)
        return self._page(
            request, "edit", title=_("Cambiar la tabla de resultados"), form=form
        )

    def _publish(self, request: HttpRequest, form: TableForm) -> HttpResponse:
        try:
            made = outcome_table.publish(
                form.made,
                seen=form.cleaned_data["seen"],
                by=cast("User", request.user),
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except TableChanged:
            return self._too_late(request)
        words = _("Guardada como versión %s: vale para lo que llegue desde ahora.")
        messages.success(request, words % made.version)
        return redirect("admin:calls_outcometable_changelist")

    def _too_late(self, request: HttpRequest) -> HttpResponse:
        words = _(
            "Alguien ha cambiado la tabla mientras tanto. No se ha guardado nada: esta "
            "es la suya."
        )
        messages.error(request, words)
        return redirect("admin:calls_outcometable_edit")

    # --- History ---

    def reread_view(self, request: HttpRequest) -> HttpResponse:
        _need(request, MAY_REREAD)
        now = timezone.now()
        if request.method == "POST":
            record = rereading.unfinished()
            if "count" in request.POST:
                rereading.begin(by=cast("User", request.user), now=now)
            elif record is not None and "do" in request.POST:
                rereading.do_it(record.pk)
            elif record is not None and "drop" in request.POST:
                rereading.drop(record.pk, now=now)
            return redirect("admin:calls_outcometable_reread")
        record = Rereading.objects.select_related("made_by").order_by("pk").last()
        title = _("Volver a leer el historial")
        return self._page(request, "reread", title=title, **_progress(record))

    def step_view(self, request: HttpRequest) -> HttpResponse:
        """One range more; with htmx, the part of the page that asks for the next."""
        _need(request, MAY_REREAD)
        if request.method != "POST":
            return redirect("admin:calls_outcometable_reread")
        record = get_object_or_404(Rereading, pk=request.POST.get("record") or 0)
        record = rereading.go_on(record.pk, now=timezone.now())
        if record.state == Rereading.State.DONE:
            for campaign in board.campaigns():
                board.forget(campaign.pk)
        if not request.headers.get("HX-Request"):
            return redirect("admin:calls_outcometable_reread")
        return render(request, f"{FOLDER}/_reread.html", _progress(record))

    def _page(
        self, request: HttpRequest, template: str, **context: Any
    ) -> TemplateResponse:
        form = context.get("form")
        return TemplateResponse(
            request,
            f"{FOLDER}/{template}.html",
            self.admin_site.each_context(request) | {"opts": self.opts} | context,
            status=400 if form is not None and form.errors else 200,
        )


def _need(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _codes_in(text: str) -> Codes | None:
    """Of the address: "4-160"."""
    parts = text.split("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    return (numbers[0], numbers[1] if len(numbers) > 1 else None)


# --- What the templates take --------------------------------------------------------


def _as_shown(table: Table, *, before: Table | None) -> dict[str, Any]:
    """Its rows in words; `was` where the version before said otherwise."""
    codes = [
        {
            "words": codes_words(codes),
            "outcome": outcome,
            "was": _was_code(codes, outcome, before),
        }
        for codes, outcome in table.codes.items()
    ]
    meanings = []
    for outcome in Outcome:
        if outcome == Outcome.NONE:
            continue
        meaning = table.meaning(outcome)
        meanings.append(
            {
                "outcome": outcome,
                "status": table.status_of(outcome),
                "disposition": _disposition(meaning),
                "flags": [
                    (MEANING_LABELS[name], getattr(meaning, name)) for name in FLAGS
                ],
                "is_fixed": outcome == Outcome.BLACKLISTED,
                "is_new": before is not None and before.meaning(outcome) != meaning,
                "was": _was_meaning(outcome, meaning, before),
            }
        )
    return {"version": table.version, "codes": codes, "meanings": meanings}


def _was_code(codes: Codes, outcome: Outcome, before: Table | None) -> str:
    if before is None or before.codes.get(codes) == outcome:
        return ""
    old = before.codes.get(codes)
    return str(old.label) if old else _("sin fila")


def _was_meaning(outcome: Outcome, meaning: Meaning, before: Table | None) -> str:
    if before is None or before.meaning(outcome) == meaning:
        return ""
    old = before.meaning(outcome)
    told = [str(before.status_of(outcome).label), _disposition(old)]
    told += [str(MEANING_LABELS[name]) for name in FLAGS if getattr(old, name)]
    return ", ".join(filter(None, told))


def _disposition(meaning: Meaning) -> str:
    return str(Disposition(meaning.disposition).label) if meaning.disposition else ""


def _progress(record: Rereading | None) -> dict[str, Any]:
    if record is None:
        return {"record": None}
    is_counted = record.state == Rereading.State.COUNTED
    told = record.counted if is_counted else record.done
    rows = []
    for name, count in sorted(told.items(), key=lambda one: -one[1]):
        before, after = (Outcome(part).label for part in name.split(">"))
        rows.append({"before": before, "after": after, "count": count})
    whole = max(record.up_to_id, 1)
    return {
        "record": record,
        "rows": rows,
        "total": sum(told.values()),
        "percent": min(100, round(100 * record.last_id / whole)),
        "moves": record.state in (Rereading.State.COUNTING, Rereading.State.DOING),
        "step_url": reverse("admin:calls_outcometable_step"),
    }
