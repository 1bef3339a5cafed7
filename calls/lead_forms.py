"""What staff write on a lead's page: notes, promises, results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls.eligibility import rules_of
from calls.wording import moment_words
from leads.models import Disposition, Lead, NotInterested
from leads.notes import LONGEST_NOTE
from leads.places import Place
from leads.window import WindowError, next_opening, why_closed

if TYPE_CHECKING:
    from calls.models import Campaign

FURTHEST_PROMISE = timedelta(days=366)
# These put the number on an exclusion list: they are asked twice.
TO_CONFIRM = (Disposition.DO_NOT_CALL, Disposition.WRONG_NUMBER)


class NoteForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Nota"),
        max_length=LONGEST_NOTE,
        error_messages={"required": gettext_lazy("Escriba la nota.")},
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class CampaignChoiceForm(forms.Form):
    """Asks for a campaign where the lead has none that still exists."""

    def __init__(
        self, *args: Any, lead: Lead, campaigns: Sequence[Campaign], **named: Any
    ) -> None:
        super().__init__(*args, **named)
        self.lead = lead
        self.by_outbound = {one.outbound_id: one for one in campaigns}
        self.own = self.by_outbound.get(lead.pearl_outbound_id or "")
        if self.own is not None:
            return
        choices = [(one.outbound_id, one.name) for one in campaigns]
        blank = [] if len(choices) == 1 else [("", "—")]
        self.fields["campaign"] = forms.ChoiceField(
            label=_("Campaña"),
            choices=[*blank, *choices],
            error_messages={"required": _("Elija la campaña.")},
        )

    @property
    def outbound_id(self) -> str:
        """Of the campaign chosen; "": the lead's own."""
        return str(self.cleaned_data.get("campaign", ""))

    def campaign_chosen(self) -> Campaign | None:
        if self.own is not None:
            return self.own
        return self.by_outbound.get(self.outbound_id)


class CallNowForm(CampaignChoiceForm):
    pass


class PromiseForm(CampaignChoiceForm):
    """A day and an hour on the lead's own clock, at which its phone may ring."""

    day = forms.DateField(
        label=gettext_lazy("Día"), widget=forms.DateInput(attrs={"type": "date"})
    )
    hour = forms.TimeField(
        label=gettext_lazy("Hora"), widget=forms.TimeInput(attrs={"type": "time"})
    )

    def __init__(self, *args: Any, now: datetime, **named: Any) -> None:
        super().__init__(*args, **named)
        self.now = now

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            cleaned["at"] = self._moment(cleaned["day"], cleaned["hour"])
        return cleaned

    def _moment(self, day: date, hour: time) -> datetime:
        zone = ZoneInfo(self.lead.time_zone or settings.TIME_ZONE)
        at = datetime.combine(day, hour, tzinfo=zone)
        if at <= self.now:
            raise forms.ValidationError(_("Esa hora ya pasó: elija una futura."))
        if at > self.now + FURTHEST_PROMISE:
            raise forms.ValidationError(_("Elija una fecha dentro de un año."))
        campaign = self.campaign_chosen()
        if campaign is not None:
            self._check_hours(at, campaign=campaign)
        return at

    def _check_hours(self, at: datetime, *, campaign: Campaign) -> None:
        place = Place(community=self.lead.community, time_zone=self.lead.time_zone)
        try:
            window = rules_of(campaign).window
        except WindowError as exc:
            raise forms.ValidationError(str(exc.reason)) from exc
        closed = why_closed(at, place=place, window=window)
        if closed is None:
            return
        opens = next_opening(at, place=place, window=window)
        if opens is None:
            raise forms.ValidationError(f"{closed.label}.")
        when = moment_words(opens, now=self.now, time_zone=self.lead.time_zone)
        raise forms.ValidationError(
            _("%(why)s. Se puede llamar a partir de: %(when)s.")
            % {"why": closed.label, "when": when}
        )


class DispositionForm(PromiseForm):
    """What the calls mean for the business. A promise asks for its time, a lost
    interest for its reason, and never calling again for a confirmation."""

    disposition = forms.ChoiceField(
        label=gettext_lazy("Resultado"), choices=Disposition.choices, required=False
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Motivo"), choices=NotInterested.choices, required=False
    )
    confirmed = forms.BooleanField(required=False)
    field_order = ("disposition", "reason", "campaign", "day", "hour")

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        if self.data.get("disposition") != Disposition.CALL_BACK:
            for name in {"day", "hour", "campaign"} & set(self.fields):
                self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        disposition = cleaned.get("disposition")
        if disposition == Disposition.CALL_BACK:
            return super().clean()
        if disposition == Disposition.NOT_INTERESTED and not cleaned.get("reason"):
            self.add_error("reason", _("Elija el motivo."))
        return cleaned

    @property
    def needs_confirmation(self) -> bool:
        chosen = self.cleaned_data.get("disposition")
        return chosen in TO_CONFIRM and not self.cleaned_data.get("confirmed")
