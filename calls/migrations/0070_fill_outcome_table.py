from __future__ import annotations

from django.db import migrations

CODES = [
    [4, 100, "success"],
    [4, 110, "not_successful"],
    [4, 130, "conversation"],
    [4, 70, "voicemail"],
    [4, 10, "too_brief"],
    [4, 150, "unreachable"],
    [4, 500, "provider_error"],
    [4, 200, "provider_error"],
    [5, None, "busy"],
    [5, 150, "unreachable"],
    [6, None, "failed"],
    [6, 150, "unreachable"],
    [7, None, "no_answer"],
    [7, 150, "unreachable"],
]
# Outcome: call status, contacted, positive, do not call again, retry.
MEANINGS = {
    "success": ("completed", True, True, False, False),
    "not_successful": ("completed", True, False, False, False),
    "conversation": ("completed", True, False, False, False),
    "voicemail": ("no_answer", False, False, False, True),
    "too_brief": ("no_answer", False, False, False, True),
    "no_answer": ("no_answer", False, False, False, True),
    "unreachable": ("no_answer", False, False, False, True),
    "busy": ("busy", False, False, False, True),
    "failed": ("error", False, False, False, True),
    "blacklisted": ("error", False, False, True, False),
    "provider_error": ("error", False, False, False, True),
    "cancelled": ("error", False, False, False, True),
}


def fill(apps, schema_editor):
    """As the code had it until now. What a campaign retries, it goes on retrying."""
    using = schema_editor.connection.alias
    campaigns = apps.get_model("calls", "Campaign").objects.using(using)
    retried = set()
    for minutes in campaigns.values_list("retry_minutes", flat=True):
        if isinstance(minutes, dict):
            retried |= {outcome for outcome, waits in minutes.items() if waits}
    meanings = {
        outcome: {
            "call_status": status,
            "disposition": "",
            "contacted": contacted,
            "positive": positive,
            "do_not_call": never,
            "retry": retry or (outcome in retried and not never),
        }
        for outcome, (status, contacted, positive, never, retry) in MEANINGS.items()
    }
    apps.get_model("calls", "OutcomeTable").objects.using(using).create(
        codes=CODES, meanings=meanings, reason="Como estaba en el programa."
    )


def empty(apps, schema_editor):
    using = schema_editor.connection.alias
    apps.get_model("calls", "OutcomeTable").objects.using(using).all().delete()


class Migration(migrations.Migration):
    dependencies = [("calls", "0069_callattempt_options")]

    operations = [migrations.RunPython(fill, empty)]
