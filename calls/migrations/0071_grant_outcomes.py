from __future__ import annotations

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN_BY_ALL = "view_outcometable view_rereading view_outcomechange"
ROLES = {
    "operador": f"{SEEN_BY_ALL} correct_callattempt",
    "supervisor": f"{SEEN_BY_ALL} correct_callattempt add_outcometable add_rereading",
    "auditor": SEEN_BY_ALL,
}


def grant(apps, schema_editor):
    """Who reads calls may correct one; what codes mean for all is the supervisors'."""
    using = schema_editor.connection.alias
    # Django makes permissions after all migrations: these are needed now.
    config = apps.get_app_config("calls")
    module = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, using=using, verbosity=0)
    config.models_module = module
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    for role, names in ROLES.items():
        found = permissions.filter(
            content_type__app_label="calls", codename__in=names.split()
        )
        for group in groups.filter(name=role):
            group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [("calls", "0070_fill_outcome_table")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
