from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0002_campaign_limit_is_positive"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["stopped", "running", "stopping"])),
                name="campaign_state_known",
            ),
        ),
    ]
