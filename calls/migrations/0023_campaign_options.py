from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0022_callattempt_options"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="campaign",
            options={
                "permissions": [
                    ("run_campaign", "Puede iniciar y detener llamadas"),
                    ("test_campaign", "Puede activar el modo de prueba"),
                ],
                "verbose_name": "campaña",
                "verbose_name_plural": "campañas",
            },
        ),
    ]
