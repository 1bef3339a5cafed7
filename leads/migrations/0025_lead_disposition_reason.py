from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0024_lead_callback_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="disposition_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "Sin motivo"),
                    ("already_has", "Ya tiene cita o ya lo hizo"),
                    ("other_centre", "Va a otro centro"),
                    ("no_time", "No le viene bien ahora"),
                    ("price", "Por el precio"),
                    ("not_a_patient", "Ya no es paciente"),
                    ("other", "Otro motivo"),
                ],
                default="",
                max_length=20,
                verbose_name="motivo",
            ),
        ),
    ]
