"""One dial of one lead, and what became of it."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls.models.campaign import Campaign, Run
from calls.models.pearl_ids import CallIdField, RequestIdField
from calls.pearl import CallId, RequestId
from calls.states import HELD, OPEN, Outcome, State
from leads.models import CallStatus, Lead


class CallAttemptQuerySet(models.QuerySet["CallAttempt"]):
    def update(self, **changes: Any) -> int:
        changes.setdefault("updated_at", timezone.now())
        return super().update(**changes)

    def open(self) -> Self:
        """Attempts that take a line of their campaign."""
        return self.filter(state__in=OPEN)

    def held(self) -> Self:
        """Attempts from which a further ring cannot be excluded."""
        return self.filter(state__in=HELD)

    def told(self) -> Self:
        """Ended, and Pearl's own API is yet to be asked what a webhook told of it."""
        return self.filter(state=State.ENDED, next_lookup_at__isnull=False)


class CallAttempt(models.Model):
    """One dial of one lead: at most one request to Pearl, ever. Never reused."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(
        Lead, models.PROTECT, related_name="attempts", verbose_name=_("lead")
    )
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="attempts", verbose_name=_("campaña")
    )
    run = models.ForeignKey(
        Run, models.PROTECT, related_name="attempts", verbose_name=_("ejecución")
    )
    generation = models.PositiveIntegerField()
    phone = models.CharField(_("número"), max_length=16)
    is_test = models.BooleanField(
        _("prueba"), default=False, help_text=_("Sonó el teléfono de prueba.")
    )
    state = models.CharField(
        _("situación"), max_length=12, choices=State.choices, default=State.CLAIMED
    )
    verdict = models.CharField(_("veredicto"), max_length=30)
    owner = models.CharField(_("proceso"), max_length=100)
    lease_expires_at = models.DateTimeField()
    counted = models.BooleanField(_("cuenta como llamada"), default=False)
    lead_status_before = models.CharField(max_length=20, choices=CallStatus.choices)
    lead_due_at = models.DateTimeField(null=True, blank=True)
    lead_was_wanted = models.BooleanField(null=True, blank=True)
    open_lead_id = models.BigIntegerField(null=True, blank=True, unique=True)
    open_phone = models.CharField(max_length=16, null=True, blank=True, unique=True)

    claimed_at = models.DateTimeField(_("preparado"))
    send_started_at = models.DateTimeField(_("enviado"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("aceptado"), null=True, blank=True)
    end_heard_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(_("cerrado"), null=True, blank=True)
    confirmed_at = models.DateTimeField(_("confirmado"), null=True, blank=True)
    effects_due_at = models.DateTimeField(null=True, blank=True)
    next_lookup_at = models.DateTimeField(null=True, blank=True)
    absences = models.PositiveIntegerField(default=0)

    pearl_request_id: models.CharField[RequestId | None, RequestId | None] = (
        RequestIdField(
            _("petición en Pearl"), max_length=24, null=True, blank=True, unique=True
        )
    )
    pearl_call_id: models.CharField[CallId | None, CallId | None] = CallIdField(
        _("llamada en Pearl"), max_length=24, null=True, blank=True, unique=True
    )
    queue_position = models.IntegerField(null=True, blank=True)
    outcome = models.CharField(
        _("resultado"), max_length=20, choices=Outcome.choices, blank=True
    )
    # By which version of the table it was read; None: by the one in the code.
    outcome_version = models.PositiveIntegerField(
        _("versión de la tabla"), null=True, blank=True
    )
    corrected_at = models.DateTimeField(
        _("corregido"),
        null=True,
        blank=True,
        help_text=_("Una persona dijo cómo acabó: lo que diga Pearl no lo cambia."),
    )
    call_code = models.IntegerField(_("código de llamada"), null=True, blank=True)
    conversation_code = models.IntegerField(
        _("código de conversación"), null=True, blank=True
    )
    request_code = models.IntegerField(_("código de petición"), null=True, blank=True)
    started_at = models.DateTimeField(_("comienzo"), null=True, blank=True)
    duration_seconds = models.PositiveIntegerField(
        _("duración (s)"), null=True, blank=True
    )
    recording_url = models.CharField(_("grabación"), max_length=500, blank=True)
    summary = models.TextField(_("resumen"), blank=True)
    transcript = models.JSONField(_("transcripción"), default=list, blank=True)
    collected_info = models.JSONField(_("datos recogidos"), default=dict, blank=True)
    tags = models.JSONField(_("etiquetas"), default=list, blank=True)
    sentiment = models.PositiveSmallIntegerField(
        _("sentimiento"), null=True, blank=True
    )
    error = models.TextField(_("motivo"), blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CallAttemptQuerySet.as_manager()

    class Meta:
        db_table = "call_attempts"
        verbose_name = _("intento")
        verbose_name_plural = _("intentos")
        constraints = [
            models.CheckConstraint(
                name="attempt_state_known", condition=Q(state__in=State.values)
            ),
            models.CheckConstraint(
                name="attempt_ended_has_outcome",
                condition=~Q(state=State.ENDED) | ~Q(outcome=Outcome.NONE),
            ),
            models.CheckConstraint(
                name="attempt_sent_has_time",
                condition=Q(state__in=[State.CLAIMED, State.RELEASED])
                | Q(send_started_at__isnull=False),
            ),
            models.CheckConstraint(
                name="attempt_held_has_its_slots",
                condition=(
                    Q(state__in=HELD)
                    & Q(open_lead_id__isnull=False)
                    & Q(open_phone__isnull=False)
                )
                | (
                    ~Q(state__in=HELD)
                    & Q(open_lead_id__isnull=True)
                    & Q(open_phone__isnull=True)
                ),
            ),
        ]
        indexes = [
            models.Index(name="attempt_lines", fields=["campaign", "state"]),
            models.Index(name="attempt_leases", fields=["state", "lease_expires_at"]),
            models.Index(name="attempt_phone", fields=["phone", "send_started_at"]),
            models.Index(name="attempt_run", fields=["run", "state", "outcome"]),
            models.Index(name="attempt_closed", fields=["campaign", "closed_at"]),
            models.Index(name="attempt_lookups", fields=["campaign", "next_lookup_at"]),
            models.Index(name="attempt_effects", fields=["effects_due_at"]),
        ]
        permissions = [
            ("settle_callattempt", _("Puede aclarar llamadas por revisar")),
            ("correct_callattempt", _("Puede corregir el resultado de llamadas")),
        ]

    def __str__(self) -> str:
        return str(_("Llamada %s") % self.pk)

    @property
    def number(self) -> int:
        """Which call to its lead this one is, while it is in course."""
        return self.lead.call_attempts_count + (0 if self.counted else 1)
