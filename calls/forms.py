"""The settings of a campaign, checked before they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls.models import Campaign
from calls.pearl.ids import is_id
from calls.states import Outcome
from leads.window import WindowError, parse_weekly, weekly_to_json

if TYPE_CHECKING:
    CampaignFormBase = forms.ModelForm[Campaign]
else:
    CampaignFormBase = forms.ModelForm

LONGEST_WAIT_MINUTES = 60 * 24 * 90
# Beyond these, a number was mistyped.
MOST = {
    "max_attempts": 50,
    "max_per_day": 20,
    "min_gap_minutes": 7 * 24 * 60,
    "close_margin_seconds": 3600,
}
OUTCOMES = [outcome.value for outcome in Outcome if outcome]


class CampaignForm(CampaignFormBase):
    class Meta:
        model = Campaign
        fields = "__all__"

    def clean_outbound_id(self) -> str:
        return _pearl_id(self.cleaned_data["outbound_id"])

    def clean_pearl_id(self) -> str:
        typed = self.cleaned_data["pearl_id"]
        return _pearl_id(typed) if typed else ""

    def clean_weekly_hours(self) -> dict[str, Any]:
        try:
            weekly = parse_weekly(self.cleaned_data["weekly_hours"] or {})
        except WindowError as exc:
            raise forms.ValidationError(str(exc.reason)) from exc
        return weekly_to_json(weekly)

    def clean_retry_minutes(self) -> dict[str, list[int]]:
        rules = self.cleaned_data["retry_minutes"] or {}
        if not isinstance(rules, dict):
            raise forms.ValidationError(
                _('Escriba los minutos por resultado, como {"busy": [60, 120]}.')
            )
        unknown = sorted(set(rules) - set(OUTCOMES))
        if unknown:
            raise forms.ValidationError(
                _("Resultado desconocido: %(what)s. Use: %(known)s.")
                % {"what": ", ".join(unknown), "known": ", ".join(OUTCOMES)}
            )
        for outcome, waits in rules.items():
            if not isinstance(waits, list) or not all(map(_is_wait, waits)):
                raise forms.ValidationError(
                    _("%(what)s: escriba minutos enteros de 1 a %(most)d, [60, 120].")
                    % {"what": outcome, "most": LONGEST_WAIT_MINUTES}
                )
        return rules

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, most in MOST.items():
            if (cleaned.get(name) or 0) > most:
                self.add_error(name, _("Como máximo %d.") % most)
        hours = cleaned.get("weekly_hours")
        if hours == {} and not cleaned.get("always_open"):
            self.add_error(
                "weekly_hours",
                _("Sin ningún tramo no se llamaría nunca: escriba al menos uno."),
            )
        return cleaned


class ReasonActionForm(ActionForm):
    """An action with a word of explanation beside it."""

    reason = forms.CharField(
        label=gettext_lazy("Motivo:"), required=False, max_length=200
    )


def _pearl_id(typed: str) -> str:
    """As Pearl writes it (pearl-api.md 1.4)."""
    typed = typed.strip().lower()
    if not is_id(typed):
        raise forms.ValidationError(
            _("Pearl lo da con 24 cifras hexadecimales: cópielo entero de su web.")
        )
    return typed


def _is_wait(minutes: Any) -> bool:
    return type(minutes) is int and 1 <= minutes <= LONGEST_WAIT_MINUTES
