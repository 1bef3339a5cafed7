from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0011_create_lead_import"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="lead_import",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="leads",
                to="leads.leadimport",
                verbose_name="importación",
            ),
        ),
    ]
