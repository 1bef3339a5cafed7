from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0011_attempt_sent_has_time"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="callattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "state__in",
                            ("claimed", "dialing", "accepted", "unknown", "manual"),
                        ),
                        ("open_lead_id__isnull", False),
                        ("open_phone__isnull", False),
                    ),
                    models.Q(
                        models.Q(
                            (
                                "state__in",
                                ("claimed", "dialing", "accepted", "unknown", "manual"),
                            ),
                            _negated=True,
                        ),
                        ("open_lead_id__isnull", True),
                        ("open_phone__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="attempt_held_has_its_slots",
            ),
        ),
    ]
