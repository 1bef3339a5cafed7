from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0037_leadimport_unchanged"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="undone_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="deshecha"),
        ),
    ]
