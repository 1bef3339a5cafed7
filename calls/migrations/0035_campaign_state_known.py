from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0034_campaign_paused"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["stopped", "running", "paused", "stopping"])
                ),
                name="campaign_state_known",
            ),
        ),
    ]
