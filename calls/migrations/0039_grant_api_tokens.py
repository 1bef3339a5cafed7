from __future__ import annotations

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = ("operador", "supervisor")
NAMES = ("add_apitoken", "view_apitoken")


def grant(apps, schema_editor):
    """Whoever may do something here may let a program do it; auditors only look."""
    using = schema_editor.connection.alias
    # Django makes permissions after all migrations: these are needed now.
    config = apps.get_app_config("calls")
    module = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, using=using, verbosity=0)
    config.models_module = module
    permission_model = apps.get_model("auth", "Permission")
    found = permission_model.objects.using(using).filter(
        content_type__app_label="calls", codename__in=NAMES
    )
    group_model = apps.get_model("auth", "Group")
    for group in group_model.objects.using(using).filter(name__in=ROLES):
        group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [("calls", "0038_api_token")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
