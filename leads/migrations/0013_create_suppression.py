from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0012_lead_lead_import"),
    ]

    operations = [
        migrations.CreateModel(
            name="Suppression",
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
                    "phone_e164",
                    models.CharField(
                        max_length=16, unique=True, verbose_name="teléfono"
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, max_length=200, verbose_name="motivo"),
                ),
                (
                    "source",
                    models.CharField(blank=True, max_length=100, verbose_name="origen"),
                ),
                (
                    "proposed",
                    models.BooleanField(
                        default=False,
                        help_text="La propuso el sistema: retiene el número hasta que se revise.",
                        verbose_name="propuesta",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="fecha"
                    ),
                ),
            ],
            options={
                "verbose_name": "número excluido",
                "verbose_name_plural": "lista de exclusión",
                "db_table": "suppressions",
            },
        ),
    ]
