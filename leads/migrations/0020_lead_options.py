from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0019_create_lead_event"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="lead",
            options={
                "permissions": [
                    ("select_lead", "Puede poner leads en cola y quitarlos"),
                    ("export_lead", "Puede exportar leads"),
                    ("merge_lead", "Puede unir leads duplicados"),
                ],
                "verbose_name": "lead",
                "verbose_name_plural": "leads",
            },
        ),
    ]
