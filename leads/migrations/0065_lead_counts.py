from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0064_index_lead_priority"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                fields=["pearl_outbound_id", "call_status"], name="lead_counts"
            ),
        ),
    ]
