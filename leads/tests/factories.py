from __future__ import annotations

from datetime import UTC, datetime

import factory
from factory.django import DjangoModelFactory

from leads.models import CallStatus, Consent, Lead, Suppression

OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"  # the simulator's campaign
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class SuppressionFactory(DjangoModelFactory):
    class Meta:
        model = Suppression

    phone_e164 = factory.Sequence("+34699{:06d}".format)
    reason = "Petición del interesado"


class LeadFactory(DjangoModelFactory):
    """A lead that could be called now. Tests state only what they change about that."""

    class Meta:
        model = Lead

    first_name = factory.Sequence("Persona {}".format)
    last_name = "Inventada"
    phone = factory.SelfAttribute("phone_e164")
    # The simulator gives the last two digits 01 to 10 an outcome of their own.
    phone_e164 = factory.Sequence("+346{:06d}50".format)
    city = "Madrid"
    postal_code = "28001"
    community = "MD"
    time_zone = "Europe/Madrid"
    consent = Consent.GIVEN
    call_status = CallStatus.SELECTED
    selected_for_calling = True
    pearl_outbound_id = OUTBOUND_ID
    next_call_at = LONG_AGO
