from __future__ import annotations

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN_BY_ALL = """
    leads.view_lead leads.view_leadevent leads.view_leadimport leads.view_importsource
    leads.view_bulkchange leads.view_suppression leads.view_listanswer
    leads.view_savedview calls.view_campaign calls.view_run calls.view_callattempt
    calls.view_worker calls.view_pearlaccount
"""
OPERADOR = """
    leads.add_lead leads.change_lead leads.select_lead leads.add_suppression
    leads.add_savedview leads.change_savedview leads.delete_savedview
    calls.run_campaign
"""
SUPERVISOR = """
    leads.delete_lead leads.import_lead leads.add_leadimport leads.add_importsource
    leads.change_importsource leads.export_lead leads.view_export leads.merge_lead
    leads.change_suppression leads.delete_suppression leads.add_listanswer
    calls.add_campaign calls.change_campaign calls.test_campaign
    calls.settle_callattempt calls.view_pearlevent
"""
AUDITOR = "leads.view_export calls.view_pearlevent"

ROLES = {
    "operador": SEEN_BY_ALL + OPERADOR,
    "supervisor": SEEN_BY_ALL + OPERADOR + SUPERVISOR,
    "auditor": SEEN_BY_ALL + AUDITOR,
}


def create_roles(apps, schema_editor):
    """Three groups to start from; what people have added to them is kept."""
    using = schema_editor.connection.alias
    for label in ("leads", "calls"):
        # Django makes permissions after all migrations: these are needed now.
        config = apps.get_app_config(label)
        module = getattr(config, "models_module", None)
        config.models_module = True
        create_permissions(config, apps=apps, using=using, verbosity=0)
        config.models_module = module
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    for role, names in ROLES.items():
        group, _made = group_model.objects.using(using).get_or_create(name=role)
        for name in names.split():
            app, codename = name.split(".")
            permission = permission_model.objects.using(using).get(
                content_type__app_label=app, codename=codename
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("calls", "0027_run_test_phone"),
        ("leads", "0062_suppression_once_a_list"),
    ]

    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
