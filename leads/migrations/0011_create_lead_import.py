from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("leads", "0010_index_lead_status"),
    ]

    operations = [
        migrations.CreateModel(
            name="LeadImport",
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
                ("name", models.CharField(max_length=255, verbose_name="fichero")),
                (
                    "sha256",
                    models.CharField(
                        db_index=True, max_length=64, verbose_name="huella"
                    ),
                ),
                ("rows", models.PositiveIntegerField(default=0, verbose_name="filas")),
                (
                    "created",
                    models.PositiveIntegerField(default=0, verbose_name="nuevas"),
                ),
                (
                    "duplicates",
                    models.PositiveIntegerField(default=0, verbose_name="duplicadas"),
                ),
                (
                    "suppressed",
                    models.PositiveIntegerField(default=0, verbose_name="excluidas"),
                ),
                (
                    "rejected",
                    models.PositiveIntegerField(default=0, verbose_name="rechazadas"),
                ),
                (
                    "problems",
                    models.JSONField(
                        blank=True, default=list, verbose_name="problemas"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="fecha"
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
                        verbose_name="importado por",
                    ),
                ),
            ],
            options={
                "verbose_name": "importación",
                "verbose_name_plural": "importaciones",
                "db_table": "lead_imports",
            },
        ),
    ]
