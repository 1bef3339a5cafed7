from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0045_fill_suppression_hashes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="suppression",
            name="phone_e164",
            field=models.CharField(
                blank=True, db_index=True, max_length=16, verbose_name="teléfono"
            ),
        ),
    ]
