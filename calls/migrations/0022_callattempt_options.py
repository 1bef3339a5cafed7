from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0021_call_attempt_end_heard_at"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="callattempt",
            options={
                "permissions": [
                    ("settle_callattempt", "Puede aclarar llamadas por revisar")
                ],
                "verbose_name": "intento",
                "verbose_name_plural": "intentos",
            },
        ),
    ]
