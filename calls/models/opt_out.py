"""That a person asked, in a call, never to be called again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from calls.models.attempt import CallAttempt


class OptOut(models.Model):
    """What was said in a call that made the system propose to exclude a number: one
    row a number. It outlives the proposal, so that one rejected is not made again."""

    class Decision(models.TextChoices):
        NONE = "", _("Por revisar")
        ACCEPTED = "accepted", _("Aceptada")
        REJECTED = "rejected", _("Rechazada")

    attempt = models.ForeignKey(
        CallAttempt, models.CASCADE, related_name="opt_outs", verbose_name=_("llamada")
    )
    phone_hash = models.CharField(max_length=64, db_index=True)
    sentence = models.CharField(_("lo que se dijo"), max_length=200)
    at = models.DateTimeField(_("propuesta"))
    decision = models.CharField(
        _("decisión"), max_length=10, choices=Decision.choices, blank=True
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decidida por"),
    )
    decided_at = models.DateTimeField(_("decidida"), null=True, blank=True)

    class Meta:
        db_table = "opt_outs"
        default_permissions = ()
        verbose_name = _("petición de no recibir llamadas")
        verbose_name_plural = _("peticiones de no recibir llamadas")
        constraints = [
            models.UniqueConstraint(
                name="opt_out_once_a_number", fields=["attempt", "phone_hash"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}"
