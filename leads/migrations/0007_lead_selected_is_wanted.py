from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0006_lead_call_priority_known"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("call_status", "selected"), _negated=True),
                    ("selected_for_calling", True),
                    _connector="OR",
                ),
                name="lead_selected_is_wanted",
            ),
        ),
    ]
