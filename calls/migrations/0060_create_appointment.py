from __future__ import annotations

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "__first__"),
        ("calls", "0059_create_resource"),
    ]

    operations = [
        migrations.CreateModel(
            name="Appointment",
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
                    "uid",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to="leads.lead",
                        verbose_name="lead",
                    ),
                ),
                (
                    "attempt",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointment",
                        to="calls.callattempt",
                        verbose_name="llamada",
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to="calls.clinic",
                        verbose_name="clínica",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to="calls.resource",
                        verbose_name="agenda",
                    ),
                ),
                (
                    "starts_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="comienzo"
                    ),
                ),
                ("minutes", models.PositiveSmallIntegerField(verbose_name="minutos")),
                (
                    "asked_date",
                    models.DateField(
                        blank=True, null=True, verbose_name="día acordado"
                    ),
                ),
                (
                    "asked_time",
                    models.TimeField(
                        blank=True, null=True, verbose_name="hora acordada"
                    ),
                ),
                (
                    "review",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Nada que revisar"),
                            ("no_clinic", "el lead no dice su clínica"),
                            ("unknown_clinic", "su clínica no está dada de alta"),
                            (
                                "no_resource",
                                "la clínica no tiene ninguna agenda abierta",
                            ),
                            ("no_zone", "no se sabe qué hora es donde vive"),
                            ("past", "esa hora ya había pasado"),
                            ("far", "esa fecha queda a más de un año"),
                            (
                                "skipped",
                                "esa hora no existe: ese día se adelanta el reloj",
                            ),
                            (
                                "twice",
                                "esa hora ocurre dos veces: ese día se atrasa el reloj",
                            ),
                            ("taken", "esa hora ya estaba ocupada"),
                        ],
                        default="",
                        max_length=20,
                        verbose_name="por revisar",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Propuesta"),
                            ("confirmed", "Confirmada"),
                            ("done", "Realizada"),
                            ("no_show", "No presentada"),
                            ("cancelled", "Cancelada"),
                        ],
                        default="proposed",
                        max_length=10,
                        verbose_name="estado",
                    ),
                ),
                (
                    "cancel_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "—"),
                            ("patient", "La cancela el paciente"),
                            ("clinic", "La cancela la clínica"),
                            ("mistake", "No se acordó: error de la llamada"),
                            ("other", "Otro motivo"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="motivo de la cancelación",
                    ),
                ),
                (
                    "held_resource_id",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                models.Q(("state", "cancelled"), _negated=True),
                                then=models.F("resource"),
                            )
                        ),
                        output_field=models.BigIntegerField(null=True),
                    ),
                ),
                ("sequence", models.PositiveIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="creada"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="creada por",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="modificada"
                    ),
                ),
            ],
            options={
                "verbose_name": "cita",
                "verbose_name_plural": "citas",
                "db_table": "appointments",
                "indexes": [
                    models.Index(
                        fields=["clinic", "starts_at"], name="appointment_clinic"
                    ),
                    models.Index(
                        fields=["state", "starts_at"], name="appointment_state"
                    ),
                    models.Index(fields=["starts_at"], name="appointment_start"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("held_resource_id", "starts_at"),
                        name="appointment_place_is_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "proposed",
                                    "confirmed",
                                    "done",
                                    "no_show",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="appointment_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("clinic__isnull", False),
                                ("resource__isnull", False),
                                ("review", ""),
                                ("starts_at__isnull", False),
                            ),
                            models.Q(
                                models.Q(("review", ""), _negated=True),
                                ("resource__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="appointment_has_place_or_review",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("review", ""),
                            ("state__in", ["proposed", "cancelled"]),
                            _connector="OR",
                        ),
                        name="appointment_reviewed_before_confirmed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state", "cancelled"),
                                models.Q(("cancel_reason", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "cancelled"), _negated=True),
                                ("cancel_reason", ""),
                            ),
                            _connector="OR",
                        ),
                        name="appointment_cancelled_has_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minutes__gt", 0), ("minutes__lte", 480)),
                        name="appointment_lasts",
                    ),
                ],
            },
        ),
    ]
