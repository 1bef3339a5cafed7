"""Clinics, what one books there, and the appointments that were agreed with people."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls.models.attempt import CallAttempt
from leads.models import Lead

LONGEST_MINUTES = 480
# What nobody confirmed in this time, or starts within a day, raises the alarm.
UNCONFIRMED_GRACE = timedelta(hours=24)


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("No es un huso horario, como Europe/Madrid."))


class Clinic(models.Model):
    """Where people come. A lead names it by its id, or else by its name."""

    name = models.CharField(_("nombre"), max_length=200, unique=True)
    external_id = models.CharField(
        _("id de clínica"),
        max_length=60,
        null=True,
        blank=True,
        unique=True,
        help_text=_("El que traen los leads en «id de clínica»."),
    )
    address = models.CharField(_("dirección"), max_length=255, blank=True)
    time_zone = models.CharField(
        _("huso horario"),
        max_length=40,
        default=settings.TIME_ZONE,
        validators=[check_time_zone],
    )
    minutes = models.PositiveSmallIntegerField(
        _("minutos por cita"),
        default=30,
        validators=[MinValueValidator(5), MaxValueValidator(LONGEST_MINUTES)],
    )
    # Why it is kept as it is: docs/decisions/a-calendar-tells-initials.md
    feed_token = models.CharField(
        max_length=64, null=True, blank=True, unique=True, editable=False
    )

    class Meta:
        db_table = "clinics"
        verbose_name = _("clínica")
        verbose_name_plural = _("clínicas")

    def __str__(self) -> str:
        return self.name


class Resource(models.Model):
    """What is booked, one person at a time: a diary, a room, a professional."""

    clinic = models.ForeignKey(
        Clinic, models.CASCADE, related_name="resources", verbose_name=_("clínica")
    )
    name = models.CharField(_("agenda"), max_length=100, default="Agenda")
    is_active = models.BooleanField(
        _("abierta"), default=True, help_text=_("Cerrada, no admite citas nuevas.")
    )

    class Meta:
        db_table = "clinic_resources"
        verbose_name = _("agenda")
        verbose_name_plural = _("agendas")
        constraints = [
            models.UniqueConstraint(
                name="resource_name_is_one", fields=["clinic", "name"]
            )
        ]

    def __str__(self) -> str:
        return self.name


class AppointmentState(models.TextChoices):
    PROPOSED = "proposed", _("Propuesta")
    CONFIRMED = "confirmed", _("Confirmada")
    DONE = "done", _("Realizada")
    NO_SHOW = "no_show", _("No presentada")
    CANCELLED = "cancelled", _("Cancelada")


class Review(models.TextChoices):
    """Why what was agreed has no place in a diary until a person gives it one."""

    NONE = "", _("Nada que revisar")
    NO_CLINIC = "no_clinic", _("el lead no dice su clínica")
    UNKNOWN_CLINIC = "unknown_clinic", _("su clínica no está dada de alta")
    NO_RESOURCE = "no_resource", _("la clínica no tiene ninguna agenda abierta")
    NO_ZONE = "no_zone", _("no se sabe qué hora es donde vive")
    PAST = "past", _("esa hora ya había pasado")
    FAR = "far", _("esa fecha queda a más de un año")
    SKIPPED = "skipped", _("esa hora no existe: ese día se adelanta el reloj")
    TWICE = "twice", _("esa hora ocurre dos veces: ese día se atrasa el reloj")
    TAKEN = "taken", _("esa hora ya estaba ocupada")


class CancelReason(models.TextChoices):
    NONE = "", "—"
    PATIENT = "patient", _("La cancela el paciente")
    CLINIC = "clinic", _("La cancela la clínica")
    MISTAKE = "mistake", _("No se acordó: error de la llamada")
    OTHER = "other", _("Otro motivo")


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def between(self, start: datetime, end: datetime) -> Self:
        return self.filter(starts_at__gte=start, starts_at__lt=end)

    def unconfirmed(self, *, now: datetime) -> Self:
        """Promised, and neither confirmed nor given a place in time."""
        return self.filter(
            Q(created_at__lte=now - UNCONFIRMED_GRACE)
            | Q(starts_at__lte=now + timedelta(days=1))
            | ~Q(review=""),
            state=AppointmentState.PROPOSED,
        )


class Appointment(models.Model):
    """Agreed in a call, or by a person. Moved only by calls/appointments.py."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(
        Lead, models.PROTECT, related_name="appointments", verbose_name=_("lead")
    )
    attempt = models.OneToOneField(
        CallAttempt,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="appointment",
        verbose_name=_("llamada"),
    )
    clinic = models.ForeignKey(
        Clinic,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        verbose_name=_("clínica"),
    )
    resource = models.ForeignKey(
        Resource,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        verbose_name=_("agenda"),
    )
    starts_at = models.DateTimeField(_("comienzo"), null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(_("minutos"))
    # As it was said in the call, on the clock of the place.
    asked_date = models.DateField(_("día acordado"), null=True, blank=True)
    asked_time = models.TimeField(_("hora acordada"), null=True, blank=True)
    review = models.CharField(
        _("por revisar"),
        max_length=20,
        choices=Review.choices,
        default=Review.NONE,
        blank=True,
    )
    state = models.CharField(
        _("estado"),
        max_length=10,
        choices=AppointmentState.choices,
        default=AppointmentState.PROPOSED,
    )
    cancel_reason = models.CharField(
        _("motivo de la cancelación"),
        max_length=10,
        choices=CancelReason.choices,
        default=CancelReason.NONE,
        blank=True,
    )
    held_resource_id = models.GeneratedField(
        # MySQL has no partial unique index: of a cancelled one this is NULL instead.
        expression=Case(
            When(~Q(state=AppointmentState.CANCELLED.value), then=F("resource"))
        ),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    # Grows with each change: whoever saw an older one changes nothing.
    sequence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(_("creada"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("creada por"),
    )
    updated_at = models.DateTimeField(_("modificada"), default=timezone.now)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        db_table = "appointments"
        verbose_name = _("cita")
        verbose_name_plural = _("citas")
        constraints = [
            models.UniqueConstraint(
                name="appointment_place_is_one",
                fields=["held_resource_id", "starts_at"],
            ),
            models.CheckConstraint(
                name="appointment_state_known",
                condition=Q(state__in=AppointmentState.values),
            ),
            models.CheckConstraint(
                name="appointment_has_place_or_review",
                condition=Q(
                    review="",
                    starts_at__isnull=False,
                    clinic__isnull=False,
                    resource__isnull=False,
                )
                | (~Q(review="") & Q(resource__isnull=True)),
            ),
            models.CheckConstraint(
                name="appointment_reviewed_before_confirmed",
                condition=Q(review="")
                | Q(state__in=[AppointmentState.PROPOSED, AppointmentState.CANCELLED]),
            ),
            models.CheckConstraint(
                name="appointment_cancelled_has_reason",
                condition=(Q(state=AppointmentState.CANCELLED) & ~Q(cancel_reason=""))
                | (~Q(state=AppointmentState.CANCELLED) & Q(cancel_reason="")),
            ),
            models.CheckConstraint(
                name="appointment_lasts",
                condition=Q(minutes__gt=0, minutes__lte=LONGEST_MINUTES),
            ),
        ]
        indexes = [
            models.Index(name="appointment_clinic", fields=["clinic", "starts_at"]),
            models.Index(name="appointment_state", fields=["state", "starts_at"]),
            models.Index(name="appointment_start", fields=["starts_at"]),
        ]

    def __str__(self) -> str:
        return str(_("Cita %s") % self.pk)

    @property
    def ends_at(self) -> datetime | None:
        return self.starts_at and self.starts_at + timedelta(minutes=self.minutes)

    @property
    def zone_name(self) -> str:
        """Of the clock on which its time is told."""
        return self.clinic.time_zone if self.clinic else settings.TIME_ZONE


class AppointmentEvent(models.Model):
    """What was done to an appointment: append-only, and never rewritten."""

    class Kind(models.TextChoices):
        MADE = "made", _("Cita propuesta")
        MOVED = "moved", _("Cita cambiada")
        CONFIRMED = "confirmed", _("Cita confirmada")
        DONE = "done", _("Cita realizada")
        NO_SHOW = "no_show", _("No se presentó a la cita")
        CANCELLED = "cancelled", _("Cita cancelada")

    appointment = models.ForeignKey(
        Appointment, models.CASCADE, related_name="events", verbose_name=_("cita")
    )
    kind = models.CharField(_("qué"), max_length=10, choices=Kind.choices)
    at = models.DateTimeField(_("fecha"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    text = models.TextField(_("texto"), blank=True)
    # By what changed, [before, after].
    changes = models.JSONField(_("cambios"), default=dict, blank=True)

    class Meta:
        db_table = "appointment_events"
        verbose_name = _("suceso de una cita")
        verbose_name_plural = _("sucesos de citas")

    def __str__(self) -> str:
        return self.get_kind_display()
