from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0002_add_call_fields"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="next_call_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Vacío: no espera turno (fuera de la cola, en llamada o retenido).",
                null=True,
                verbose_name="próxima llamada",
            ),
        ),
    ]
