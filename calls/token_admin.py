"""Tokens of the API in Django's admin: made once, seen once, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calls.models import ApiToken, Scope
from leads.staff_admin import StaffAdmin, short_moment, status_tag

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


# Before a token ends, its owner should have made another.
SOON = timedelta(days=7)


class TokenForm(TokenFormBase):
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Alcance"),
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Lo menos que baste. Nunca podrá más de lo que puede usted."
        ),
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
    list_display = ("name", "stands", "may", "used", "made")
    list_select_related = ("user",)
    actions = ("revoke",)
    fields = ("name", "user", "stands", "may", "made", "used")
    readonly_fields = fields

    class Media:
        css = {"all": ["css/api_tokens.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        if request.user.is_superuser:
            return tokens
        return tokens.filter(user=request.user.pk)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Whose each is matters to whoever sees those of others."""
        if not request.user.is_superuser:
            return self.list_display
        return (*self.list_display[:1], "user", *self.list_display[1:])

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"title": _("Claves de API")} | (extra_context or {})
        return super().changelist_view(request, extra)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """One button: what comes next is the key, to be copied."""
        extra = dict.fromkeys(
            ("show_save_and_add_another", "show_save_and_continue"), False
        )
        extra |= extra_context or {}
        return super().changeform_view(request, object_id, form_url, extra)

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
        obj.pk, obj.raw = made.pk, raw  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: Any = None
    ) -> HttpResponse:
        """The token itself, in this answer and nowhere else: a message would pass
        through a cookie."""
        token = ApiToken.objects.get(pk=obj.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Clave «%s» creada") % token.name,
            "token": token,
            "raw": obj.raw,
            "may": self.may(token),
            "address": request.build_absolute_uri("/api/calls/"),
        }
        page = "admin/calls/apitoken/made.html"
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, page, context, headers=headers)

    @admin.action(description=gettext_lazy("Revocar"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        count = tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        words = ngettext("%s clave revocada.", "%s claves revocadas.", count) % count
        self.message_user(request, words, messages.SUCCESS)

    @admin.display(description=gettext_lazy("alcance"))
    def may(self, token: ApiToken) -> str:
        return " · ".join(
            str(label) for scope, label in Scope.choices if scope in token.scopes
        )

    @admin.display(description=gettext_lazy("estado"), ordering="expires_at")
    def stands(self, token: ApiToken) -> str:
        now, ends = timezone.now(), _day(token.expires_at)
        if token.revoked_at:
            words = _("Revocada el %s") % _day(token.revoked_at)
            return status_tag("token-revoked", words)
        if token.expires_at <= now:
            return status_tag("token-expired", _("Caducó el %s") % ends)
        if token.expires_at <= now + SOON:
            return status_tag("token-soon", _("Caduca pronto, el %s") % ends)
        return status_tag("token-valid", _("Vale hasta el %s") % ends)

    @admin.display(description=gettext_lazy("último uso"), ordering="last_used_at")
    def used(self, token: ApiToken) -> str:
        return short_moment(token.last_used_at) or _("nunca")

    @admin.display(description=gettext_lazy("creada"), ordering="created_at")
    def made(self, token: ApiToken) -> str:
        return short_moment(token.created_at)


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "d/m/Y")
