from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0035_leadimport_state"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="stored_as",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
