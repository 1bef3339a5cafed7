from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0025_campaign_claims_made"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="test_phone",
            field=models.CharField(
                blank=True,
                help_text="Modo de prueba: todas las llamadas van a este número.",
                max_length=16,
                verbose_name="teléfono de prueba",
            ),
        ),
    ]
