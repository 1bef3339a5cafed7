from __future__ import annotations

from django.contrib.auth.management import create_permissions
from django.db import migrations

READ = ("view_collectedfield", "view_collectedvalue")
REVIEW = (*READ, "change_collectedvalue")
ROLES = {
    "operador": REVIEW,
    "supervisor": (*REVIEW, "add_collectedfield", "change_collectedfield"),
    "auditor": READ,
}


def grant(apps, schema_editor):
    """Whoever calls people settles what they said; how it is read is a supervisor's."""
    using = schema_editor.connection.alias
    # Django makes permissions after all migrations: these are needed now.
    config = apps.get_app_config("calls")
    module = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, using=using, verbosity=0)
    config.models_module = module
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for group in apps.get_model("auth", "Group").objects.using(using):
        codes = ROLES.get(group.name, ())
        found = permissions.filter(content_type__app_label="calls", codename__in=codes)
        group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [("calls", "0055_create_collected_value_change")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
