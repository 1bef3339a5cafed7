from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0009_attempt_state_known"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="callattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ended"), _negated=True),
                    models.Q(("outcome", ""), _negated=True),
                    _connector="OR",
                ),
                name="attempt_ended_has_outcome",
            ),
        ),
    ]
