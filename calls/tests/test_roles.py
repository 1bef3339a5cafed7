"""Three roles from the start, and what each of them may do."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

pytestmark = pytest.mark.django_db

TABLE = {
    "leads.view_lead": "operador supervisor auditor",
    "leads.change_lead": "operador supervisor",
    "leads.select_lead": "operador supervisor",
    "leads.add_suppression": "operador supervisor",
    "leads.delete_suppression": "supervisor",
    "leads.import_lead": "supervisor",
    "leads.export_lead": "supervisor",
    "leads.merge_lead": "supervisor",
    "leads.delete_lead": "supervisor",
    "leads.view_export": "supervisor auditor",
    "calls.view_campaign": "operador supervisor auditor",
    "calls.run_campaign": "operador supervisor",
    "calls.change_campaign": "supervisor",
    "calls.test_campaign": "supervisor",
    "calls.settle_callattempt": "supervisor",
    "calls.view_appointment": "operador supervisor auditor",
    "calls.add_appointment": "operador supervisor",
    "calls.change_appointment": "operador supervisor",
    "calls.delete_appointment": "",
    "calls.view_clinic": "operador supervisor auditor",
    "calls.change_clinic": "supervisor",
    "calls.change_resource": "supervisor",
    "calls.correct_callattempt": "operador supervisor",
    "calls.view_outcometable": "operador supervisor auditor",
    "calls.add_outcometable": "supervisor",
    "calls.add_rereading": "supervisor",
    "calls.view_pearlevent": "supervisor auditor",
    "calls.change_pearlevent": "supervisor",
    "calls.view_recording": "operador supervisor auditor",
    "calls.delete_recording": "supervisor",
    "calls.view_listen": "supervisor auditor",
    "calls.view_collectedvalue": "operador supervisor auditor",
    "calls.change_collectedvalue": "operador supervisor",
    "calls.view_collectedfield": "operador supervisor auditor",
    "calls.change_collectedfield": "supervisor",
    "calls.add_collectedfield": "supervisor",
    "calls.delete_callattempt": "",
    "auth.change_user": "",
}


# The migrations that give permissions later on.
GRANTS = [
    "0044_grant_replaying",
    "0048_grant_recordings",
    "0056_grant_collected",
    "0062_grant_appointments",
    "0071_grant_outcomes",
]


@pytest.fixture(autouse=True)
def roles():
    """As migrated, though tests that empty the tables took the groups away."""
    editor = connection.schema_editor()
    import_module("calls.migrations.0028_create_roles").create_roles(apps, editor)
    for name in GRANTS:
        import_module(f"calls.migrations.{name}").grant(apps, editor)


@pytest.mark.parametrize("role", ["operador", "supervisor", "auditor"])
def test_each_role_may_do_what_the_table_says(role, django_user_model):
    user = django_user_model.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))

    allowed = {name for name in TABLE if user.has_perm(name)}

    assert allowed == {name for name, who in TABLE.items() if role in who.split()}


def test_an_auditor_can_change_nothing_at_all():
    auditor = Group.objects.get(name="auditor")

    codes = auditor.permissions.values_list("codename", flat=True)

    assert all(code.startswith("view_") for code in codes)
