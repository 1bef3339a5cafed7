from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0020_lead_options"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="leadimport",
            options={
                "permissions": [("import_lead", "Puede importar leads")],
                "verbose_name": "importación",
                "verbose_name_plural": "importaciones",
            },
        ),
    ]
