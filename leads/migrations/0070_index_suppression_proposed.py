from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0069_remove_lead_lead_search")]

    operations = [
        migrations.AddIndex(
            model_name="suppression",
            index=models.Index(fields=["proposed", "id"], name="suppression_proposed"),
        )
    ]
