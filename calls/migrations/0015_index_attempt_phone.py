from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0014_index_attempt_leases"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callattempt",
            index=models.Index(
                fields=["phone", "send_started_at"], name="attempt_phone"
            ),
        ),
    ]
