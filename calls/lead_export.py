"""What the export of leads says of their calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Max

from calls.models import CallAttempt
from calls.states import State
from leads.export_admin import LeadExportPages
from leads.exporting import Cell
from leads.models import Lead

# Nothing was asked of Pearl, or Pearl asked nobody: no call to tell of.
NO_CALL = (State.CLAIMED, State.RELEASED, State.NOT_SENT, State.NOT_PLACED)

RESULT_HEADERS = ("RESULTADO_LLAMADA", "DURACION_SEGUNDOS", "RESUMEN")


class LeadExportMixin(LeadExportPages):
    """Adds `admin:leads_lead_export` to the leads' admin, with each one's last call."""

    result_headers = RESULT_HEADERS

    def call_results(self, leads: Sequence[Lead]) -> Mapping[int, Sequence[Cell]]:
        return last_calls(leads)


def last_calls(leads: Sequence[Lead]) -> dict[int, list[Cell]]:
    """By lead, how its last call ended, in one query for all of them. Test calls rang
    somebody else."""
    made = CallAttempt.objects.filter(
        lead_id__in=[lead.pk for lead in leads], is_test=False
    ).exclude(state__in=NO_CALL)
    latest = made.values("lead_id").annotate(last=Max("pk")).values("last").order_by()
    rows = CallAttempt.objects.filter(pk__in=latest).only(
        "lead_id", "state", "outcome", "duration_seconds", "summary"
    )
    return {
        attempt.lead_id: [_said(attempt), attempt.duration_seconds, attempt.summary]
        for attempt in rows
    }


def _said(attempt: CallAttempt) -> str:
    """The outcome, or how far the call has got."""
    if attempt.outcome:
        return str(attempt.get_outcome_display())
    return str(attempt.get_state_display())
