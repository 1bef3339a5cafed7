from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0036_campaign_pearl_status"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ControlEvent",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("started", "Iniciada"),
                            ("paused", "En pausa"),
                            ("resumed", "Reanudada"),
                            ("stopped", "Detenida"),
                            ("ended", "Terminada"),
                            ("limit", "Llamadas simultáneas"),
                            ("pearl_off", "Pausada en Pearl"),
                            ("pearl_on", "Reactivada en Pearl"),
                        ],
                        max_length=20,
                        verbose_name="qué",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="fecha")),
                (
                    "values",
                    models.JSONField(blank=True, default=dict, verbose_name="valores"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="calls.campaign",
                        verbose_name="campaña",
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
                        verbose_name="quién",
                    ),
                ),
            ],
            options={
                "verbose_name": "cambio de control",
                "verbose_name_plural": "cambios de control",
                "db_table": "control_events",
            },
        ),
    ]
