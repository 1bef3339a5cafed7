from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "__first__"),
        ("calls", "0060_create_appointment"),
    ]

    operations = [
        migrations.CreateModel(
            name="AppointmentEvent",
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
                    "appointment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="calls.appointment",
                        verbose_name="cita",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("made", "Cita propuesta"),
                            ("moved", "Cita cambiada"),
                            ("confirmed", "Cita confirmada"),
                            ("done", "Cita realizada"),
                            ("no_show", "No se presentó a la cita"),
                            ("cancelled", "Cita cancelada"),
                        ],
                        max_length=10,
                        verbose_name="qué",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="fecha")),
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
                ("text", models.TextField(blank=True, verbose_name="texto")),
                (
                    "changes",
                    models.JSONField(blank=True, default=dict, verbose_name="cambios"),
                ),
            ],
            options={
                "verbose_name": "suceso de una cita",
                "verbose_name_plural": "sucesos de citas",
                "db_table": "appointment_events",
            },
        ),
    ]
