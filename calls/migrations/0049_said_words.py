from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from calls import said


def create(apps, schema_editor):
    said.create_table(schema_editor.connection)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE said_words")


class Migration(migrations.Migration):
    dependencies = [("calls", "0048_grant_recordings")]

    # By hand: MySQL would compare its words without case, and SQLite keep two copies.
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(create, drop)],
            state_operations=[
                migrations.CreateModel(
                    name="SaidWord",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "word",
                                "attempt",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("word", models.CharField(max_length=60)),
                        (
                            "attempt",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="said",
                                to="calls.callattempt",
                            ),
                        ),
                    ],
                    options={"db_table": "said_words", "default_permissions": ()},
                ),
            ],
        )
    ]
