from __future__ import annotations

from django.db import migrations

from leads.search_text import search_text

BATCH = 2000


def fill(apps, schema_editor):
    """Leads from before they were found by one text."""
    leads = apps.get_model("leads", "Lead").objects
    last = 0
    while batch := list(leads.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for lead in batch:
            lead.search_text = search_text(lead)
        leads.bulk_update(batch, ["search_text"])
        last = batch[-1].pk


class Migration(migrations.Migration):
    # In batches, each committed: it can be interrupted and run again.
    atomic = False

    dependencies = [("leads", "0028_lead_search_text")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
