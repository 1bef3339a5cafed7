from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0023_lead_call_now"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="callback_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Llamada prometida para esa fecha y hora: va delante de la cola.",
                null=True,
                verbose_name="rellamada",
            ),
        ),
    ]
