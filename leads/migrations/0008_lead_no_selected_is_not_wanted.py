from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0007_lead_selected_is_wanted"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("call_status", "no_selected"), _negated=True),
                    ("selected_for_calling", False),
                    _connector="OR",
                ),
                name="lead_no_selected_is_not_wanted",
            ),
        ),
    ]
