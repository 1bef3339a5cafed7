from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0021_leadimport_options"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_queue",
        ),
    ]
