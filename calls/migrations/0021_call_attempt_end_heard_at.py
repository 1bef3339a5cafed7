from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0020_call_attempt_lead_due_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="end_heard_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
