from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0066_create_outcome_change"),
    ]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="outcome_version",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="versión de la tabla"
            ),
        ),
    ]
