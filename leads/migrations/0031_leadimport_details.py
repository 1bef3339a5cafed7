from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0030_leadimport_consent_source"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="details",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Muestras, avisos y columnas que no se usan.",
                verbose_name="detalle",
            ),
        ),
    ]
