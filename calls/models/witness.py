"""What Pearl sent, and who is at work."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from calls.models.attempt import CallAttempt


class PearlEvent(models.Model):
    """What Pearl sent, as it came; one row per distinct body."""

    class Result(models.TextChoices):
        NEW = "new", _("Sin procesar")
        APPLIED = "applied", _("Aplicado")
        UNMATCHED = "unmatched", _("Sin intento conocido")
        UNREADABLE = "unreadable", _("Ilegible")

    sha256 = models.CharField(max_length=64, unique=True)
    body = models.TextField(_("cuerpo"))
    received_at = models.DateTimeField(_("recibido"))
    times_seen = models.PositiveIntegerField(_("veces"), default=1)
    result = models.CharField(
        _("proceso"), max_length=12, choices=Result.choices, default=Result.NEW
    )
    attempt = models.ForeignKey(
        CallAttempt,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("intento"),
    )
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        db_table = "pearl_events"
        verbose_name = _("aviso de Pearl")
        verbose_name_plural = _("avisos de Pearl")
        indexes = [models.Index(name="event_result", fields=["result", "id"])]

    def __str__(self) -> str:
        return f"{self.pk}"


class Worker(models.Model):
    """One `run_calls` process. Its silence means nothing but that it is silent."""

    identity = models.CharField(_("identidad"), max_length=100, unique=True)
    started_at = models.DateTimeField(_("inicio"))
    heartbeat_at = models.DateTimeField(_("último latido"), db_index=True)
    stopped_at = models.DateTimeField(_("fin"), null=True, blank=True)
    serving = models.BooleanField(_("espera órdenes"), default=False)

    class Meta:
        db_table = "workers"
        verbose_name = _("proceso")
        verbose_name_plural = _("procesos")

    def __str__(self) -> str:
        return self.identity
