from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0039_grant_api_tokens")]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="confirmed_at",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="confirmado"
            ),
        ),
    ]
