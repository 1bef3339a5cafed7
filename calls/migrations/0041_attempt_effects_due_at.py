from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0040_attempt_confirmed_at")]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="effects_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
