"""Test mode of a campaign: every call goes to one telephone, and nobody is unaware."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from calls.models import CallAttempt, Campaign, RunState
from leads.suppressions import suppressed_among

REFUSALS = {
    "running": _(
        "La campaña está en marcha: deténgala antes de cambiar el modo de prueba."
    ),
    "calls_open": _(
        "Quedan llamadas en curso o por aclarar: espere a que terminen antes de "
        "cambiar el modo de prueba."
    ),
    "listed": _("Ese número está en la lista de exclusión: no se le llama."),
}


class TestModeRefused(ValueError):
    """It stays as it was. Show `reason`."""

    __test__ = False  # pytest takes it for a test by its name

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.reason = REFUSALS[code]


@transaction.atomic
def set_test_phone(campaign_id: int, phone: str, *, now: datetime) -> bool:
    """Switch the test mode on (a number in E.164) or off (empty). False: it was so.

    Raises TestModeRefused while calls of the other kind could be on their way: calls
    in earnest and tests are never made together. A START seen before no longer counts.
    """
    if phone and suppressed_among([phone], now=now):
        raise TestModeRefused("listed")
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    if gate.test_phone == phone:
        return False
    if gate.state != RunState.STOPPED:
        raise TestModeRefused("running")
    if CallAttempt.objects.filter(campaign=gate).held().exists():
        raise TestModeRefused("calls_open")
    Campaign.objects.filter(pk=gate.pk).update(
        test_phone=phone, generation=gate.generation + 1
    )
    return True
