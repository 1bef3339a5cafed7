from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0027_suppression_created_by"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="search_text",
            field=models.CharField(blank=True, editable=False, max_length=400),
        ),
    ]
