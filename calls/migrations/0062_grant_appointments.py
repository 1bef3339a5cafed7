from __future__ import annotations

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN_BY_ALL = "view_appointment view_clinic view_resource"
OPERADOR = SEEN_BY_ALL + " add_appointment change_appointment"
SUPERVISOR = OPERADOR + (
    " add_clinic change_clinic delete_clinic"
    " add_resource change_resource delete_resource"
)
ROLES = {"operador": OPERADOR, "supervisor": SUPERVISOR, "auditor": SEEN_BY_ALL}


def grant(apps, schema_editor):
    """Whoever changes leads makes appointments; clinics are a supervisor's."""
    using = schema_editor.connection.alias
    # Django makes permissions after all migrations: these are needed now.
    config = apps.get_app_config("calls")
    module = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, using=using, verbosity=0)
    config.models_module = module
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for group in apps.get_model("auth", "Group").objects.using(using).all():
        codenames = ROLES.get(group.name, "").split()
        found = permissions.filter(
            content_type__app_label="calls", codename__in=codenames
        )
        group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [("calls", "0061_create_appointment_event")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
