from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import factory
from django.apps import apps
from django.db import connection
from django.utils import timezone
from factory.django import DjangoModelFactory

from calls.evidence import Evidence
from calls.models import (
    Appointment,
    CallAttempt,
    Campaign,
    Clinic,
    CollectedField,
    Resource,
    Run,
    RunState,
)
from calls.states import State
from calls.tests.names import OUTBOUND_ID, PEARL_ID
from leads.models import CallStatus
from leads.tests.factories import LeadFactory


class CampaignFactory(DjangoModelFactory):
    """A campaign that may dial at any hour, as only the simulator allows."""

    class Meta:
        model = Campaign

    name = "Citas de prueba"
    outbound_id = OUTBOUND_ID
    pearl_id = PEARL_ID
    always_open = True


class RunFactory(DjangoModelFactory):
    """Makes its campaign run."""

    class Meta:
        model = Run

    campaign = factory.SubFactory(CampaignFactory, state=RunState.RUNNING, generation=1)
    generation = factory.SelfAttribute("campaign.generation")
    started_at = factory.LazyFunction(timezone.now)


class AttemptFactory(DjangoModelFactory):
    """An attempt that Pearl accepted, of a lead that shows it."""

    class Meta:
        model = CallAttempt

    run = factory.SubFactory(RunFactory)
    campaign = factory.SelfAttribute("run.campaign")
    generation = factory.SelfAttribute("run.generation")
    lead = factory.SubFactory(
        LeadFactory, call_status=CallStatus.CALLING, next_call_at=None
    )
    phone = factory.SelfAttribute("lead.phone_e164")
    state = State.ACCEPTED
    verdict = "allowed"
    owner = "worker-a"
    lead_status_before = CallStatus.SELECTED
    claimed_at = factory.LazyFunction(timezone.now)
    send_started_at = factory.SelfAttribute("claimed_at")
    lease_expires_at = factory.SelfAttribute("claimed_at")
    open_lead_id = factory.SelfAttribute("lead.id")
    open_phone = factory.SelfAttribute("phone")
    pearl_request_id = factory.Sequence(lambda n: f"{n + 1:024x}")


def evidence_of(outcome: str) -> Evidence:
    """What Pearl's codes for such an ending are (pearl-api.md 2)."""
    codes = {
        "success": {"call_code": 4, "conversation_code": 100, "duration_seconds": 40},
        "blacklisted": {"call_code": 4, "conversation_code": 220},
        "failed": {"call_code": 6},
        "no_answer": {"call_code": 7},
    }
    return Evidence(**codes[outcome])


def seed_fields() -> None:
    """As migrated, though tests that empty the tables took them away."""
    if not CollectedField.objects.exists():
        migration = import_module("calls.migrations.0053_seed_collected_fields")
        migration.seed(apps, connection.schema_editor())


class ClinicFactory(DjangoModelFactory):
    """With one diary, as the admin makes it."""

    class Meta:
        model = Clinic
        skip_postgeneration_save = True

    name = factory.Sequence("Clínica {}".format)
    diary = factory.RelatedFactory(
        "calls.tests.factories.ResourceFactory", factory_related_name="clinic"
    )


class ResourceFactory(DjangoModelFactory):
    class Meta:
        model = Resource

    clinic = factory.SubFactory(ClinicFactory, diary=None)
    name = factory.Sequence("Agenda {}".format)


class AppointmentFactory(DjangoModelFactory):
    """Proposed, with a place in a diary."""

    class Meta:
        model = Appointment

    lead = factory.SubFactory(LeadFactory)
    resource = factory.SubFactory(ResourceFactory)
    clinic = factory.SelfAttribute("resource.clinic")
    starts_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=3))
    minutes = 30
