from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0005_create_run"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                fields=("campaign", "generation"), name="run_one_per_generation"
            ),
        ),
    ]
