from __future__ import annotations

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0007_create_worker"),
        ("leads", "0013_create_suppression"),
    ]

    operations = [
        migrations.CreateModel(
            name="CallAttempt",
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
                    "token",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
                ),
                ("generation", models.PositiveIntegerField()),
                ("phone", models.CharField(max_length=16, verbose_name="número")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("claimed", "Preparada"),
                            ("released", "Devuelta a la cola"),
                            ("dialing", "Enviándose"),
                            ("not_sent", "No enviada"),
                            ("rejected", "Rechazada por Pearl"),
                            ("accepted", "En curso"),
                            ("unknown", "Sin confirmar"),
                            ("not_placed", "No realizada"),
                            ("manual", "Por revisar"),
                            ("ended", "Terminada"),
                        ],
                        default="claimed",
                        max_length=12,
                        verbose_name="situación",
                    ),
                ),
                ("verdict", models.CharField(max_length=30, verbose_name="veredicto")),
                ("owner", models.CharField(max_length=100, verbose_name="proceso")),
                ("lease_expires_at", models.DateTimeField()),
                (
                    "counted",
                    models.BooleanField(
                        default=False, verbose_name="cuenta como llamada"
                    ),
                ),
                (
                    "lead_status_before",
                    models.CharField(
                        choices=[
                            ("no_selected", "Sin seleccionar"),
                            ("selected", "En cola"),
                            ("calling", "Llamando"),
                            ("completed", "Completada"),
                            ("error", "Error"),
                            ("busy", "Ocupado"),
                            ("no_answer", "No contesta"),
                        ],
                        max_length=20,
                    ),
                ),
                ("lead_was_wanted", models.BooleanField(blank=True, null=True)),
                (
                    "open_lead_id",
                    models.BigIntegerField(blank=True, null=True, unique=True),
                ),
                (
                    "open_phone",
                    models.CharField(blank=True, max_length=16, null=True, unique=True),
                ),
                ("claimed_at", models.DateTimeField(verbose_name="preparado")),
                (
                    "send_started_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="enviado"),
                ),
                (
                    "accepted_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="aceptado"
                    ),
                ),
                (
                    "closed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="cerrado"),
                ),
                ("next_lookup_at", models.DateTimeField(blank=True, null=True)),
                ("absences", models.PositiveIntegerField(default=0)),
                (
                    "pearl_request_id",
                    models.CharField(
                        blank=True,
                        max_length=24,
                        null=True,
                        unique=True,
                        verbose_name="petición en Pearl",
                    ),
                ),
                (
                    "pearl_call_id",
                    models.CharField(
                        blank=True,
                        max_length=24,
                        null=True,
                        unique=True,
                        verbose_name="llamada en Pearl",
                    ),
                ),
                ("queue_position", models.IntegerField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
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
                        verbose_name="resultado",
                    ),
                ),
                (
                    "call_code",
                    models.IntegerField(
                        blank=True, null=True, verbose_name="código de llamada"
                    ),
                ),
                (
                    "conversation_code",
                    models.IntegerField(
                        blank=True, null=True, verbose_name="código de conversación"
                    ),
                ),
                (
                    "request_code",
                    models.IntegerField(
                        blank=True, null=True, verbose_name="código de petición"
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="comienzo"
                    ),
                ),
                (
                    "duration_seconds",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="duración (s)"
                    ),
                ),
                (
                    "recording_url",
                    models.CharField(
                        blank=True, max_length=500, verbose_name="grabación"
                    ),
                ),
                ("summary", models.TextField(blank=True, verbose_name="resumen")),
                (
                    "transcript",
                    models.JSONField(
                        blank=True, default=list, verbose_name="transcripción"
                    ),
                ),
                (
                    "collected_info",
                    models.JSONField(
                        blank=True, default=dict, verbose_name="datos recogidos"
                    ),
                ),
                (
                    "tags",
                    models.JSONField(
                        blank=True, default=list, verbose_name="etiquetas"
                    ),
                ),
                (
                    "sentiment",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="sentimiento"
                    ),
                ),
                ("error", models.TextField(blank=True, verbose_name="motivo")),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="leads.lead",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="calls.campaign",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="calls.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "intento",
                "verbose_name_plural": "intentos",
                "db_table": "call_attempts",
            },
        ),
    ]
