from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0058_create_clinic"),
    ]

    operations = [
        migrations.CreateModel(
            name="Resource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="calls.clinic",
                        verbose_name="clínica",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        default="Agenda", max_length=100, verbose_name="agenda"
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Cerrada, no admite citas nuevas.",
                        verbose_name="abierta",
                    ),
                ),
            ],
            options={
                "verbose_name": "agenda",
                "verbose_name_plural": "agendas",
                "db_table": "clinic_resources",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("clinic", "name"), name="resource_name_is_one"
                    )
                ],
            },
        ),
    ]
