from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0032_leadimport_done_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="error",
            field=models.TextField(blank=True, verbose_name="error"),
        ),
    ]
