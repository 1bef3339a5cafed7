from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0067_callattempt_outcome_version"),
    ]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="corrected_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Una persona dijo cómo acabó: lo que diga Pearl no lo cambia.",
                null=True,
                verbose_name="corregido",
            ),
        ),
    ]
