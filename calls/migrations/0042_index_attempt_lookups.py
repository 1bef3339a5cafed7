from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0041_attempt_effects_due_at")]

    operations = [
        migrations.AddIndex(
            model_name="callattempt",
            index=models.Index(
                fields=["campaign", "next_lookup_at"], name="attempt_lookups"
            ),
        ),
    ]
