"""The files that leads come from, and what became of their rows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ImportSource(models.Model):
    """Where files come from, and how their columns were understood last time."""

    name = models.CharField(_("procedencia"), max_length=100, unique=True)
    mapping = models.JSONField(
        _("columnas"),
        default=dict,
        blank=True,
        help_text=_("Por cabecera del fichero, el campo del lead."),
    )
    consent_source = models.CharField(
        _("origen del consentimiento"), max_length=200, blank=True
    )
    updated_at = models.DateTimeField(_("modificado"), auto_now=True)

    class Meta:
        db_table = "import_sources"
        verbose_name = _("procedencia")
        verbose_name_plural = _("procedencias")

    def __str__(self) -> str:
        return self.name


class LeadImport(models.Model):
    """One file of leads, and what became of its rows."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Columnas por revisar")
        READ = "read", _("Por confirmar")
        RUNNING = "running", _("Importándose")
        DONE = "done", _("Hecha")
        FAILED = "failed", _("Fallida")
        UNDONE = "undone", _("Deshecha")

    name = models.CharField(_("fichero"), max_length=255)
    sha256 = models.CharField(_("huella"), max_length=64, db_index=True)
    state = models.CharField(
        _("estado"), max_length=10, choices=State.choices, default=State.DONE
    )
    source = models.ForeignKey(
        ImportSource,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="imports",
        verbose_name=_("procedencia"),
    )
    stored_as = models.CharField(max_length=64, blank=True)
    mapping = models.JSONField(_("columnas"), default=dict, blank=True)
    consent_source = models.CharField(
        _("origen del consentimiento"), max_length=200, blank=True
    )
    update_existing = models.BooleanField(
        _("actualizar los que ya están"), default=True
    )
    rows = models.PositiveIntegerField(_("filas"), default=0)
    created = models.PositiveIntegerField(_("nuevas"), default=0)
    updated = models.PositiveIntegerField(_("actualizadas"), default=0)
    unchanged = models.PositiveIntegerField(_("sin cambios"), default=0)
    duplicates = models.PositiveIntegerField(_("duplicadas"), default=0)
    suppressed = models.PositiveIntegerField(_("excluidas"), default=0)
    rejected = models.PositiveIntegerField(_("rechazadas"), default=0)
    problems = models.JSONField(_("problemas"), default=list, blank=True)
    details = models.JSONField(
        _("detalle"),
        default=dict,
        blank=True,
        help_text=_("Muestras, avisos y columnas que no se usan."),
    )
    error = models.TextField(_("error"), blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("importado por"),
    )
    created_at = models.DateTimeField(_("fecha"), default=timezone.now)
    done_at = models.DateTimeField(_("terminada"), null=True, blank=True)
    undone_at = models.DateTimeField(_("deshecha"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("deshecha por"),
    )

    class Meta:
        db_table = "lead_imports"
        verbose_name = _("importación")
        verbose_name_plural = _("importaciones")
        permissions = [("import_lead", _("Puede importar leads"))]

    def __str__(self) -> str:
        return self.name
