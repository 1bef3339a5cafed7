"""What people did to leads, one by one or many at once: who, what and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads.models.imports import LeadImport
from leads.models.lead import Lead


class BulkChange(models.Model):
    """One thing done to many leads at once: by whom, to which, and how many it was."""

    class Verb(models.TextChoices):
        SELECT = "select", _("Poner en cola")
        DESELECT = "deselect", _("Quitar de la cola")
        PRIORITY = "priority", _("Cambiar la prioridad")
        RESET = "reset", _("Olvidar los intentos y errores")
        MANUAL = "manual", _("Pasar a gestión manual")
        AUTOMATIC = "automatic", _("Devolver al sistema")
        CAMPAIGN = "campaign", _("Asignar campaña")
        DISPOSITION = "disposition", _("Asignar resultado comercial")
        EXCLUDE = "exclude", _("Excluir de las llamadas")
        CALL_NOW = "call_now", _("Llamar ahora")

    verb = models.CharField(_("acción"), max_length=15, choices=Verb.choices)
    values = models.JSONField(_("valores"), default=dict, blank=True)
    filter_query = models.TextField(_("filtro"), blank=True)
    changed = models.PositiveIntegerField(_("cambiados"), default=0)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("hecho por"),
    )
    at = models.DateTimeField(_("fecha"), default=timezone.now)
    undone_at = models.DateTimeField(_("deshecho"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("deshecho por"),
    )

    class Meta:
        db_table = "bulk_changes"
        verbose_name = _("cambio en bloque")
        verbose_name_plural = _("cambios en bloque")

    def __str__(self) -> str:
        return self.get_verb_display()


class LeadEvent(models.Model):
    """What happened to a lead, apart from calls: append-only, and never rewritten."""

    class Kind(models.TextChoices):
        CREATED = "created", _("Alta")
        IMPORTED = "imported", _("Actualizado por una importación")
        EDITED = "edited", _("Datos modificados")
        CHANGED = "changed", _("Cambio en bloque")
        UNDONE = "undone", _("Cambio deshecho")
        NOTE = "note", _("Nota")
        CALL_NOW = "call_now", _("Llamar ahora")
        CALLBACK = "callback", _("Rellamada programada")
        CALLBACK_KEPT = "callback_kept", _("Rellamada hecha")
        CALLBACK_DROPPED = "callback_dropped", _("Rellamada anulada")
        DISPOSITION = "disposition", _("Resultado comercial")
        MERGED = "merged", _("Duplicado unido")
        EXCLUDED = "excluded", _("Excluido de las llamadas")
        TEST_CALL = "test_call", _("Llamada de prueba")

    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="events", verbose_name=_("lead")
    )
    kind = models.CharField(_("qué"), max_length=20, choices=Kind.choices)
    at = models.DateTimeField(_("fecha"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    text = models.TextField(_("texto"), blank=True)
    # By column, [before, after]; of an import, what undoing it needs.
    changes = models.JSONField(_("cambios"), default=dict, blank=True)
    lead_import = models.ForeignKey(
        LeadImport,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("importación"),
    )
    bulk_change = models.ForeignKey(
        BulkChange,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("cambio en bloque"),
    )
    # What a bulk change undoes to.
    status_before = models.CharField(max_length=20, blank=True)
    was_selected = models.BooleanField(default=False)
    outbound_before = models.CharField(max_length=100, blank=True)
    next_call_before = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "lead_events"
        verbose_name = _("suceso")
        verbose_name_plural = _("sucesos")

    def __str__(self) -> str:
        return self.get_kind_display()


class SavedView(models.Model):
    """A filter of the list of leads, kept by name."""

    name = models.CharField(_("nombre"), max_length=80)
    query = models.TextField(_("filtro"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        verbose_name=_("de"),
    )
    shared = models.BooleanField(_("compartida con todos"), default=False)
    created_at = models.DateTimeField(_("fecha"), default=timezone.now)

    class Meta:
        db_table = "saved_views"
        verbose_name = _("vista guardada")
        verbose_name_plural = _("vistas guardadas")
        constraints = [
            models.UniqueConstraint(
                name="saved_view_name_is_one", fields=["owner", "name"]
            )
        ]

    def __str__(self) -> str:
        return self.name


class Export(models.Model):
    """Who took leads out of the system, which, and how many."""

    class Format(models.TextChoices):
        CSV = "csv", _("CSV")
        XLSX = "xlsx", _("Excel")
        NUMBERS = "numbers", _("Números para consultar")

    format = models.CharField(_("formato"), max_length=10, choices=Format.choices)
    filter_query = models.TextField(_("filtro"), blank=True)
    rows = models.PositiveIntegerField(_("filas"), default=0)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("exportado por"),
    )
    at = models.DateTimeField(_("fecha"), default=timezone.now)
    finished_at = models.DateTimeField(_("terminada"), null=True, blank=True)

    class Meta:
        db_table = "lead_exports"
        verbose_name = _("exportación")
        verbose_name_plural = _("exportaciones")

    def __str__(self) -> str:
        return f"{self.pk}"
