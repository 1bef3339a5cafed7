from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0003_lead_next_call_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="disposition",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "Sin resultado"),
                    ("appointment", "Cita"),
                    ("call_back", "Volver a llamar"),
                    ("not_interested", "No interesado"),
                    ("wrong_number", "Número erróneo"),
                    ("do_not_call", "No llamar más"),
                ],
                default="",
                max_length=20,
                verbose_name="resultado comercial",
            ),
        ),
    ]
