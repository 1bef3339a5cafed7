from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0019_index_event_result"),
    ]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="lead_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
