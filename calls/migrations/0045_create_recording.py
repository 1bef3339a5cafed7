from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("calls", "0044_grant_replaying")]

    operations = [
        migrations.CreateModel(
            name="Recording",
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
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Por copiar"),
                            ("kept", "Guardada"),
                            ("gone", "Ya no existe"),
                            ("refused", "Rechazada"),
                            ("failed", "No se pudo copiar"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="situación",
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, max_length=300, verbose_name="motivo"),
                ),
                ("called_at", models.DateTimeField(verbose_name="llamada")),
                (
                    "tries",
                    models.PositiveIntegerField(
                        default=0, verbose_name="intentos de copia"
                    ),
                ),
                (
                    "next_try_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="próximo intento"
                    ),
                ),
                (
                    "stored_as",
                    models.CharField(
                        blank=True, max_length=100, verbose_name="fichero"
                    ),
                ),
                (
                    "content_type",
                    models.CharField(blank=True, max_length=40, verbose_name="tipo"),
                ),
                (
                    "size",
                    models.PositiveBigIntegerField(
                        blank=True, null=True, verbose_name="tamaño (bytes)"
                    ),
                ),
                ("sha256", models.CharField(blank=True, max_length=64)),
                (
                    "kept_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="guardada"
                    ),
                ),
                (
                    "attempt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recording",
                        to="calls.callattempt",
                        verbose_name="intento",
                    ),
                ),
            ],
            options={
                "verbose_name": "grabación",
                "verbose_name_plural": "grabaciones",
                "db_table": "recordings",
                "default_permissions": ("view", "change", "delete"),
                "constraints": [
                    models.CheckConstraint(
                        name="recording_waits_or_not",
                        condition=Q(state="waiting", next_try_at__isnull=False)
                        | ~Q(state="waiting") & Q(next_try_at__isnull=True),
                    )
                ],
                "indexes": [
                    models.Index(fields=["state", "next_try_at"], name="recording_due"),
                    models.Index(fields=["state", "called_at"], name="recording_age"),
                ],
            },
        ),
    ]
