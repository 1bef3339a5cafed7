from __future__ import annotations

import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0047_leadimport_source"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="queue_rank",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(call_now=True, then=models.Value(0)),
                    models.When(callback_at__isnull=False, then=models.Value(1)),
                    models.When(
                        call_status__in=["no_answer", "busy", "error"],
                        then=models.Value(2),
                    ),
                    default=django.db.models.expressions.CombinedExpression(
                        models.F("call_priority"), "+", models.Value(2)
                    ),
                ),
                output_field=models.IntegerField(),
                verbose_name="orden en la cola",
            ),
        ),
    ]
