from __future__ import annotations

from django.db import migrations
from django.utils import timezone

BATCH = 1000


def expect(apps, schema_editor):
    """A row for each recording that calls of before have: they are copied as well."""
    using = schema_editor.connection.alias
    attempts = apps.get_model("calls", "CallAttempt").objects.using(using)
    recordings = apps.get_model("calls", "Recording").objects.using(using)
    last, now = 0, timezone.now()
    while True:
        rows = list(
            attempts.filter(pk__gt=last)
            .order_by("pk")
            .values_list("pk", "claimed_at", "recording_url")[:BATCH]
        )
        if not rows:
            return
        last = rows[-1][0]
        recordings.bulk_create(
            [
                recordings.model(attempt_id=pk, called_at=at, next_try_at=now)
                for pk, at, url in rows
                if url
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    # In batches, each committed: it can be interrupted and run again.
    atomic = False

    dependencies = [("calls", "0046_create_listen")]

    operations = [migrations.RunPython(expect, migrations.RunPython.noop)]
