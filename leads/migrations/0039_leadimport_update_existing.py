from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0038_leadimport_undone_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="update_existing",
            field=models.BooleanField(
                default=True, verbose_name="actualizar los que ya están"
            ),
        ),
    ]
