from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0008_lead_no_selected_is_not_wanted"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                fields=[
                    "pearl_outbound_id",
                    "selected_for_calling",
                    "manual_management",
                    "call_priority",
                    "next_call_at",
                    "id",
                ],
                name="lead_queue",
            ),
        ),
    ]
