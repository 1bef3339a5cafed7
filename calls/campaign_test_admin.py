"""The page of Django's admin where the test mode of a campaign is switched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import alarms
from calls.models import Campaign
from calls.test_mode import TestModeRefused, set_test_phone
from leads.forms import e164_or_error
from leads.phones import group

if TYPE_CHECKING:
    from django.http import HttpRequest

    ModelAdmin = admin.ModelAdmin[Campaign]
else:
    ModelAdmin = admin.ModelAdmin


class TestPhoneForm(forms.Form):
    __test__ = False

    phone = forms.CharField(
        label=gettext_lazy("Teléfono de prueba"),
        max_length=60,
        help_text=gettext_lazy("El suyo, por ejemplo: sonará en lugar de los leads."),
    )
    understood = forms.BooleanField(
        label=gettext_lazy(
            "Entiendo que mientras dure nadie de la cola recibirá su llamada"
        )
    )

    def clean_phone(self) -> str:
        return e164_or_error(self.cleaned_data["phone"])


class CampaignTestMode(ModelAdmin):
    """Only by a page of its own, a permission of its own, and with a trace."""

    change_form_template = "admin/calls/campaign/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "<int:campaign_id>/test-mode/",
            self.admin_site.admin_view(self.test_mode),
            name="calls_campaign_test_mode",
        )
        return [page, *super().get_urls()]

    def test_mode(self, request: HttpRequest, campaign_id: int) -> HttpResponse:
        if not request.user.has_perm("calls.test_campaign"):
            raise PermissionDenied
        campaign = self.get_object(request, str(campaign_id))
        if campaign is None:
            return redirect("admin:calls_campaign_changelist")
        form = TestPhoneForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and "off" in request.POST:
            return self._switch(request, campaign, "")
        if request.method == "POST" and form.is_valid():
            return self._switch(request, campaign, form.cleaned_data["phone"])
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Modo de prueba de «%s»") % campaign.name,
            "campaign": campaign,
            "shown_phone": group(campaign.test_phone) if campaign.test_phone else "",
            "form": form,
        }
        return TemplateResponse(request, "admin/calls/campaign/test_mode.html", context)

    def _switch(
        self, request: HttpRequest, campaign: Campaign, phone: str
    ) -> HttpResponse:
        words = _("Modo de prueba quitado.")
        if phone:
            words = _("Modo de prueba: las llamadas irán todas al %s.") % group(phone)
        try:
            changed = set_test_phone(campaign.pk, phone, now=timezone.now())
        except TestModeRefused as exc:
            self.message_user(request, str(exc.reason), messages.ERROR)
            return redirect(request.path)
        if changed:
            # Who did it is known; the number is on the campaign, not in the log.
            said = _("Modo de prueba activado") if phone else words
            self.log_change(request, campaign, said)
            alarms.forget()
        self.message_user(request, words)
        return redirect(reverse("admin:calls_campaign_change", args=[campaign.pk]))
