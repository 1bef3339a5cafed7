from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0015_create_export"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportSource",
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
                    "name",
                    models.CharField(
                        max_length=100, unique=True, verbose_name="procedencia"
                    ),
                ),
                (
                    "mapping",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Por cabecera del fichero, el campo del lead.",
                        verbose_name="columnas",
                    ),
                ),
                (
                    "consent_source",
                    models.CharField(
                        blank=True,
                        max_length=200,
                        verbose_name="origen del consentimiento",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, verbose_name="modificado"),
                ),
            ],
            options={
                "verbose_name": "procedencia",
                "verbose_name_plural": "procedencias",
                "db_table": "import_sources",
            },
        ),
    ]
