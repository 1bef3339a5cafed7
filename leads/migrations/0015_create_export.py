from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0014_create_bulk_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
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
                    "format",
                    models.CharField(
                        choices=[
                            ("csv", "CSV"),
                            ("xlsx", "Excel"),
                            ("numbers", "Números para consultar"),
                        ],
                        max_length=10,
                        verbose_name="formato",
                    ),
                ),
                ("filter_query", models.TextField(blank=True, verbose_name="filtro")),
                ("rows", models.PositiveIntegerField(default=0, verbose_name="filas")),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="fecha"
                    ),
                ),
                (
                    "finished_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="terminada"
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
                        verbose_name="exportado por",
                    ),
                ),
            ],
            options={
                "verbose_name": "exportación",
                "verbose_name_plural": "exportaciones",
                "db_table": "lead_exports",
            },
        ),
    ]
