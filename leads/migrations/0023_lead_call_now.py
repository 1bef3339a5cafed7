from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0022_drop_index_lead_queue"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="call_now",
            field=models.BooleanField(default=False, verbose_name="llamar ahora"),
        ),
    ]
