from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("leads", "0068_fill_lead_words")]

    operations = [migrations.RemoveIndex(model_name="lead", name="lead_search")]
