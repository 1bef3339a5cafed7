from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0040_leadimport_updated"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="checked_on",
            field=models.DateField(
                blank=True,
                help_text="Fecha de la respuesta de la lista que lo dice.",
                null=True,
                verbose_name="consultada el",
            ),
        ),
    ]
