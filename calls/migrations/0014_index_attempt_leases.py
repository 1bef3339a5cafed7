from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0013_index_attempt_lines"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callattempt",
            index=models.Index(
                fields=["state", "lease_expires_at"], name="attempt_leases"
            ),
        ),
    ]
