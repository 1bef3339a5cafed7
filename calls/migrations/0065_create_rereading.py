from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0064_create_outcome_table"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Rereading",
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
                ("version", models.PositiveIntegerField(verbose_name="versión")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("counting", "Contando"),
                            ("counted", "Contada"),
                            ("doing", "Cambiando"),
                            ("done", "Hecha"),
                            ("dropped", "Descartada"),
                        ],
                        default="counting",
                        max_length=10,
                        verbose_name="situación",
                    ),
                ),
                ("last_id", models.BigIntegerField(default=0)),
                ("up_to_id", models.BigIntegerField()),
                (
                    "seen",
                    models.PositiveBigIntegerField(
                        default=0, verbose_name="llamadas miradas"
                    ),
                ),
                ("counted", models.JSONField(default=dict, verbose_name="contadas")),
                ("done", models.JSONField(default=dict, verbose_name="cambiadas")),
                (
                    "leads_changed",
                    models.PositiveBigIntegerField(
                        default=0, verbose_name="leads cambiados"
                    ),
                ),
                (
                    "made_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="fecha"
                    ),
                ),
                (
                    "finished_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="terminada"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="quién",
                    ),
                ),
            ],
            options={
                "verbose_name": "relectura del historial",
                "verbose_name_plural": "relecturas del historial",
                "db_table": "outcome_rereadings",
            },
        ),
    ]
