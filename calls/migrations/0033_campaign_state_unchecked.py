from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0032_alter_run_campaign"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="campaign", name="campaign_state_known"),
    ]
