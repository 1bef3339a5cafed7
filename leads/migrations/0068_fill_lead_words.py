from __future__ import annotations

from django.db import migrations

from leads import word_index


def fill(apps, schema_editor):
    """Those of leads from before there were triggers."""
    word_index.fill(schema_editor.connection)


class Migration(migrations.Migration):
    # In batches, each committed: it can be interrupted and run again.
    atomic = False

    dependencies = [("leads", "0067_lead_words_triggers")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
