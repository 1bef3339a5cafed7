"""What codes mean, version by version, and who changed the outcome of which call."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls.models.attempt import CallAttempt
from calls.states import Outcome


class OutcomeTable(models.Model):
    """One version of the whole table: made once, never changed (`calls.outcome_table`
    reads it)."""

    # [call code, conversation code or null for any other, outcome]
    codes = models.JSONField(_("códigos"))
    # By outcome, the fields of `outcome_table.Meaning`.
    meanings = models.JSONField(_("significados"))
    made_at = models.DateTimeField(_("fecha"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    reason = models.CharField(_("motivo"), max_length=200)

    class Meta:
        db_table = "outcome_tables"
        verbose_name = _("tabla de resultados")
        verbose_name_plural = _("tabla de resultados")

    def __str__(self) -> str:
        return str(_("Versión %s") % self.pk)


class Rereading(models.Model):
    """History read again by a version: counted first, then done, range after range."""

    class State(models.TextChoices):
        COUNTING = "counting", _("Contando")
        COUNTED = "counted", _("Contada")
        DOING = "doing", _("Cambiando")
        DONE = "done", _("Hecha")
        DROPPED = "dropped", _("Descartada")

    version = models.PositiveIntegerField(_("versión"))
    state = models.CharField(
        _("situación"), max_length=10, choices=State.choices, default=State.COUNTING
    )
    # Attempts up to `last_id` have been looked at; those after `up_to_id` are new.
    last_id = models.BigIntegerField(default=0)
    up_to_id = models.BigIntegerField()
    seen = models.PositiveBigIntegerField(_("llamadas miradas"), default=0)
    # By "before>after", how many calls: as counted, and as done.
    counted = models.JSONField(_("contadas"), default=dict)
    done = models.JSONField(_("cambiadas"), default=dict)
    leads_changed = models.PositiveBigIntegerField(_("leads cambiados"), default=0)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    made_at = models.DateTimeField(_("fecha"), default=timezone.now)
    finished_at = models.DateTimeField(_("terminada"), null=True, blank=True)

    class Meta:
        db_table = "outcome_rereadings"
        verbose_name = _("relectura del historial")
        verbose_name_plural = _("relecturas del historial")

    def __str__(self) -> str:
        return f"{self.pk}"


class OutcomeChange(models.Model):
    """The outcome of an ended call, changed by a person or by reading history again:
    append-only."""

    attempt = models.ForeignKey(
        CallAttempt,
        models.CASCADE,
        related_name="outcome_changes",
        verbose_name=_("intento"),
    )
    before = models.CharField(_("antes"), max_length=20, choices=Outcome.choices)
    after = models.CharField(_("después"), max_length=20, choices=Outcome.choices)
    version = models.PositiveIntegerField(_("versión de la tabla"))
    at = models.DateTimeField(_("fecha"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    reason = models.CharField(_("motivo"), max_length=200, blank=True)
    # None: a person corrected this one call.
    rereading = models.ForeignKey(
        Rereading,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="changes",
        verbose_name=_("relectura"),
    )

    class Meta:
        db_table = "outcome_changes"
        verbose_name = _("cambio de resultado")
        verbose_name_plural = _("cambios de resultado")

    def __str__(self) -> str:
        return f"{self.attempt_id}: {self.before} → {self.after}"
