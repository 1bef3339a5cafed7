"""What each bulk action needs to know before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.models import BulkChange, Disposition, NotInterested, Priority, Suppression

Choices = Sequence[tuple[str, str]]
Verb = BulkChange.Verb


class BulkForm(forms.Form):
    """`campaigns` are (outbound_id, name): `leads` does not know campaigns."""

    def __init__(self, *args: Any, campaigns: Choices = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.campaigns = campaigns
        if "outbound_id" in self.fields:
            self.offer_campaigns(self.fields["outbound_id"])

    def offer_campaigns(self, field: Any) -> None:
        first = [] if len(self.campaigns) == 1 else [("", _("Elija una campaña"))]
        field.choices = [*first, *self.campaigns]

    @property
    def values(self) -> dict[str, Any]:
        """As they are kept in the record of the change."""
        return {name: value for name, value in self.cleaned_data.items() if value != ""}


class CampaignForm(BulkForm):
    outbound_id = forms.ChoiceField(
        label=_("Campaña"), error_messages={"required": _("Elija la campaña.")}
    )


class PriorityForm(BulkForm):
    priority = forms.TypedChoiceField(
        label=_("Prioridad"),
        choices=Priority.choices,
        coerce=int,
        widget=forms.RadioSelect,
        initial=Priority.HIGH,
    )


class DispositionForm(BulkForm):
    disposition = forms.ChoiceField(
        label=_("Resultado"),
        choices=[("", _("Elija el resultado"))]
        + [(value or "none", label) for value, label in Disposition.choices],
        error_messages={"required": _("Elija el resultado.")},
    )
    reason = forms.ChoiceField(
        label=_("Motivo"),
        choices=NotInterested.choices,
        required=False,
        help_text=_("De «No interesado»."),
    )
    callback_at = forms.DateTimeField(
        label=_("Fecha y hora de la rellamada"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M"],
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        ),
        help_text=_("De «Volver a llamar». Los leads esperan en cola hasta entonces."),
    )
    outbound_id = forms.ChoiceField(
        label=_("Campaña de la rellamada"),
        required=False,
        help_text=_("Para los que aún no tienen campaña."),
    )

    def offer_campaigns(self, field: Any) -> None:
        field.choices = [("", _("La que ya tenga cada lead")), *self.campaigns]

    def clean(self) -> dict[str, Any]:
        """Keep what belongs to the disposition, and ask for what it lacks."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        disposition = cleaned.get("disposition")
        if disposition == Disposition.CALL_BACK:
            if not cleaned.get("callback_at") and "callback_at" not in self.errors:
                self.add_error("callback_at", _("Indique la fecha y la hora."))
        else:
            cleaned["callback_at"] = None
            cleaned["outbound_id"] = ""
        if disposition != Disposition.NOT_INTERESTED:
            cleaned["reason"] = ""
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        chosen = self.cleaned_data["disposition"]
        values = {"disposition": "" if chosen == "none" else chosen}
        for name in ("reason", "outbound_id"):
            if self.cleaned_data[name]:
                values[name] = self.cleaned_data[name]
        if self.cleaned_data["callback_at"]:
            values["callback_at"] = self.cleaned_data["callback_at"].isoformat()
        return values


class ExcludeForm(BulkForm):
    list = forms.ChoiceField(
        label=_("Lista"),
        choices=[
            (value, label)
            for value, label in Suppression.List.choices
            if value != Suppression.List.PROVIDER
        ],
        initial=Suppression.List.REQUEST,
    )
    reason = forms.CharField(label=_("Motivo"), max_length=200, required=False)


FORMS: dict[str, type[BulkForm]] = {
    Verb.SELECT: CampaignForm,
    Verb.CAMPAIGN: CampaignForm,
    Verb.PRIORITY: PriorityForm,
    Verb.DISPOSITION: DispositionForm,
    Verb.EXCLUDE: ExcludeForm,
}
