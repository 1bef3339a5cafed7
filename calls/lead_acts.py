"""What a person does to one lead: a call at once, a call promised, or one no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from calls import alarms, lead_page
from leads import promises
from leads.models import Lead
from leads.selection import ChangeRefused

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from calls.lead_forms import CallNowForm, PromiseForm
    from calls.models import Campaign


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One of the two: what was done, or why nothing was."""

    said: str = ""
    refused: str = ""


def call_now(
    lead: Lead,
    form: CallNowForm,
    *,
    campaigns: list[Campaign],
    by: User,
    now: datetime,
) -> Answer:
    asked, _own = lead_page.judge(lead, campaign=form.campaign_chosen(), now=now)
    refusal = lead_page.refusal_of(asked)
    if refusal:
        return Answer(refused=_("No se puede llamar: %s.") % refusal)
    done = promises.call_now(lead.pk, now=now, by=by, outbound_id=form.outbound_id)
    if not done:
        return Answer(refused=_changed_meanwhile())
    lead = Lead.objects.get(pk=lead.pk)
    stands = lead_page.situation(lead, campaigns=campaigns, now=now)
    return Answer(said=_("Va a la cabeza de la cola. %s") % stands.next)


def promise(lead: Lead, form: PromiseForm, *, by: User, now: datetime) -> Answer:
    asked, _own = lead_page.judge(lead, campaign=form.campaign_chosen(), now=now)
    refusal = lead_page.refusal_of(asked, passing=lead_page.OVER_BY_THEN)
    if refusal:
        return Answer(refused=_("No se puede prometer una llamada: %s.") % refusal)
    try:
        done = promises.promise(
            lead.pk,
            at=form.cleaned_data["at"],
            now=now,
            by=by,
            outbound_id=form.outbound_id,
        )
    except ChangeRefused as exc:
        return Answer(refused=str(exc.reason))
    alarms.forget()
    if not done:
        return Answer(refused=_changed_meanwhile())
    return Answer(said=_("Rellamada prometida."))


def drop_promise(lead: Lead, *, by: User, now: datetime) -> Answer:
    dropped = promises.drop_promise(lead.pk, now=now, by=by)
    alarms.forget()
    if dropped:
        return Answer(said=_("Rellamada anulada: el lead sale de la cola."))
    return Answer(said=_("No había ninguna rellamada prometida."))


def _changed_meanwhile() -> str:
    return _("No se puede llamar: el lead ha cambiado mientras tanto.")
