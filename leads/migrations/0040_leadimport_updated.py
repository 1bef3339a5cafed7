from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0039_leadimport_update_existing"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="updated",
            field=models.PositiveIntegerField(default=0, verbose_name="actualizadas"),
        ),
    ]
