from __future__ import annotations

from django.db import migrations
from django.utils import timezone

# The variables that calls have been seen to collect (pearl-api.md 5.2, 9.12).
FIELDS = (
    {
        "label": "Día deseado",
        "names": ["fechaDeseada"],
        "kind": "date",
        "formats": ["day_first", "year_first", "month_named"],
        "ahead": True,
        "meaning": "wished_date",
        "order": 10,
    },
    {
        "label": "Hora deseada",
        "names": ["horaDeseada"],
        "kind": "time",
        "formats": ["clock", "clock_12"],
        "meaning": "wished_time",
        "order": 20,
    },
    {
        "label": "Prefiere",
        "names": ["preferenciaMT"],
        "kind": "choice",
        "choices": [
            {
                "code": "morning",
                "label": "Por la mañana",
                "words": ["mañana", "mañanas", "de mañana"],
            },
            {
                "code": "afternoon",
                "label": "Por la tarde",
                "words": ["tarde", "tardes", "de tarde"],
            },
        ],
        "meaning": "prefers",
        "order": 30,
    },
    {
        "label": "Interesado",
        "names": ["interesado"],
        "kind": "yes_no",
        "meaning": "is_interested",
        "order": 40,
    },
    {
        "label": "Tratamiento",
        "names": ["sr_sra"],
        "kind": "choice",
        "choices": [
            {"code": "sr", "label": "Señor", "words": ["don"]},
            {"code": "sra", "label": "Señora", "words": ["doña", "srta", "señorita"]},
        ],
        "order": 50,
        # The agent is told it rather than tells it.
        "active": False,
    },
)
BLANK = {"formats": [], "choices": [], "ahead": False, "meaning": None, "active": True}


def seed(apps, schema_editor):
    using = schema_editor.connection.alias
    fields = apps.get_model("calls", "CollectedField").objects.using(using)
    changes = apps.get_model("calls", "CollectedFieldChange").objects.using(using)
    for columns in FIELDS:
        whole = BLANK | columns
        made = fields.create(**whole)
        changes.create(field=made, version=1, at=timezone.now(), after=whole)


class Migration(migrations.Migration):
    dependencies = [("calls", "0052_create_collected_field_change")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
