from __future__ import annotations

import django.core.validators
import django.utils.timezone
from django.db import migrations, models

import calls.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Campaign",
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
                ("name", models.CharField(max_length=150, verbose_name="nombre")),
                (
                    "outbound_id",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        verbose_name="id de campaña en Pearl (v1)",
                    ),
                ),
                (
                    "pearl_id",
                    models.CharField(
                        blank=True,
                        help_text="Se lee en la dirección de la campaña en la web de Pearl.",
                        max_length=100,
                        verbose_name="id de Pearl (v2)",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("stopped", "Detenida"),
                            ("running", "Llamando"),
                            ("stopping", "Deteniéndose"),
                        ],
                        default="stopped",
                        max_length=10,
                        verbose_name="estado",
                    ),
                ),
                (
                    "generation",
                    models.PositiveIntegerField(default=0, verbose_name="generación"),
                ),
                (
                    "state_reason",
                    models.TextField(
                        blank=True,
                        help_text="Por qué el sistema la detuvo o espera.",
                        verbose_name="motivo",
                    ),
                ),
                (
                    "max_concurrent_calls",
                    models.PositiveIntegerField(
                        default=calls.models.default_max_concurrent_calls,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="llamadas simultáneas",
                    ),
                ),
                (
                    "max_attempts",
                    models.PositiveIntegerField(
                        default=3,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="intentos como máximo",
                    ),
                ),
                (
                    "timeout_seconds",
                    models.PositiveIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(60),
                        ],
                        verbose_name="espera a Pearl (s)",
                    ),
                ),
                (
                    "weekly_hours",
                    models.JSONField(
                        blank=True,
                        default=calls.models.default_weekly_hours,
                        help_text='Por ejemplo {"mon": [["09:00", "14:00"], ["16:00", "21:00"]]}.',
                        verbose_name="horario semanal",
                    ),
                ),
                (
                    "on_holidays",
                    models.BooleanField(
                        default=False, verbose_name="llamar en festivos"
                    ),
                ),
                (
                    "close_margin_seconds",
                    models.PositiveIntegerField(
                        default=120, verbose_name="cierre anticipado (s)"
                    ),
                ),
                (
                    "always_open",
                    models.BooleanField(
                        default=False,
                        help_text="Solo para el simulador: con Pearl de verdad no se deja empezar.",
                        verbose_name="abierta a cualquier hora",
                    ),
                ),
                (
                    "requires_consent",
                    models.BooleanField(
                        default=True, verbose_name="exige consentimiento"
                    ),
                ),
                (
                    "min_gap_minutes",
                    models.PositiveIntegerField(
                        default=60, verbose_name="minutos entre llamadas a un número"
                    ),
                ),
                (
                    "max_per_day",
                    models.PositiveIntegerField(
                        default=3,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="llamadas por número y día",
                    ),
                ),
                (
                    "retry_minutes",
                    models.JSONField(
                        blank=True,
                        default=calls.models.default_retry_minutes,
                        help_text="Minutos de espera tras cada intento, por resultado.",
                        verbose_name="reintentos",
                    ),
                ),
                (
                    "pearl_agents",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="agentes en Pearl"
                    ),
                ),
                (
                    "checked_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="comprobada"
                    ),
                ),
                ("next_poll_at", models.DateTimeField(blank=True, null=True)),
                ("next_sweep_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "campaña",
                "verbose_name_plural": "campañas",
                "db_table": "campaigns",
            },
        ),
    ]
