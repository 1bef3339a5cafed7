from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("calls", "0004_create_pearl_account"),
    ]

    operations = [
        migrations.CreateModel(
            name="Run",
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
                ("generation", models.PositiveIntegerField(verbose_name="generación")),
                ("started_at", models.DateTimeField(verbose_name="inicio")),
                (
                    "until_empty",
                    models.BooleanField(
                        default=False,
                        help_text="Termina ella sola.",
                        verbose_name="hasta vaciar la cola",
                    ),
                ),
                (
                    "call_limit",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="llamadas como máximo"
                    ),
                ),
                (
                    "stop_requested_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="parada"),
                ),
                (
                    "ended_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="fin"),
                ),
                (
                    "end_reason",
                    models.TextField(blank=True, verbose_name="motivo del fin"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="calls.campaign",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="iniciada por",
                    ),
                ),
                (
                    "stopped_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="detenida por",
                    ),
                ),
            ],
            options={
                "verbose_name": "ejecución",
                "verbose_name_plural": "ejecuciones",
                "db_table": "runs",
            },
        ),
    ]
