from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0024_callattempt_is_test"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="claims_made",
            field=models.PositiveBigIntegerField(
                default=0, help_text="Every fifth turn goes to whoever waits longest."
            ),
        ),
    ]
