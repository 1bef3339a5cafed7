from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0017_create_saved_view"),
    ]

    operations = [
        migrations.CreateModel(
            name="ListAnswer",
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
                    "list",
                    models.CharField(
                        choices=[
                            ("request", "Petición del interesado"),
                            ("robinson", "Lista Robinson"),
                            ("wrong_number", "Número erróneo"),
                            ("provider", "Bloqueado en Pearl"),
                            ("internal", "Decisión del centro"),
                        ],
                        max_length=15,
                        verbose_name="lista",
                    ),
                ),
                ("answered_on", models.DateField(verbose_name="fecha de la respuesta")),
                ("name", models.CharField(max_length=255, verbose_name="fichero")),
                ("sha256", models.CharField(max_length=64, verbose_name="huella")),
                ("rows", models.PositiveIntegerField(default=0, verbose_name="filas")),
                (
                    "added",
                    models.PositiveIntegerField(default=0, verbose_name="añadidos"),
                ),
                (
                    "renewed",
                    models.PositiveIntegerField(default=0, verbose_name="renovados"),
                ),
                (
                    "rejected",
                    models.PositiveIntegerField(default=0, verbose_name="rechazados"),
                ),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="importada"
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
                        verbose_name="importada por",
                    ),
                ),
                (
                    "export",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="answers",
                        to="leads.export",
                        verbose_name="consulta",
                    ),
                ),
            ],
            options={
                "verbose_name": "respuesta de una lista",
                "verbose_name_plural": "respuestas de listas",
                "db_table": "list_answers",
            },
        ),
    ]
