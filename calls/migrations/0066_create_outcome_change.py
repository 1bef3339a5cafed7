from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0065_create_rereading"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OutcomeChange",
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
                    "before",
                    models.CharField(
                        choices=[
                            ("", "Sin resultado"),
                            ("success", "Objetivo logrado"),
                            ("not_successful", "Atendida sin éxito"),
                            ("conversation", "Atendida"),
                            ("voicemail", "Buzón de voz"),
                            ("too_brief", "Sin conversación"),
                            ("busy", "Ocupado"),
                            ("no_answer", "No contesta"),
                            ("unreachable", "Ilocalizable"),
                            ("failed", "Fallida"),
                            ("blacklisted", "Bloqueada en Pearl"),
                            ("provider_error", "Error de Pearl"),
                            ("cancelled", "Cancelada"),
                        ],
                        max_length=20,
                        verbose_name="antes",
                    ),
                ),
                (
                    "after",
                    models.CharField(
                        choices=[
                            ("", "Sin resultado"),
                            ("success", "Objetivo logrado"),
                            ("not_successful", "Atendida sin éxito"),
                            ("conversation", "Atendida"),
                            ("voicemail", "Buzón de voz"),
                            ("too_brief", "Sin conversación"),
                            ("busy", "Ocupado"),
                            ("no_answer", "No contesta"),
                            ("unreachable", "Ilocalizable"),
                            ("failed", "Fallida"),
                            ("blacklisted", "Bloqueada en Pearl"),
                            ("provider_error", "Error de Pearl"),
                            ("cancelled", "Cancelada"),
                        ],
                        max_length=20,
                        verbose_name="después",
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(verbose_name="versión de la tabla"),
                ),
                ("at", models.DateTimeField(verbose_name="fecha")),
                (
                    "reason",
                    models.CharField(blank=True, max_length=200, verbose_name="motivo"),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcome_changes",
                        to="calls.callattempt",
                        verbose_name="intento",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="quién",
                    ),
                ),
                (
                    "rereading",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="calls.rereading",
                        verbose_name="relectura",
                    ),
                ),
            ],
            options={
                "verbose_name": "cambio de resultado",
                "verbose_name_plural": "cambios de resultado",
                "db_table": "outcome_changes",
            },
        ),
    ]
