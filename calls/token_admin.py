"""Tokens of the API in Django's admin: made once, seen once, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calls.models import ApiToken, Scope
from leads.staff_admin import StaffAdmin

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    TokenFormBase = forms.ModelForm[ApiToken]
else:
    TokenFormBase = forms.ModelForm

DAYS = [
    (30, gettext_lazy("un mes")),
    (90, gettext_lazy("tres meses")),
    (365, gettext_lazy("un año")),
]


class TokenForm(TokenFormBase):
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Alcance"),
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Nunca podrá más que usted."),
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Vale durante"), choices=DAYS, coerce=int
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes", "days")


class ApiTokenAdmin(StaffAdmin):
    """Each person's own; those of all, for a superuser."""

    form = TokenForm
    list_display = ("name", "user", "may", "created_at", "ends", "last_used_at")
    list_select_related = ("user",)
    actions = ("revoke",)
    fields = ("name", "user", "may", "created_at", "ends", "last_used_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        if request.user.is_superuser:
            return tokens
        return tokens.filter(user=request.user.pk)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else TokenForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: Any, change: bool
    ) -> None:
        chosen = form.cleaned_data
        made, raw = ApiToken.issue(
            cast("User", request.user),
            name=chosen["name"],
            scopes=chosen["scopes"],
            expires_at=timezone.now() + timedelta(days=chosen["days"]),
        )
        obj.pk = made.pk
        text = _("Cópiela ahora, porque no se volverá a ver: {}")
        shown = format_html("<code>{}</code>", raw)
        self.message_user(request, format_html(text, shown), messages.WARNING)

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: Any = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:calls_apitoken_changelist"))

    @admin.action(description=gettext_lazy("Revocar"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        count = tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        words = ngettext("%s clave revocada.", "%s claves revocadas.", count) % count
        self.message_user(request, words, messages.SUCCESS)

    @admin.display(description=gettext_lazy("alcance"))
    def may(self, token: ApiToken) -> str:
        known = dict(Scope.choices)
        return ", ".join(str(known.get(scope, scope)) for scope in token.scopes)

    @admin.display(description=gettext_lazy("caduca"), ordering="expires_at")
    def ends(self, token: ApiToken) -> Any:
        return _("revocada") if token.revoked_at else token.expires_at
