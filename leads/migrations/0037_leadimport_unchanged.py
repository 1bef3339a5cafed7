from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0036_leadimport_stored_as"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="unchanged",
            field=models.PositiveIntegerField(default=0, verbose_name="sin cambios"),
        ),
    ]
