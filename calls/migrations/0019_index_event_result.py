from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0018_create_pearl_event"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="pearlevent",
            index=models.Index(fields=["result", "id"], name="event_result"),
        ),
    ]
