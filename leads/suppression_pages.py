"""Pages beside the list of numbers never to be called: files in, and the round trip
with the Lista Robinson."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from leads import exporting, robinson
from leads.csv_files import UnreadableFile
from leads.downloads import CSV, download
from leads.export_admin import ChosenLeads
from leads.import_report import Report
from leads.models import Export, Lead, ListAnswer, Suppression
from leads.robinson import AlreadyApplied
from leads.suppression_files import import_suppressions
from leads.suppression_forms import AnswerForm, ConsultForm, NumbersForm
from leads.wording import number

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest

    PagesBase = ModelAdmin[Suppression]
else:
    PagesBase = object

QUEUE = "selected=true"
PROBLEMS_SHOWN = 50


class SuppressionPages(PagesBase):
    def get_page_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name="leads_suppression_import"),
            path("consult/", wrap(self.consult_view), name="leads_suppression_consult"),
            path("answer/", wrap(self.answer_view), name="leads_suppression_answer"),
        ]

    # --- Numbers in ---

    def import_view(self, request: HttpRequest) -> HttpResponse:
        self._need(self.has_add_permission(request))
        form = NumbersForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            chosen = Suppression.List(form.cleaned_data["list"])
            try:
                report = import_suppressions(
                    form.cleaned_data["file"].file,
                    now=timezone.now(),
                    list=chosen,
                    expires_at=form.cleaned_data["expires_on"],
                    by=cast("User", request.user),
                )
            except UnreadableFile as exc:
                form.add_error("file", str(exc.reason))
            else:
                title = _("Números importados a «%s»") % chosen.label
                return self._report(request, report, title=title)
        title = _("Importar números a una lista de exclusión")
        return self._page(request, "import.html", form=form, title=title)

    # --- Robinson ---

    def consult_view(self, request: HttpRequest) -> HttpResponseBase:
        """The numbers of some leads, as a file to be sent to the list."""
        self._need(request.user.has_perm("leads.export_lead"))
        chosen = ChosenLeads(request.GET)
        queries = {"queue": QUEUE, "all": ""}
        if chosen.query:
            queries = {"filter": chosen.query} | queries
        form = ConsultForm(
            request.POST or None,
            scopes=_scopes(queries),
            initial={"scope": next(iter(queries))},
        )
        if request.method == "POST" and form.is_valid() and not chosen.problem:
            query = queries[form.cleaned_data["scope"]]
            return self._ask_list(request, query=query)
        answers = ListAnswer.objects.filter(list=Suppression.List.ROBINSON)
        last = answers.order_by("-answered_on", "-pk").first()
        old = robinson.unconfirmed(last, now=timezone.now()).count() if last else 0
        return self._page(
            request,
            "consult.html",
            form=form,
            title=_("Consultar la Lista Robinson"),
            problem=chosen.problem,
            last=last,
            unconfirmed=old,
        )

    def _ask_list(self, request: HttpRequest, *, query: str) -> HttpResponseBase:
        now, by = timezone.now(), cast("User", request.user)
        record = Export.objects.create(
            format=Export.Format.NUMBERS, filter_query=query, by=by, at=now
        )
        leads = ChosenLeads(QueryDict(query)).leads
        pieces = exporting.until_finished(
            _number_lines(leads, record=record), record=record
        )
        name = f"consulta-robinson-{record.pk}-{localtime(now):%Y%m%d}.csv"
        return download(request, pieces, name=name, content_type=CSV)

    def answer_view(self, request: HttpRequest) -> HttpResponse:
        """What the list answered, with the date on which it did."""
        self._need(self.has_add_permission(request))
        form = AnswerForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                applied = robinson.apply_answer(
                    data["file"].file,
                    name=data["file"].name,
                    export=data["export"],
                    answered_on=data["answered_on"],
                    by=cast("User", request.user),
                    now=timezone.now(),
                    all_found=data["all_found"],
                )
            except UnreadableFile as exc:
                form.add_error("file", str(exc.reason))
            except AlreadyApplied as exc:
                form.add_error("file", _already(exc.answer))
            else:
                title = _("Respuesta de la Lista Robinson importada")
                extra = {"answer": applied.answer, "kept": applied.kept}
                return self._report(request, applied.report, title=title, **extra)
        title = _("Importar la respuesta de la Lista Robinson")
        return self._page(request, "answer.html", form=form, title=title)

    # --- Of all three ---

    def _need(self, allowed: bool) -> None:
        if not allowed:
            raise PermissionDenied

    def _report(
        self, request: HttpRequest, report: Report, *, title: str, **extra: Any
    ) -> HttpResponse:
        problems = report.problems[:PROBLEMS_SHOWN]
        more = report.rejected - len(problems)
        shown = {"report": report, "problems": problems, "more": more}
        return self._page(request, "report.html", title=title, **shown, **extra)

    def _page(
        self, request: HttpRequest, template: str, **context: Any
    ) -> TemplateResponse:
        form = context.get("form")
        return TemplateResponse(
            request,
            f"admin/leads/suppression/{template}",
            self.admin_site.each_context(request) | {"opts": self.opts} | context,
            status=400 if form is not None and form.errors else 200,
        )


def _scopes(queries: dict[str, str]) -> list[tuple[str, str]]:
    names = {
        "filter": _("Los leads del filtro"),
        "queue": _("Los leads en cola"),
        "all": _("Todos los leads"),
    }
    return [
        (scope, f"{names[scope]} · {_how_many(ChosenLeads(QueryDict(query)).leads)}")
        for scope, query in queries.items()
    ]


def _how_many(leads: QuerySet[Lead]) -> str:
    numbers = robinson.spanish(leads).order_by().values("phone_e164").distinct()
    return _("%s números") % number(numbers.count())


def _number_lines(leads: QuerySet[Lead], *, record: Export) -> Generator[bytes]:
    yield f"{robinson.HEADER}\r\n".encode()
    rows = 0
    for phones in robinson.asked_numbers(leads):
        rows += len(phones)
        Export.objects.filter(pk=record.pk).update(rows=rows)
        yield "".join(f"{phone}\r\n" for phone in phones).encode()


def _already(answer: ListAnswer) -> str:
    words = _("Ese fichero ya se importó, con fecha %(day)s. No se ha cambiado nada.")
    return words % {"day": date_format(answer.answered_on, "d/m/Y")}
