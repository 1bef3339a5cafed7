from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0023_campaign_options"),
    ]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="is_test",
            field=models.BooleanField(
                default=False,
                help_text="Sonó el teléfono de prueba.",
                verbose_name="prueba",
            ),
        ),
    ]
