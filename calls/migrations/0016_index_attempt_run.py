from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0015_index_attempt_phone"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callattempt",
            index=models.Index(fields=["run", "state", "outcome"], name="attempt_run"),
        ),
    ]
