from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0048_lead_queue_rank"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                fields=[
                    "pearl_outbound_id",
                    "selected_for_calling",
                    "manual_management",
                    "queue_rank",
                    "next_call_at",
                    "id",
                ],
                name="lead_queue",
            ),
        ),
    ]
