from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0029_alter_callattempt_campaign"),
    ]

    operations = [
        migrations.AlterField(
            model_name="callattempt",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="leads.lead",
                verbose_name="lead",
            ),
        ),
    ]
