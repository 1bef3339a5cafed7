from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0026_campaign_test_phone"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="test_phone",
            field=models.CharField(
                blank=True, max_length=16, verbose_name="teléfono de prueba"
            ),
        ),
    ]
