"""A lead's page in Django's admin: its timeline, and what is done to one lead there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import alarms, board, lead_acts, lead_side, merging
from calls.lead_forms import CallNowForm, DispositionForm, NoteForm, PromiseForm
from leads import promises
from leads.admin import LeadAdmin
from leads.models import Disposition, Lead
from leads.notes import add_note

if TYPE_CHECKING:
    from django import forms
    from django.urls import URLPattern

View = TypeVar("View", bound=Callable[..., HttpResponse])
SIDE = "admin/leads/lead/_side.html"


def for_those_who(permission: str, *, method: str = "POST") -> Callable[[View], View]:
    """One lead, by those who may, in one way: what every view here begins with."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(
            page: LeadPageAdmin, request: HttpRequest, lead_id: int, **named: Any
        ) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            if method == "POST" and request.method != "POST":
                return redirect(_page_of(lead_id))
            return view(page, request, get_object_or_404(Lead, pk=lead_id), **named)

        return checked  # type: ignore[return-value]

    return decorate


class LeadPageAdmin(LeadAdmin):
    """Each form beside the data has a URL. With htmx it answers with that side of the
    page; without, with a redirect to the page and a message."""

    change_form_template = "admin/leads/lead/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        def view(where: str, name: str) -> URLPattern:
            handler = self.admin_site.admin_view(getattr(self, f"{name}_view"))
            found: URLPattern = path(
                f"<int:lead_id>/{where}", handler, name=f"leads_lead_{name}"
            )
            return found

        return [
            view("note/", "note"),
            view("call-now/", "call_now"),
            view("callback/", "promise"),
            view("callback/drop/", "drop_promise"),
            view("disposition/", "dispose"),
            view("timeline/", "timeline"),
            view("merge/<int:other_id>/", "merge"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **named: Any
    ) -> HttpResponse:
        lead = named.get("obj")
        if lead is not None:
            context |= self._side(request, lead, before=request.GET.get("before", ""))
        return super().render_change_form(request, context, *args, **named)

    # --- What is done to one lead ---

    @for_those_who("leads.change_lead")
    def note_view(self, request: HttpRequest, lead: Lead) -> HttpResponse:
        form = NoteForm(request.POST, auto_id="note_%s")
        if not form.is_valid():
            return self._answer(request, lead, note_form=form)
        text = form.cleaned_data["text"]
        add_note(lead.pk, text=text, by=_who(request), now=timezone.now())
        return self._answer(request, lead, said=_("Nota guardada."))

    @for_those_who("leads.select_lead")
    def call_now_view(self, request: HttpRequest, lead: Lead) -> HttpResponse:
        now = timezone.now()
        campaigns = board.campaigns()
        form = CallNowForm(
            request.POST, lead=lead, campaigns=campaigns, auto_id="now_%s"
        )
        if not form.is_valid():
            return self._answer(request, lead, call_now_form=form)
        done = lead_acts.call_now(
            lead, form, campaigns=campaigns, by=_who(request), now=now
        )
        return self._answer(request, lead, said=done.said, refused=done.refused)

    @for_those_who("leads.select_lead")
    def promise_view(self, request: HttpRequest, lead: Lead) -> HttpResponse:
        form = PromiseForm(
            request.POST,
            lead=lead,
            campaigns=board.campaigns(),
            now=timezone.now(),
            auto_id="promise_%s",
        )
        if not form.is_valid():
            return self._answer(request, lead, promise_form=form)
        return self._promise(request, lead, form)

    @for_those_who("leads.select_lead")
    def drop_promise_view(self, request: HttpRequest, lead: Lead) -> HttpResponse:
        done = lead_acts.drop_promise(lead, by=_who(request), now=timezone.now())
        return self._answer(request, lead, said=done.said, refused=done.refused)

    @for_those_who("leads.change_lead")
    def dispose_view(self, request: HttpRequest, lead: Lead) -> HttpResponse:
        form = DispositionForm(
            request.POST,
            lead=lead,
            campaigns=board.campaigns(),
            now=timezone.now(),
            auto_id="result_%s",
        )
        if not form.is_valid():
            return self._answer(request, lead, disposition_form=form)
        disposition = form.cleaned_data["disposition"]
        if disposition == Disposition.CALL_BACK:
            if not request.user.has_perm("leads.select_lead"):
                raise PermissionDenied
            return self._promise(request, lead, form)
        if form.needs_confirmation:
            return self._confirm(request, lead, disposition)
        done = promises.dispose(
            lead.pk,
            disposition,
            now=timezone.now(),
            by=_who(request),
            reason=form.cleaned_data["reason"],
        )
        alarms.forget()
        words = _("Resultado guardado.") if done else _("Ya tenía ese resultado.")
        return self._answer(request, lead, said=words)

    def _promise(
        self, request: HttpRequest, lead: Lead, form: PromiseForm
    ) -> HttpResponse:
        done = lead_acts.promise(lead, form, by=_who(request), now=timezone.now())
        return self._answer(request, lead, said=done.said, refused=done.refused)

    def _confirm(
        self, request: HttpRequest, lead: Lead, disposition: str
    ) -> HttpResponse:
        same = Lead.objects.filter(phone_e164=lead.phone_e164).exclude(pk=lead.pk)
        context = {
            **self._frame(request, lead, str(Disposition(disposition).label)),
            "disposition": disposition,
            "others": same.count() if lead.phone_e164 else 0,
        }
        if request.htmx:  # type: ignore[attr-defined]
            return render(request, "admin/leads/lead/_never_again.html", context)
        return TemplateResponse(request, "admin/leads/lead/never_again.html", context)

    # --- Reading ---

    @for_those_who("leads.view_lead", method="GET")
    def timeline_view(self, request: HttpRequest, lead: Lead) -> HttpResponse:
        """Its older part alone, for htmx to put in the place of the link to it."""
        before = request.GET.get("before", "")
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect(f"{_page_of(lead.pk)}?{request.GET.urlencode()}#timeline")
        return render(
            request,
            "admin/leads/lead/_entries.html",
            lead_side.history_context(
                lead, user=request.user, urls=_urls_of(lead), before=before
            ),
        )

    # --- Merging ---

    @for_those_who("leads.merge_lead", method="GET")
    def merge_view(
        self, request: HttpRequest, lead: Lead, *, other_id: int
    ) -> HttpResponse:
        other = get_object_or_404(Lead, pk=other_id)
        if other.pk == lead.pk:
            return redirect(_page_of(lead.pk))
        problem = ""
        if request.method == "POST":
            chosen = [
                name for name in merging.CHOSEN if request.POST.get(name) == "other"
            ]
            try:
                merging.merge(
                    lead.pk,
                    other.pk,
                    from_other=chosen,
                    seen_as=request.POST.get("seen", ""),
                    by=_who(request),
                    now=timezone.now(),
                )
            except merging.MergeRefused as exc:
                problem = str(exc.reason)
                lead.refresh_from_db()
            else:
                words = _("Unidos: este lead tiene ahora las dos historias.")
                messages.success(request, words)
                return redirect(_page_of(lead.pk))
        found = merging.choices(lead, other)
        context = {
            **self._frame(request, lead, _("Unir duplicados")),
            "other": other,
            "problem": problem,
            "seen": merging.seen(lead, other),
            "differing": [one for one in found if one.differs],
            "equal": [one for one in found if not one.differs and one.kept != "—"],
        }
        return TemplateResponse(request, "admin/leads/lead/merge.html", context)

    # --- What the templates take ---

    def _answer(
        self,
        request: HttpRequest,
        lead: Lead,
        *,
        said: str = "",
        refused: str = "",
        **forms_shown: forms.Form,
    ) -> HttpResponse:
        """The side of the page anew, or the page with a message."""
        if request.htmx:  # type: ignore[attr-defined]
            context = self._side(request, Lead.objects.get(pk=lead.pk), forms_shown)
            context |= {"said": said, "refused": refused}
            return render(request, SIDE, context)
        for form in forms_shown.values():
            refused = " ".join(
                str(e) for errors in form.errors.values() for e in errors
            )
        level = messages.ERROR if refused else messages.SUCCESS
        messages.add_message(request, level, refused or said)
        return redirect(_page_of(lead.pk))

    def _side(
        self,
        request: HttpRequest,
        lead: Lead,
        forms_shown: dict[str, forms.Form] | None = None,
        *,
        before: str = "",
    ) -> dict[str, Any]:
        return lead_side.side_context(
            lead,
            user=request.user,
            urls=_urls_of(lead),
            forms_shown=forms_shown,
            before=before,
        )

    def _frame(self, request: HttpRequest, lead: Lead, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "subtitle": str(lead),
            "lead": lead,
        }


def _page_of(lead_id: int) -> str:
    return reverse("admin:leads_lead_change", args=[lead_id])


def _urls_of(lead: Lead) -> dict[str, str]:
    names = ("note", "call_now", "promise", "drop_promise", "dispose", "timeline")
    urls = {one: reverse(f"admin:leads_lead_{one}", args=[lead.pk]) for one in names}
    page = _page_of(lead.pk)
    return urls | {"page": page, "older": f"{page}?"}


def _who(request: HttpRequest) -> Any:
    return request.user
