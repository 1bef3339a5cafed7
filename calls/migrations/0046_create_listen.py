from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0045_create_recording"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Listen",
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
                ("username", models.CharField(max_length=150, verbose_name="usuario")),
                ("at", models.DateTimeField(verbose_name="desde")),
                ("last_at", models.DateTimeField(verbose_name="hasta")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="quién",
                    ),
                ),
                (
                    "recording",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="listens",
                        to="calls.recording",
                        verbose_name="grabación",
                    ),
                ),
            ],
            options={
                "verbose_name": "escucha",
                "verbose_name_plural": "escuchas",
                "db_table": "recording_listens",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["recording", "by", "last_at"], name="listen_goes_on"
                    )
                ],
            },
        ),
    ]
