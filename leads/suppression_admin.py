"""The numbers never to be called, in Django's admin."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Q, QuerySet
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leads import suppressions
from leads.forms import SuppressionForm
from leads.models import ListAnswer, Suppression, SuppressionQuerySet
from leads.phones import NotAPhone, group, normalise, phone_hash
from leads.staff_admin import (
    ReadOnlyAdmin,
    StaffAdmin,
    phone_search,
    short_moment,
    status_tag,
)
from leads.suppression_pages import SuppressionPages
from leads.wording import number

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django_stubs_ext import StrOrPromise

    FilterBase = admin.SimpleListFilter
else:
    FilterBase = admin.SimpleListFilter

STATES: dict[str, StrOrPromise] = {
    "active": gettext_lazy("Vigente"),
    "proposed": gettext_lazy("Propuesta"),
    "expired": gettext_lazy("Caducada"),
}


class StateFilter(FilterBase):
    title = gettext_lazy("estado")
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        return [*STATES.items()]

    def queryset(
        self, request: Any, queryset: QuerySet[Suppression]
    ) -> QuerySet[Suppression]:
        state = self.value()
        if state not in STATES:
            return queryset
        rows = cast("SuppressionQuerySet", queryset)
        return rows.in_state(state, now=timezone.now())


@admin.register(Suppression)
class SuppressionAdmin(SuppressionPages, StaffAdmin):
    form = SuppressionForm
    list_display = (
        "number",
        "on_list",
        "state",
        "reason",
        "source",
        "added",
    )
    list_select_related = ("created_by",)
    list_filter = ("list", StateFilter)
    search_fields = ("reason", "source")
    search_help_text = gettext_lazy(
        "Teléfono escrito de cualquier forma (también los olvidados, si está entero), "
        "motivo u origen."
    )
    actions = ("confirm", "reject", "forget")

    class Media:
        css = {"all": ["css/suppressions.css"]}

    # --- The list ---

    @admin.display(description=gettext_lazy("teléfono"), ordering="phone_e164")
    def number(self, suppression: Suppression) -> str:
        if suppression.phone_e164:
            return group(suppression.phone_e164)
        return _("huella %s…") % suppression.phone_hash[:8]

    @admin.display(description=gettext_lazy("lista"), ordering="list")
    def on_list(self, suppression: Suppression) -> str:
        name, day = suppression.get_list_display(), suppression.checked_on
        if day is None:
            return name
        return _with_more(name, _("consultada el %s") % date_format(day, "d/m/Y"))

    @admin.display(description=gettext_lazy("estado"), ordering="expires_at")
    def state(self, suppression: Suppression) -> str:
        end = suppression.expires_at
        state = "proposed" if suppression.proposed else "active"
        if end is not None and end <= timezone.now():
            state = "expired"
        tag = status_tag(f"suppression-{state}", STATES[state])
        if end is None:
            return tag
        when = _("el %s") if state == "expired" else _("hasta %s")
        return _with_more(tag, when % short_moment(end))

    @admin.display(description=gettext_lazy("añadida"), ordering="created_at")
    def added(self, suppression: Suppression) -> str:
        moment, who = short_moment(suppression.created_at), suppression.created_by
        return moment if who is None else _with_more(moment, who.get_username())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        by_phone = phone_search(search_term, "phone_e164")
        if by_phone is None:
            return super().get_search_results(request, queryset, search_term)
        # Of a part of a number, only those that are written can be found.
        with suppress(NotAPhone):
            by_phone |= Q(phone_hash=phone_hash(normalise(search_term)))
        return queryset.filter(by_phone), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        proposals = Suppression.objects.active(now=timezone.now()).filter(proposed=True)
        extra = {"title": _("Números excluidos"), "proposals": proposals.count()}
        extra |= extra_context or {}
        return super().changelist_view(request, extra)

    def get_urls(self) -> list[URLPattern]:
        return [*self.get_page_urls(), *super().get_urls()]

    # --- The form ---

    def get_fields(
        self, request: HttpRequest, obj: Suppression | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ("phone_e164", "list", "reason", "source", "expires_at")
        what = ("number", "list", "reason", "source", "expires_at", "proposed")
        return (*what, "checked_on", "created_by", "created_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Suppression | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("phone_e164", "number", "checked_on", "created_by", "created_at")

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        if change and "proposed" in form.changed_data and not obj.proposed:
            self.decided(request, Suppression.objects.filter(pk=obj.pk), accepted=True)
        super().save_model(request, obj, form, change)
        if change and {"list", "expires_at"} & {*form.changed_data}:
            suppressions.give_turns(
                [obj.phone_e164],
                now=timezone.now(),
                until=[form.initial.get("expires_at")],
            )

    def delete_model(self, request: HttpRequest, obj: Suppression) -> None:
        one = Suppression.objects.filter(pk=obj.pk)
        self.decided(request, one, accepted=False)
        suppressions.withdraw(one, now=timezone.now())

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[Suppression]
    ) -> None:
        self.decided(request, queryset, accepted=False)
        suppressions.withdraw(queryset, now=timezone.now())

    def decided(
        self, request: HttpRequest, numbers: QuerySet[Suppression], *, accepted: bool
    ) -> None:
        """Of numbers about to be confirmed or taken off: for whoever proposed them."""

    # --- The verbs ---

    @admin.action(
        description=gettext_lazy("Confirmar las propuestas"), permissions=["change"]
    )
    def confirm(self, request: HttpRequest, numbers: QuerySet[Suppression]) -> None:
        total = numbers.count()
        proposed = numbers.filter(proposed=True)
        self.decided(request, proposed, accepted=True)
        changed = proposed.update(proposed=False)
        self.report(
            request, changed=changed, total=total, why_not=_("ya eran definitivas")
        )

    @admin.action(
        description=gettext_lazy("Rechazar las propuestas"), permissions=["delete"]
    )
    def reject(
        self, request: HttpRequest, numbers: QuerySet[Suppression]
    ) -> HttpResponse | None:
        total, proposed = numbers.count(), numbers.filter(proposed=True)
        if request.POST.get("post") != "yes":
            count = proposed.count()
            button = ngettext(
                "Rechazar %s propuesta", "Rechazar %s propuestas", count
            ) % number(count)
            words = _(
                "Saldrán de la lista y se podrá volver a llamar a esos números, salvo "
                "que estén en otra lista. Las que ya son definitivas no cambian."
            )
            return self._ask_first(request, numbers, button=button, words=words)
        pks = [*proposed.values_list("pk", flat=True)]
        self.delete_queryset(request, Suppression.objects.filter(pk__in=pks))
        self.report(
            request, changed=len(pks), total=total, why_not=_("no son propuestas")
        )
        return None

    @admin.action(
        description=gettext_lazy("Olvidar los números y guardar solo su huella"),
        permissions=["delete"],
    )
    def forget(
        self, request: HttpRequest, numbers: QuerySet[Suppression]
    ) -> HttpResponse | None:
        total = numbers.count()
        if request.POST.get("post") != "yes":
            button = ngettext(
                "Olvidar %s número", "Olvidar %s números", total
            ) % number(total)
            words = _(
                "De cada número quedará solo una huella con la que no se puede saber "
                "cuál era. Se seguirá sin llamarlo. No se puede deshacer."
            )
            return self._ask_first(request, numbers, button=button, words=words)
        changed = suppressions.forget_numbers(numbers)
        self.report(
            request,
            changed=changed,
            total=total,
            why_not=_("hay leads con ese número, o ya estaba olvidado"),
        )
        return None

    def _ask_first(
        self,
        request: HttpRequest,
        numbers: QuerySet[Suppression],
        *,
        button: str,
        words: str,
    ) -> TemplateResponse:
        context = self.admin_site.each_context(request) | {
            "title": getattr(self, request.POST["action"]).short_description,
            "opts": self.opts,
            "words": words,
            "button": button,
            "action": request.POST["action"],
            "select_across": request.POST.get("select_across", "0"),
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "shown": [
                " · ".join(filter(None, (self.number(one), one.reason)))
                for one in numbers[:10]
            ],
            "more": number(max(0, numbers.count() - 10)),
        }
        page = "admin/leads/suppression/confirm.html"
        return TemplateResponse(request, page, context)


def _with_more(first: str, more: str) -> str:
    """Two lines in a cell."""
    return format_html('{}<span class="second-line">{}</span>', first, more)


@admin.register(ListAnswer)
class ListAnswerAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "list",
        "answered_on",
        "rows",
        "added",
        "renewed",
        "rejected",
        "by",
        "when",
    )
    list_select_related = ("by",)
    fields = (*list_display, "export", "sha256")
    readonly_fields = ("when",)

    @admin.display(description=gettext_lazy("importada"), ordering="at")
    def when(self, answer: ListAnswer) -> str:
        return short_moment(answer.at)
