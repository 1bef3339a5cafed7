from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0033_leadimport_error"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="mapping",
            field=models.JSONField(blank=True, default=dict, verbose_name="columnas"),
        ),
    ]
