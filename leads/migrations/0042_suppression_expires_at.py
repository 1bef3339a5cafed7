from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0041_suppression_checked_on"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="expires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Vacío: no caduca. Pasada la fecha, deja de impedir llamadas.",
                null=True,
                verbose_name="caduca",
            ),
        ),
    ]
