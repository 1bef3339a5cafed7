from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0005_lead_call_status_known"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("call_priority__in", [1, 2, 3, 4, 5])),
                name="lead_call_priority_known",
            ),
        ),
    ]
