"""The migrations say all that the models do, and one thing each."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

pytestmark = pytest.mark.django_db


def test_the_models_ask_for_no_further_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_each_migration_is_one_operation():
    """MySQL commits each; the ten call fields are given as one migration."""
    ours = [
        (f"{app}/{name}", len(migration.operations))
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        if app in ("leads", "calls", "tuotempo")
    ]

    assert [one for one in ours if one[1] != 1] == [("leads/0002_add_call_fields", 10)]
