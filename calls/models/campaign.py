"""Campaigns, which are the gates, their runs, and the account they share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls.states import Outcome
from leads.models import Lead, LeadQuerySet
from leads.places import MADRID
from leads.window import (
    ALWAYS_OPEN,
    DEFAULT_WINDOW,
    CallingWindow,
    parse_weekly,
    weekly_to_json,
)


class RunState(models.TextChoices):
    STOPPED = "stopped", _("Detenida")
    RUNNING = "running", _("Llamando")
    PAUSED = "paused", _("En pausa")
    STOPPING = "stopping", _("Deteniéndose")


def default_max_concurrent_calls() -> int:
    return int(settings.MAX_CONCURRENT_CALLS)


def default_weekly_hours() -> dict[str, Any]:
    return weekly_to_json(DEFAULT_WINDOW.weekly)


def default_retry_minutes() -> dict[str, list[int]]:
    """Minutes to wait after the first, second, … attempt that ended so."""
    return {
        Outcome.NO_ANSWER: [120, 1440],
        Outcome.VOICEMAIL: [240, 1440],
        Outcome.TOO_BRIEF: [120],
        Outcome.BUSY: [60, 120],
        Outcome.FAILED: [60],
        Outcome.PROVIDER_ERROR: [60, 240],
        Outcome.CANCELLED: [120],
    }


class Campaign(models.Model):
    """One Pearl outbound, and the gate every claim passes: its row is the lock."""

    name = models.CharField(_("nombre"), max_length=150)
    outbound_id = models.CharField(
        _("id de campaña en Pearl (v1)"), max_length=100, unique=True
    )
    pearl_id = models.CharField(
        _("id de Pearl (v2)"),
        max_length=100,
        blank=True,
        help_text=_("Se lee en la dirección de la campaña en la web de Pearl."),
    )
    state = models.CharField(
        _("estado"), max_length=10, choices=RunState.choices, default=RunState.STOPPED
    )
    generation = models.PositiveIntegerField(_("generación"), default=0)
    state_reason = models.TextField(
        _("motivo"), blank=True, help_text=_("Por qué el sistema la detuvo o espera.")
    )
    max_concurrent_calls = models.PositiveIntegerField(
        _("llamadas simultáneas"),
        default=default_max_concurrent_calls,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
    )
    max_attempts = models.PositiveIntegerField(
        _("intentos como máximo"), default=3, validators=[MinValueValidator(1)]
    )
    timeout_seconds = models.PositiveIntegerField(
        _("espera a Pearl (s)"),
        default=30,
        validators=[MinValueValidator(5), MaxValueValidator(60)],
    )
    weekly_hours = models.JSONField(
        _("horario semanal"),
        default=default_weekly_hours,
        blank=True,
        help_text=_('Por ejemplo {"mon": [["09:00", "14:00"], ["16:00", "21:00"]]}.'),
    )
    on_holidays = models.BooleanField(_("llamar en festivos"), default=False)
    close_margin_seconds = models.PositiveIntegerField(
        _("cierre anticipado (s)"), default=120
    )
    always_open = models.BooleanField(
        _("abierta a cualquier hora"),
        default=False,
        help_text=_("Solo para el simulador: con Pearl de verdad no se deja empezar."),
    )
    requires_consent = models.BooleanField(_("exige consentimiento"), default=True)
    min_gap_minutes = models.PositiveIntegerField(
        _("minutos entre llamadas a un número"), default=60
    )
    max_per_day = models.PositiveIntegerField(
        _("llamadas por número y día"), default=3, validators=[MinValueValidator(1)]
    )
    retry_minutes = models.JSONField(
        _("reintentos"),
        default=default_retry_minutes,
        blank=True,
        help_text=_("Minutos de espera tras cada intento, por resultado."),
    )
    test_phone = models.CharField(
        _("teléfono de prueba"),
        max_length=16,
        blank=True,
        help_text=_("Modo de prueba: todas las llamadas van a este número."),
    )
    claims_made = models.PositiveBigIntegerField(
        default=0, help_text="Every fifth turn goes to whoever waits longest."
    )
    pearl_agents = models.PositiveIntegerField(
        _("agentes en Pearl"), null=True, blank=True
    )
    pearl_status = models.PositiveIntegerField(
        _("estado en Pearl"), null=True, blank=True
    )
    checked_at = models.DateTimeField(_("comprobada"), null=True, blank=True)
    next_poll_at = models.DateTimeField(null=True, blank=True)
    next_sweep_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "campaigns"
        verbose_name = _("campaña")
        verbose_name_plural = _("campañas")
        constraints = [
            models.CheckConstraint(
                name="campaign_limit_is_positive",
                condition=Q(max_concurrent_calls__gte=1),
            ),
            models.CheckConstraint(
                name="campaign_state_known", condition=Q(state__in=RunState.values)
            ),
        ]
        permissions = [
            ("run_campaign", _("Puede iniciar y detener llamadas")),
            ("test_campaign", _("Puede activar el modo de prueba")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def leads(self) -> LeadQuerySet:
        return Lead.objects.of_campaign(self.outbound_id)

    @property
    def window(self) -> CallingWindow:
        """When its leads may be rung. Raises WindowError: the hours are unreadable."""
        if self.always_open:
            return ALWAYS_OPEN
        return CallingWindow(
            weekly=parse_weekly(self.weekly_hours),
            on_holidays=self.on_holidays,
            close_margin=timedelta(seconds=self.close_margin_seconds),
            provider_zone=MADRID,  # preflight sees to it
        )

    def number_for(self, lead: Lead) -> str:
        """What would ring for this lead: in test mode, always the same telephone."""
        return self.test_phone or lead.phone_e164

    @property
    def limit(self) -> int:
        """Calls at once: never more than Pearl has agents, for its queue dials late.
        A test has one telephone, so one."""
        if self.test_phone:
            return 1
        if self.pearl_agents is None:
            return self.max_concurrent_calls
        return min(self.max_concurrent_calls, self.pearl_agents)


class PearlAccount(models.Model):
    """The provider as all processes share it: pace, Retry-After, breaker, credit."""

    account_id = models.CharField(max_length=100, unique=True)
    next_request_at = models.DateTimeField(null=True, blank=True)
    blocked_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    breaker_until = models.DateTimeField(null=True, blank=True)
    credit_balance = models.FloatField(_("crédito"), null=True, blank=True)
    total_agents = models.PositiveIntegerField(_("agentes"), null=True, blank=True)
    checked_at = models.DateTimeField(_("comprobada"), null=True, blank=True)
    problem = models.TextField(_("problema"), blank=True)

    class Meta:
        db_table = "pearl_accounts"
        verbose_name = _("cuenta de Pearl")
        verbose_name_plural = _("cuenta de Pearl")

    def __str__(self) -> str:
        return self.account_id


class Run(models.Model):
    """One START … STOP of a campaign."""

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="runs", verbose_name=_("campaña")
    )
    generation = models.PositiveIntegerField(_("generación"))
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("iniciada por"),
    )
    started_at = models.DateTimeField(_("inicio"))
    until_empty = models.BooleanField(
        _("hasta vaciar la cola"), default=False, help_text=_("Termina ella sola.")
    )
    call_limit = models.PositiveIntegerField(
        _("llamadas como máximo"), null=True, blank=True
    )
    test_phone = models.CharField(_("teléfono de prueba"), max_length=16, blank=True)
    stop_requested_at = models.DateTimeField(_("parada"), null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("detenida por"),
    )
    ended_at = models.DateTimeField(_("fin"), null=True, blank=True)
    end_reason = models.TextField(_("motivo del fin"), blank=True)

    class Meta:
        db_table = "runs"
        verbose_name = _("ejecución")
        verbose_name_plural = _("ejecuciones")
        constraints = [
            models.UniqueConstraint(
                name="run_one_per_generation", fields=["campaign", "generation"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.generation}"


class ControlEvent(models.Model):
    """Who switched what of a campaign, and when: append-only."""

    class Kind(models.TextChoices):
        STARTED = "started", _("Iniciada")
        PAUSED = "paused", _("En pausa")
        RESUMED = "resumed", _("Reanudada")
        STOPPED = "stopped", _("Detenida")
        ENDED = "ended", _("Terminada")
        LIMIT = "limit", _("Llamadas simultáneas")
        PEARL_OFF = "pearl_off", _("Pausada en Pearl")
        PEARL_ON = "pearl_on", _("Reactivada en Pearl")

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="events", verbose_name=_("campaña")
    )
    kind = models.CharField(_("qué"), max_length=20, choices=Kind.choices)
    at = models.DateTimeField(_("fecha"))
    # Nobody: the system itself.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    values = models.JSONField(_("valores"), default=dict, blank=True)

    class Meta:
        db_table = "control_events"
        verbose_name = _("cambio de control")
        verbose_name_plural = _("cambios de control")

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.kind}"
