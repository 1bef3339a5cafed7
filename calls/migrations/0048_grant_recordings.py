from __future__ import annotations

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = {
    "operador": ("view_recording",),
    "supervisor": (
        *("view_recording", "change_recording", "delete_recording"),
        "view_listen",
    ),
    "auditor": ("view_recording", "view_listen"),
}


def grant(apps, schema_editor):
    """All three hear what they may read already; each listen is logged. What is heard
    wrongly or kept too long is a supervisor's, and who listened is not an operator's."""
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
        found = permissions.filter(content_type__app_label="calls", codename__in=names)
        for group in groups.filter(name=role):
            group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [("calls", "0047_expect_recordings")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
