from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0043_suppression_list"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="phone_hash",
            field=models.CharField(
                blank=True, editable=False, max_length=64, verbose_name="huella"
            ),
        ),
    ]
