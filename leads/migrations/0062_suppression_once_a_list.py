from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0061_index_lead_external"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.UniqueConstraint(
                fields=("phone_hash", "list"), name="suppression_once_a_list"
            ),
        ),
    ]
