from __future__ import annotations

from django.db import migrations

from calls import said


def fill(apps, schema_editor):
    """Those of calls from before there were words."""
    using = schema_editor.connection.alias
    said.fill(
        apps.get_model("calls", "CallAttempt").objects.using(using),
        apps.get_model("calls", "SaidWord").objects.using(using),
    )


class Migration(migrations.Migration):
    # In batches, each committed: it can be interrupted and run again.
    atomic = False

    dependencies = [("calls", "0049_said_words")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
