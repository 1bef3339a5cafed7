"""Filters of the list of leads kept by name: one's own, and those shared with all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.filters import LeadFilter
from leads.models import SavedView

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse

SHOWN_AT_MOST = 30
# Kept with the filter: the order of a list is part of what one looks for in it.
KEPT = ("o", "n")


@dataclass(frozen=True, kw_only=True)
class Tab:
    view: SavedView
    is_here: bool
    is_own: bool

    @property
    def url(self) -> str:
        return f"?{self.view.query}"


class ViewForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Nombre"), max_length=80)
    shared = forms.BooleanField(
        label=gettext_lazy("Compartida con todos"), required=False
    )


def tabs(user: User, query: str) -> list[Tab]:
    """`query` is the list's: the tab of the same filter is the one that is open."""
    here = normal(query)
    views = SavedView.objects.filter(Q(owner=user) | Q(shared=True))
    return [
        Tab(view=view, is_here=view.query == here, is_own=view.owner_id == user.pk)
        for view in views.order_by("name", "id")[:SHOWN_AT_MOST]
    ]


def normal(query: str) -> str:
    """The filter in one spelling, without where one was in the list."""
    given, kept = QueryDict(query.removeprefix("?")), QueryDict(mutable=True)
    for name in (*LeadFilter.base_filters, *KEPT):
        values = [value for value in given.getlist(name) if value]
        if values:
            kept.setlist(name, values)
    return kept.urlencode()


def save(request: HttpRequest) -> HttpResponse:
    """A name used again takes the new filter."""
    query = normal(request.POST.get("query", ""))
    form = ViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Escriba un nombre de hasta 80 letras."))
    elif not LeadFilter(QueryDict(query)).is_valid():
        messages.error(request, _("El filtro tiene errores: no se ha guardado."))
    else:
        SavedView.objects.update_or_create(
            owner=cast("User", request.user),
            name=form.cleaned_data["name"],
            defaults={
                "query": query,
                "shared": form.cleaned_data["shared"],
                "created_at": timezone.now(),
            },
        )
        words = _("Vista «%s» guardada.") % form.cleaned_data["name"]
        messages.success(request, words)
    return _back(query)


def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    """One's own: a shared one belongs to whoever saved it."""
    mine = SavedView.objects.filter(pk=view_id, owner=cast("User", request.user))
    deleted, _by_model = mine.delete()
    if deleted:
        messages.success(request, _("Vista borrada."))
    else:
        messages.error(request, _("Esa vista no existe o es de otra persona."))
    return _back(normal(request.POST.get("query", "")))


def _back(query: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('admin:leads_lead_changelist')}?{query}")
