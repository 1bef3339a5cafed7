from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0030_alter_callattempt_lead"),
    ]

    operations = [
        migrations.AlterField(
            model_name="callattempt",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="calls.run",
                verbose_name="ejecución",
            ),
        ),
    ]
