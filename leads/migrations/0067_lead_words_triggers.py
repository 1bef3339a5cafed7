from __future__ import annotations

from django.db import migrations

from leads import word_index


def create(apps, schema_editor):
    word_index.ensure_triggers(schema_editor.connection)


def drop(apps, schema_editor):
    word_index.drop_triggers(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("leads", "0066_lead_words")]

    operations = [migrations.RunPython(create, drop)]
