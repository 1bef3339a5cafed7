from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0031_leadimport_details"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="done_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="terminada"),
        ),
    ]
