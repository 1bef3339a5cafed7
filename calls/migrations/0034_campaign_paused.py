from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0033_campaign_state_unchecked"),
    ]

    operations = [
        migrations.AlterField(
            model_name="campaign",
            name="state",
            field=models.CharField(
                choices=[
                    ("stopped", "Detenida"),
                    ("running", "Llamando"),
                    ("paused", "En pausa"),
                    ("stopping", "Deteniéndose"),
                ],
                default="stopped",
                max_length=10,
                verbose_name="estado",
            ),
        ),
    ]
