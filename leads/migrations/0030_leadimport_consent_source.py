from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0029_fill_search_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="leadimport",
            name="consent_source",
            field=models.CharField(
                blank=True, max_length=200, verbose_name="origen del consentimiento"
            ),
        ),
    ]
