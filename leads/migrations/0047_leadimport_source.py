from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0046_alter_suppression_phone_e164"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="source",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="imports",
                to="leads.importsource",
                verbose_name="procedencia",
            ),
        ),
    ]
