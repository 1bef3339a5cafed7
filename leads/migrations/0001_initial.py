from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Lead",
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
                    "first_name",
                    models.CharField(blank=True, max_length=120, verbose_name="nombre"),
                ),
                (
                    "last_name",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="apellidos"
                    ),
                ),
                (
                    "phone",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="teléfono"
                    ),
                ),
                (
                    "phone_alt",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="teléfono 2"
                    ),
                ),
                (
                    "phone_e164",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        max_length=16,
                        verbose_name="teléfono normalizado",
                    ),
                ),
                (
                    "phone_alt_e164",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        max_length=16,
                        verbose_name="teléfono 2 normalizado",
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True, max_length=254, verbose_name="correo"
                    ),
                ),
                (
                    "city",
                    models.CharField(blank=True, max_length=120, verbose_name="ciudad"),
                ),
                (
                    "province",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="provincia"
                    ),
                ),
                (
                    "postal_code",
                    models.CharField(
                        blank=True, max_length=10, verbose_name="código postal"
                    ),
                ),
                (
                    "community",
                    models.CharField(
                        blank=True,
                        help_text="Código ISO 3166-2; decide los festivos. Sin él, cuentan todos.",
                        max_length=3,
                        verbose_name="comunidad autónoma",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        help_text="Sin huso horario no se llama: no se sabe qué hora es allí.",
                        max_length=40,
                        verbose_name="huso horario",
                    ),
                ),
                (
                    "national_id",
                    models.CharField(blank=True, max_length=20, verbose_name="NIF"),
                ),
                (
                    "birth_date",
                    models.DateField(
                        blank=True, null=True, verbose_name="fecha de nacimiento"
                    ),
                ),
                (
                    "sex",
                    models.CharField(blank=True, max_length=10, verbose_name="sexo"),
                ),
                (
                    "policy_number",
                    models.CharField(blank=True, max_length=60, verbose_name="póliza"),
                ),
                (
                    "segment",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="segmento"
                    ),
                ),
                (
                    "certificate",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="certificado"
                    ),
                ),
                (
                    "delegation",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="delegación"
                    ),
                ),
                (
                    "clinic_name",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="clínica"
                    ),
                ),
                (
                    "clinic_id",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="id de clínica"
                    ),
                ),
                (
                    "clinic_address",
                    models.CharField(
                        blank=True, max_length=255, verbose_name="dirección de clínica"
                    ),
                ),
                (
                    "source_file",
                    models.CharField(
                        blank=True, max_length=255, verbose_name="archivo de origen"
                    ),
                ),
                (
                    "source_row",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="fila de origen"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, max_length=100, verbose_name="id externo"
                    ),
                ),
                (
                    "manual_management",
                    models.BooleanField(
                        default=False,
                        help_text="Lo atiende una persona: el sistema no lo llama.",
                        verbose_name="gestión manual",
                    ),
                ),
                (
                    "consent",
                    models.CharField(
                        choices=[
                            ("unknown", "No consta"),
                            ("given", "Dado"),
                            ("refused", "Denegado"),
                        ],
                        default="unknown",
                        max_length=10,
                        verbose_name="consentimiento",
                    ),
                ),
                (
                    "consent_source",
                    models.CharField(
                        blank=True,
                        max_length=200,
                        verbose_name="origen del consentimiento",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="creado"
                    ),
                ),
            ],
            options={
                "verbose_name": "lead",
                "verbose_name_plural": "leads",
                "db_table": "leads",
            },
        ),
    ]
