from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0012_attempt_held_has_its_slots"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callattempt",
            index=models.Index(fields=["campaign", "state"], name="attempt_lines"),
        ),
    ]
