from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0006_run_one_per_generation"),
    ]

    operations = [
        migrations.CreateModel(
            name="Worker",
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
                (
                    "identity",
                    models.CharField(
                        max_length=100, unique=True, verbose_name="identidad"
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="inicio")),
                (
                    "heartbeat_at",
                    models.DateTimeField(db_index=True, verbose_name="último latido"),
                ),
                (
                    "stopped_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="fin"),
                ),
                (
                    "serving",
                    models.BooleanField(default=False, verbose_name="espera órdenes"),
                ),
            ],
            options={
                "verbose_name": "proceso",
                "verbose_name_plural": "procesos",
                "db_table": "workers",
            },
        ),
    ]
