from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0018_create_list_answer"),
    ]

    operations = [
        migrations.CreateModel(
            name="LeadEvent",
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
                            ("created", "Alta"),
                            ("imported", "Actualizado por una importación"),
                            ("edited", "Datos modificados"),
                            ("changed", "Cambio en bloque"),
                            ("undone", "Cambio deshecho"),
                            ("note", "Nota"),
                            ("call_now", "Llamar ahora"),
                            ("callback", "Rellamada programada"),
                            ("callback_kept", "Rellamada hecha"),
                            ("callback_dropped", "Rellamada anulada"),
                            ("disposition", "Resultado comercial"),
                            ("merged", "Duplicado unido"),
                            ("excluded", "Excluido de las llamadas"),
                            ("test_call", "Llamada de prueba"),
                        ],
                        max_length=20,
                        verbose_name="qué",
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="fecha"
                    ),
                ),
                ("text", models.TextField(blank=True, verbose_name="texto")),
                (
                    "changes",
                    models.JSONField(blank=True, default=dict, verbose_name="cambios"),
                ),
                ("status_before", models.CharField(blank=True, max_length=20)),
                ("was_selected", models.BooleanField(default=False)),
                ("outbound_before", models.CharField(blank=True, max_length=100)),
                ("next_call_before", models.DateTimeField(blank=True, null=True)),
                (
                    "bulk_change",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="leads.bulkchange",
                        verbose_name="cambio en bloque",
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
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="leads.lead",
                        verbose_name="lead",
                    ),
                ),
                (
                    "lead_import",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="leads.leadimport",
                        verbose_name="importación",
                    ),
                ),
            ],
            options={
                "verbose_name": "suceso",
                "verbose_name_plural": "sucesos",
                "db_table": "lead_events",
            },
        ),
    ]
