from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0008_create_call_attempt"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="callattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "claimed",
                            "released",
                            "dialing",
                            "not_sent",
                            "rejected",
                            "accepted",
                            "unknown",
                            "not_placed",
                            "manual",
                            "ended",
                        ],
                    )
                ),
                name="attempt_state_known",
            ),
        ),
    ]
