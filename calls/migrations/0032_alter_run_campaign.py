from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0031_alter_callattempt_run"),
    ]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="calls.campaign",
                verbose_name="campaña",
            ),
        ),
    ]
