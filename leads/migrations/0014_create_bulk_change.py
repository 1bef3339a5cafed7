from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0013_create_suppression"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkChange",
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
                    "verb",
                    models.CharField(
                        choices=[
                            ("select", "Poner en cola"),
                            ("deselect", "Quitar de la cola"),
                            ("priority", "Cambiar la prioridad"),
                            ("reset", "Olvidar los intentos y errores"),
                            ("manual", "Pasar a gestión manual"),
                            ("automatic", "Devolver al sistema"),
                            ("campaign", "Asignar campaña"),
                            ("disposition", "Asignar resultado comercial"),
                            ("exclude", "Excluir de las llamadas"),
                            ("call_now", "Llamar ahora"),
                        ],
                        max_length=15,
                        verbose_name="acción",
                    ),
                ),
                (
                    "values",
                    models.JSONField(blank=True, default=dict, verbose_name="valores"),
                ),
                ("filter_query", models.TextField(blank=True, verbose_name="filtro")),
                (
                    "changed",
                    models.PositiveIntegerField(default=0, verbose_name="cambiados"),
                ),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="fecha"
                    ),
                ),
                (
                    "undone_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="deshecho"
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
                        verbose_name="hecho por",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="deshecho por",
                    ),
                ),
            ],
            options={
                "verbose_name": "cambio en bloque",
                "verbose_name_plural": "cambios en bloque",
                "db_table": "bulk_changes",
            },
        ),
    ]
