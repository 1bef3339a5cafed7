from __future__ import annotations

from django.db import migrations

from leads.phones import phone_hash

BATCH = 1000


def fill(apps, schema_editor):
    """Numbers from before there were hashes."""
    suppressions = apps.get_model("leads", "Suppression").objects
    while batch := list(suppressions.filter(phone_hash="")[:BATCH]):
        for one in batch:
            one.phone_hash = phone_hash(one.phone_e164)
        suppressions.bulk_update(batch, ["phone_hash"])


class Migration(migrations.Migration):
    # In batches, each committed: it can be interrupted and run again.
    atomic = False

    dependencies = [("leads", "0044_suppression_phone_hash")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
