from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0042_suppression_expires_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="list",
            field=models.CharField(
                choices=[
                    ("request", "Petición del interesado"),
                    ("robinson", "Lista Robinson"),
                    ("wrong_number", "Número erróneo"),
                    ("provider", "Bloqueado en Pearl"),
                    ("internal", "Decisión del centro"),
                ],
                default="request",
                max_length=15,
                verbose_name="lista",
            ),
        ),
    ]
