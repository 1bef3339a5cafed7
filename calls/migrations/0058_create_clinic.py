from __future__ import annotations

import django.core.validators
from django.db import migrations, models

import calls.models.appointment


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0057_create_opt_out"),
    ]

    operations = [
        migrations.CreateModel(
            name="Clinic",
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
                    "name",
                    models.CharField(
                        max_length=200, unique=True, verbose_name="nombre"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True,
                        help_text="El que traen los leads en «id de clínica».",
                        max_length=60,
                        null=True,
                        unique=True,
                        verbose_name="id de clínica",
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True, max_length=255, verbose_name="dirección"
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="Europe/Madrid",
                        max_length=40,
                        validators=[calls.models.appointment.check_time_zone],
                        verbose_name="huso horario",
                    ),
                ),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(480),
                        ],
                        verbose_name="minutos por cita",
                    ),
                ),
                (
                    "feed_token",
                    models.CharField(
                        blank=True,
                        editable=False,
                        max_length=64,
                        null=True,
                        unique=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "clínica",
                "verbose_name_plural": "clínicas",
                "db_table": "clinics",
            },
        ),
    ]
