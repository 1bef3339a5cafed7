from __future__ import annotations

from django.db import migrations, models

from leads import word_index


def create(apps, schema_editor):
    word_index.create_table(schema_editor.connection)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE lead_words")


class Migration(migrations.Migration):
    dependencies = [("leads", "0065_lead_counts")]

    # By hand: MySQL would compare its words without case, and SQLite keep two copies.
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(create, drop)],
            state_operations=[
                migrations.CreateModel(
                    name="LeadWord",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "word",
                                "lead_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("word", models.CharField(max_length=60)),
                        ("lead_id", models.BigIntegerField()),
                        ("search_text", models.CharField(max_length=440)),
                    ],
                    options={"db_table": "lead_words", "default_permissions": ()},
                ),
            ],
        )
    ]
