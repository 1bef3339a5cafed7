from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0042_index_attempt_lookups")]

    operations = [
        migrations.AddIndex(
            model_name="callattempt",
            index=models.Index(fields=["effects_due_at"], name="attempt_effects"),
        ),
    ]
