from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0004_lead_disposition"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "call_status__in",
                        [
                            "no_selected",
                            "selected",
                            "calling",
                            "completed",
                            "error",
                            "busy",
                            "no_answer",
                        ],
                    )
                ),
                name="lead_call_status_known",
            ),
        ),
    ]
