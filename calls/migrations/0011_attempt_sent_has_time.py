from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0010_attempt_ended_has_outcome"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="callattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["claimed", "released"]),
                    ("send_started_at__isnull", False),
                    _connector="OR",
                ),
                name="attempt_sent_has_time",
            ),
        ),
    ]
