"""What staff do to many leads at once from their list: asked, confirmed, undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leads import selection
from leads.bulk_forms import FORMS, BulkForm, Choices
from leads.bulk_words import ACTIONS, Words, undone_words
from leads.filters import LeadFilter
from leads.lead_form_admin import LeadFormAdmin
from leads.lead_list import is_understood
from leads.models import BulkChange, Disposition, Lead
from leads.saved_views import normal
from leads.selection import ChangeRefused, Plan
from leads.staff_admin import is_id
from leads.wording import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    Action = Callable[..., HttpResponse | None]

APPLY, ACROSS = "apply", "select_across"


def _action(verb: str, words: Words) -> Action:
    """A verb as an action of Django's admin: its answer is the confirmation page."""

    @admin.action(description=words.title, permissions=[words.permission])
    def action(
        page: BulkLeadAdmin, request: HttpRequest, leads: QuerySet[Lead]
    ) -> HttpResponse | None:
        return page.confirm(request, leads, verb=verb)

    action.__name__ = verb
    return action


@admin.action(description=gettext_lazy("Exportar"), permissions=["export"])
def export(
    _page: BulkLeadAdmin, request: HttpRequest, _leads: QuerySet[Lead]
) -> HttpResponse:
    """To the export's own page, which asks what it needs."""
    query = _filter_alone(request)
    if request.POST.get(ACROSS) != "1":
        ids = ",".join(i for i in _ticked(request) if i != "0")
        query = f"ids={ids or 0}"
    return HttpResponseRedirect(f"{reverse('admin:leads_lead_export')}?{query}")


class BulkLeadAdmin(LeadFormAdmin):
    actions = (*(_action(verb, words) for verb, words in ACTIONS.items()), export)

    def campaign_choices(self) -> Choices:
        """(outbound_id, name) of each, from whoever knows campaigns."""
        return []

    def get_urls(self) -> list[URLPattern]:
        undo = self.admin_site.admin_view(self.undo_view)
        return [
            path("undo/<int:change_id>/", undo, name="leads_lead_undo"),
            *super().get_urls(),
        ]

    def has_select_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leads.select_lead")

    def has_suppress_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leads.add_suppression")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leads.export_lead")

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Django takes the ticks as they come; here they must be ids."""
        post = request.POST.copy()
        post.setlist(
            ACTION_CHECKBOX_NAME, [one for one in _ticked(request) if is_id(one)]
        )
        request.POST = post  # type: ignore[assignment]
        return super().response_action(request, *args, **kwargs)

    # --- Asked and confirmed ---

    def confirm(
        self, request: HttpRequest, leads: QuerySet[Lead], *, verb: str
    ) -> HttpResponse | None:
        """The page that says what would change, and then the change. None: go back to
        the list, where a message says why."""
        if not is_understood(request.GET):
            # A filter that is not understood must not mean everybody.
            problem = _("El filtro tiene errores: no se ha cambiado ningún lead.")
            self.message_user(request, problem, messages.ERROR)
            return None
        form = self._bulk_form(request, verb)
        if _is_promise(request, verb) and not self.has_select_permission(request):
            raise PermissionDenied
        if APPLY in request.POST and form.is_valid():
            try:
                return self._apply_to(request, leads, verb=verb, values=form.values)
            except ChangeRefused as refusal:
                form.add_error(None, str(refusal.reason))
        return self._ask_about(request, leads, verb=verb, form=form)

    def _bulk_form(self, request: HttpRequest, verb: str) -> BulkForm:
        """Filled from what was sent; the first time, with what can be foreseen."""
        form_class, campaigns = FORMS.get(verb, BulkForm), self.campaign_choices()
        first = form_class(campaigns=campaigns)
        if "asked" in request.POST:
            return form_class(request.POST, campaigns=campaigns)
        foreseen = {name: first[name].value() for name in first.fields}
        if "outbound_id" in foreseen and len(campaigns) == 1:
            foreseen["outbound_id"] = campaigns[0][0]
        known = form_class(foreseen, campaigns=campaigns)
        return known if known.is_valid() else first

    def _ask_about(
        self,
        request: HttpRequest,
        leads: QuerySet[Lead],
        *,
        verb: str,
        form: BulkForm,
    ) -> HttpResponse | None:
        plan = self._bulk_plan(leads, verb=verb, form=form)
        total = plan.total if plan else leads.order_by().count()
        if not total:
            hint = _("Marque primero algún lead, o elija todos los del filtro.")
            self.message_user(request, hint, messages.WARNING)
            return None
        words = ACTIONS[verb]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": words.title,
            "words": words,
            "button": words.button(plan.changed) if plan else "",
            "verb": verb,
            "form": form,
            "plan": plan,
            "total": total,
            "ids": ["0"] if _is_across(request) else _ticked(request),
            "across": _is_across(request),
            "list_url": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/leads/lead/confirm.html", context)

    def _bulk_plan(
        self, leads: QuerySet[Lead], *, verb: str, form: BulkForm
    ) -> Plan | None:
        """None while the form lacks what the change needs."""
        if not form.is_bound or not form.is_valid():
            return None
        try:
            return selection.plan(leads, verb, form.values, now=timezone.now())
        except ChangeRefused as refusal:
            form.add_error(None, str(refusal.reason))
            return None

    def _apply_to(
        self,
        request: HttpRequest,
        leads: QuerySet[Lead],
        *,
        verb: str,
        values: dict[str, Any],
    ) -> HttpResponse:
        change = selection.apply(
            leads,
            verb,
            values,
            now=timezone.now(),
            by=cast("User", request.user),
            filter_query=_filter_alone(request) if _is_across(request) else "",
        )
        words = ngettext(
            "%(what)s: %(count)s lead cambiado.",
            "%(what)s: %(count)s leads cambiados.",
            change.changed,
        ) % {"what": ACTIONS[verb].title, "count": number(change.changed)}
        level = messages.SUCCESS if change.changed else messages.WARNING
        self.message_user(request, words, level)
        return HttpResponseRedirect(request.get_full_path())

    # --- Undone ---

    def last_change(self, request: HttpRequest) -> BulkChange | None:
        """What this person may undo now."""
        if not self.has_select_permission(request):
            return None
        by = cast("User", request.user)
        return selection.last_undoable(by, now=timezone.now())

    def undo_view(self, request: HttpRequest, change_id: int) -> HttpResponse:
        if request.method != "POST" or not self.has_select_permission(request):
            raise PermissionDenied
        change = get_object_or_404(BulkChange, pk=change_id, by=request.user.pk)
        back = selection.undo(change, by=cast("User", request.user), now=timezone.now())
        words = undone_words(change, back=back)
        level = messages.SUCCESS if back else messages.WARNING
        self.message_user(request, words, level)
        query = normal(request.POST.get("query", ""))
        return HttpResponseRedirect(f"{reverse('admin:leads_lead_changelist')}?{query}")


def _ticked(request: HttpRequest) -> list[str]:
    return request.POST.getlist(ACTION_CHECKBOX_NAME)


def _is_across(request: HttpRequest) -> bool:
    return request.POST.get(ACROSS) == "1"


def _filter_alone(request: HttpRequest) -> str:
    query = QueryDict(mutable=True)
    chosen = LeadFilter(request.GET)
    for name in chosen.active():
        query.setlist(name, chosen.data.getlist(name))
    return query.urlencode()


def _is_promise(request: HttpRequest, verb: str) -> bool:
    """A call back puts leads in a queue, which asks for more than changing them."""
    chosen = request.POST.get("disposition")
    return verb == BulkChange.Verb.DISPOSITION and chosen == Disposition.CALL_BACK
