"""The recordings of calls, once they are ours, and who has listened to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from calls.models.attempt import CallAttempt


class Recording(models.Model):
    """The file of one call. `tries` is what a claim is guarded by: who counted it up
    has the recording until `next_try_at`, and writes only while it is still his."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Por copiar")
        KEPT = "kept", _("Guardada")
        GONE = "gone", _("Ya no existe")
        REFUSED = "refused", _("Rechazada")
        FAILED = "failed", _("No se pudo copiar")

    attempt = models.OneToOneField(
        CallAttempt, models.PROTECT, related_name="recording", verbose_name=_("intento")
    )
    state = models.CharField(
        _("situación"), max_length=8, choices=State.choices, default=State.WAITING
    )
    reason = models.CharField(_("motivo"), max_length=300, blank=True)
    called_at = models.DateTimeField(_("llamada"))
    tries = models.PositiveIntegerField(_("intentos de copia"), default=0)
    next_try_at = models.DateTimeField(_("próximo intento"), null=True, blank=True)
    stored_as = models.CharField(_("fichero"), max_length=100, blank=True)
    content_type = models.CharField(_("tipo"), max_length=40, blank=True)
    size = models.PositiveBigIntegerField(_("tamaño (bytes)"), null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    kept_at = models.DateTimeField(_("guardada"), null=True, blank=True)

    class Meta:
        db_table = "recordings"
        verbose_name = _("grabación")
        verbose_name_plural = _("grabaciones")
        default_permissions = ("view", "change", "delete")
        constraints = [
            models.CheckConstraint(
                name="recording_waits_or_not",
                condition=Q(state="waiting", next_try_at__isnull=False)
                | ~Q(state="waiting") & Q(next_try_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(name="recording_due", fields=["state", "next_try_at"]),
            models.Index(name="recording_age", fields=["state", "called_at"]),
        ]

    def __str__(self) -> str:
        return str(_("Grabación %s") % self.pk)


class Listen(models.Model):
    """Somebody listened to a recording, from `at` to about `last_at`."""

    recording = models.ForeignKey(
        Recording, models.PROTECT, related_name="listens", verbose_name=_("grabación")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    username = models.CharField(_("usuario"), max_length=150)
    at = models.DateTimeField(_("desde"))
    last_at = models.DateTimeField(_("hasta"))

    class Meta:
        db_table = "recording_listens"
        verbose_name = _("escucha")
        verbose_name_plural = _("escuchas")
        default_permissions = ("view",)
        indexes = [
            models.Index(name="listen_goes_on", fields=["recording", "by", "last_at"]),
        ]

    def __str__(self) -> str:
        return str(_("Escucha %s") % self.pk)
