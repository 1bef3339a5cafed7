from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="call_status",
            field=models.CharField(
                choices=[
                    ("no_selected", "Sin seleccionar"),
                    ("selected", "En cola"),
                    ("calling", "Llamando"),
                    ("completed", "Completada"),
                    ("error", "Error"),
                    ("busy", "Ocupado"),
                    ("no_answer", "No contesta"),
                ],
                default="no_selected",
                max_length=20,
                verbose_name="estado",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="call_priority",
            field=models.IntegerField(
                choices=[
                    (1, "1 · alta"),
                    (2, "2"),
                    (3, "3 · normal"),
                    (4, "4"),
                    (5, "5 · baja"),
                ],
                default=3,
                verbose_name="prioridad",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="selected_for_calling",
            field=models.BooleanField(default=False, verbose_name="seleccionado"),
        ),
        migrations.AddField(
            model_name="lead",
            name="pearl_outbound_id",
            field=models.CharField(
                blank=True, max_length=100, null=True, verbose_name="campaña de Pearl"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="last_call_attempt",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="último intento"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="call_attempts_count",
            field=models.IntegerField(default=0, verbose_name="intentos"),
        ),
        migrations.AddField(
            model_name="lead",
            name="call_error_message",
            field=models.TextField(blank=True, null=True, verbose_name="error"),
        ),
        migrations.AddField(
            model_name="lead",
            name="pearl_call_response",
            field=models.TextField(
                blank=True, null=True, verbose_name="última respuesta de Pearl"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="call_notes",
            field=models.TextField(blank=True, null=True, verbose_name="notas"),
        ),
        migrations.AddField(
            model_name="lead",
            name="updated_at",
            field=models.DateTimeField(auto_now=True, verbose_name="modificado"),
        ),
    ]
