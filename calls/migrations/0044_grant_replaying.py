from __future__ import annotations

from django.contrib.auth.management import create_permissions
from django.db import migrations


def grant(apps, schema_editor):
    """Supervisors may have Pearl's webhooks read again."""
    using = schema_editor.connection.alias
    # Django makes permissions after all migrations: this one is needed now.
    config = apps.get_app_config("calls")
    module = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, using=using, verbosity=0)
    config.models_module = module
    permission_model = apps.get_model("auth", "Permission")
    found = permission_model.objects.using(using).filter(
        content_type__app_label="calls", codename="change_pearlevent"
    )
    group_model = apps.get_model("auth", "Group")
    for group in group_model.objects.using(using).filter(name="supervisor"):
        group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [("calls", "0043_index_attempt_effects")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
