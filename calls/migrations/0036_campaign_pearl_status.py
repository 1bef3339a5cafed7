from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0035_campaign_state_known"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="pearl_status",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="estado en Pearl"
            ),
        ),
    ]
