from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0034_leadimport_mapping"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="state",
            field=models.CharField(
                choices=[
                    ("uploaded", "Columnas por revisar"),
                    ("read", "Por confirmar"),
                    ("running", "Importándose"),
                    ("done", "Hecha"),
                    ("failed", "Fallida"),
                    ("undone", "Deshecha"),
                ],
                default="done",
                max_length=10,
                verbose_name="estado",
            ),
        ),
    ]
