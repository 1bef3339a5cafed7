"""What staff type about a lead or a number, checked before it is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.models import Lead, Suppression
from leads.phones import NotAPhone, normalise, phone_hash
from leads.places import PROVINCES

if TYPE_CHECKING:
    LeadFormBase = forms.ModelForm[Lead]
    SuppressionFormBase = forms.ModelForm[Suppression]
else:
    LeadFormBase = SuppressionFormBase = forms.ModelForm

COMMUNITIES = sorted({community for community, *_rest in PROVINCES.values()})


class LeadForm(LeadFormBase):
    """A number typed now must be one; a bad old one hinders no other change."""

    class Meta:
        model = Lead
        fields = "__all__"

    def clean_phone(self) -> str:
        return self._typed_phone("phone")

    def clean_phone_alt(self) -> str:
        return self._typed_phone("phone_alt")

    def clean_community(self) -> str:
        code = str(self.cleaned_data["community"]).strip().upper()
        if code and code not in COMMUNITIES:
            known = ", ".join(COMMUNITIES)
            raise forms.ValidationError(_("No es una comunidad. Use: %s.") % known)
        return code

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"]).strip()
        if name and name not in available_timezones():
            raise forms.ValidationError(
                _("No es un huso horario: escríbalo como Europe/Madrid.")
            )
        return name

    def _typed_phone(self, name: str) -> str:
        typed = str(self.cleaned_data[name]).strip()
        if typed and name in self.changed_data:
            e164_or_error(typed)
        return typed


class SuppressionForm(SuppressionFormBase):
    # Its column holds what comes out, which is shorter than some ways to write it.
    phone_e164 = forms.CharField(label=gettext_lazy("Teléfono"), max_length=60)

    class Meta:
        model = Suppression
        fields = ("phone_e164", "list", "reason", "source", "expires_at", "proposed")

    def clean_phone_e164(self) -> str:
        return e164_or_error(self.cleaned_data["phone_e164"])

    def clean_expires_at(self) -> datetime | None:
        """One that is there may be ended today; one that is new has to begin."""
        end: datetime | None = self.cleaned_data["expires_at"]
        if end and self.instance.pk is None and end <= timezone.now():
            raise forms.ValidationError(_("Esa fecha ya ha pasado."))
        return end

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        phone = data.get("phone_e164")
        hashed = phone_hash(phone) if phone else self.instance.phone_hash
        same = Suppression.objects.filter(phone_hash=hashed, list=data.get("list"))
        known = same.exclude(pk=self.instance.pk).first()
        if hashed and known:
            field = "phone_e164" if "phone_e164" in self.fields else "list"
            self.add_error(field, self._already(known))
        return data

    def _already(self, known: Suppression) -> str:
        words = _("Ese número ya está en «%s».") % known.get_list_display()
        if known.expires_at and known.expires_at <= timezone.now():
            words += " " + _("Caducó: búsquelo en la lista y cámbiele la fecha.")
        return words


def e164_or_error(typed: str) -> str:
    try:
        return normalise(typed)
    except NotAPhone as exc:
        raise forms.ValidationError(str(exc.reason)) from exc
