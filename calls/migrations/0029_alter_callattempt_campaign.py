from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0028_create_roles"),
        ("leads", "0063_index_lead_nif"),
    ]

    operations = [
        migrations.AlterField(
            model_name="callattempt",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="calls.campaign",
                verbose_name="campaña",
            ),
        ),
    ]
