from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0068_callattempt_corrected_at"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="callattempt",
            options={
                "permissions": [
                    ("settle_callattempt", "Puede aclarar llamadas por revisar"),
                    ("correct_callattempt", "Puede corregir el resultado de llamadas"),
                ],
                "verbose_name": "intento",
                "verbose_name_plural": "intentos",
            },
        ),
    ]
