from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0017_index_attempt_closed"),
    ]

    operations = [
        migrations.CreateModel(
            name="PearlEvent",
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
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("body", models.TextField(verbose_name="cuerpo")),
                ("received_at", models.DateTimeField(verbose_name="recibido")),
                (
                    "times_seen",
                    models.PositiveIntegerField(default=1, verbose_name="veces"),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("new", "Sin procesar"),
                            ("applied", "Aplicado"),
                            ("unmatched", "Sin intento conocido"),
                            ("unreadable", "Ilegible"),
                        ],
                        default="new",
                        max_length=12,
                        verbose_name="proceso",
                    ),
                ),
                (
                    "error",
                    models.CharField(blank=True, max_length=200, verbose_name="error"),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="calls.callattempt",
                        verbose_name="intento",
                    ),
                ),
            ],
            options={
                "verbose_name": "aviso de Pearl",
                "verbose_name_plural": "avisos de Pearl",
                "db_table": "pearl_events",
            },
        ),
    ]
