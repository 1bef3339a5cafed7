from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0003_campaign_state_known"),
    ]

    operations = [
        migrations.CreateModel(
            name="PearlAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("account_id", models.CharField(max_length=100, unique=True)),
                ("next_request_at", models.DateTimeField(blank=True, null=True)),
                ("blocked_until", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("breaker_until", models.DateTimeField(blank=True, null=True)),
                (
                    "credit_balance",
                    models.FloatField(blank=True, null=True, verbose_name="crédito"),
                ),
                (
                    "total_agents",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="agentes"
                    ),
                ),
                (
                    "checked_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="comprobada"
                    ),
                ),
                ("problem", models.TextField(blank=True, verbose_name="problema")),
            ],
            options={
                "verbose_name": "cuenta de Pearl",
                "verbose_name_plural": "cuenta de Pearl",
                "db_table": "pearl_accounts",
            },
        ),
    ]
