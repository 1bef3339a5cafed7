"""The API against its own published schema: whatever is asked, no server error, and
nothing answered that the schema does not say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from calls.api.urls import api
from calls.models import ApiToken, KeptAnswer, Scope
from calls.tests.factories import AttemptFactory
from leads.tests.factories import LeadFactory
from tuotempo.wsgi import application

pytestmark = pytest.mark.django_db


SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema())
SCHEMA.app = application
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}


@pytest.fixture(autouse=True)
def _one_transaction():
    """As Django's own client: a request must not close the test's connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token():
    user = User.objects.create_superuser("todo")
    later = timezone.now() + timedelta(days=1)
    made = ApiToken.issue(user, name="x", scopes=Scope.values, expires_at=later)
    AttemptFactory()
    LeadFactory.create_batch(3)
    return made[1]


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_endpoint_answers_as_the_schema_says(request, token, label):
    if "502" in OPERATIONS[label].definition.raw["responses"]:
        request.getfixturevalue("simulator")
    # A search of signs alone, or both ids and a filter: no schema can say it.
    excluded = [positive_data_acceptance] if "leads" in label else []

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: Any) -> None:
        cache.clear()  # or it would be asked to wait
        KeptAnswer.objects.all().delete()  # or a key would be of another request
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    ask()
