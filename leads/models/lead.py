"""A person who may be called, and where their turn stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from leads.models.imports import LeadImport
from leads.search_text import LONGEST, search_text

# A promised call that has not been made so long after its time raises the alarm.
CALLBACK_GRACE = timedelta(minutes=15)


class CallStatus(models.TextChoices):
    """What happened last, as staff see it."""

    NO_SELECTED = "no_selected", _("Sin seleccionar")
    SELECTED = "selected", _("En cola")
    CALLING = "calling", _("Llamando")
    COMPLETED = "completed", _("Completada")
    ERROR = "error", _("Error")
    BUSY = "busy", _("Ocupado")
    NO_ANSWER = "no_answer", _("No contesta")


class Priority(models.IntegerChoices):
    HIGH = 1, _("1 · alta")
    RAISED = 2, _("2")
    NORMAL = 3, _("3 · normal")
    LOWERED = 4, _("4")
    LOW = 5, _("5 · baja")


class Consent(models.TextChoices):
    """Whether the person agreed to calls made by an automatic voice."""

    UNKNOWN = "unknown", _("No consta")
    GIVEN = "given", _("Dado")
    REFUSED = "refused", _("Denegado")


class Disposition(models.TextChoices):
    """What the calls mean for the business."""

    NONE = "", pgettext_lazy("de un lead", "Sin resultado")
    APPOINTMENT = "appointment", _("Cita")
    CALL_BACK = "call_back", _("Volver a llamar")
    NOT_INTERESTED = "not_interested", _("No interesado")
    WRONG_NUMBER = "wrong_number", _("Número erróneo")
    DO_NOT_CALL = "do_not_call", _("No llamar más")


class NotInterested(models.TextChoices):
    """Why a person is not interested, as far as they said."""

    NONE = "", _("Sin motivo")
    ALREADY_HAS = "already_has", _("Ya tiene cita o ya lo hizo")
    OTHER_CENTRE = "other_centre", _("Va a otro centro")
    NO_TIME = "no_time", _("No le viene bien ahora")
    PRICE = "price", _("Por el precio")
    NOT_A_PATIENT = "not_a_patient", _("Ya no es paciente")
    OTHER = "other", _("Otro motivo")


class QueueRank(models.IntegerChoices):
    """The order of the queue. Ranks 3 to 7 are the priorities 1 to 5."""

    CALL_NOW = 0, _("Llamar ahora")
    CALLBACK = 1, _("Rellamada")
    RETRY = 2, _("Reintento")
    FIRST_PRIORITY = 3, _("Por prioridad")


# Waiting after a call that did not reach the person.
TO_RETRY = (CallStatus.NO_ANSWER, CallStatus.BUSY, CallStatus.ERROR)


class LeadQuerySet(models.QuerySet["Lead"]):
    def bulk_create(self, objs: Any, *args: Any, **options: Any) -> list[Lead]:
        objs = list(objs)
        for lead in objs:
            lead.search_text = search_text(lead)
        return super().bulk_create(objs, *args, **options)

    def update(self, **changes: Any) -> int:
        """As Django's, and `updated_at` moves too: `auto_now` sees no update."""
        changes.setdefault("updated_at", timezone.now())
        return super().update(**changes)

    def of_campaign(self, outbound_id: str) -> Self:
        return self.filter(pearl_outbound_id=outbound_id)

    def queued(self) -> Self:
        """Leads that staff want called, due or not, except those in a call now."""
        return self.filter(selected_for_calling=True).exclude(
            call_status=CallStatus.CALLING
        )

    def held(self) -> Self:
        """Wanted, but without a next date: a rule forbids them until data changes."""
        return self.queued().filter(next_call_at=None)

    def give_turn(self, *, now: datetime) -> int:
        """They are asked about again: now, or when a call was promised to them."""
        promised = When(callback_at__gt=now, then=F("callback_at"))
        return self.update(
            next_call_at=Case(
                promised, default=Value(now), output_field=models.DateTimeField()
            )
        )

    def missed_callbacks(self, *, now: datetime) -> Self:
        """Promised, and not kept in time."""
        return self.filter(callback_at__lt=now - CALLBACK_GRACE).exclude(
            call_status=CallStatus.CALLING
        )


class Lead(models.Model):
    """A person we may call."""

    first_name = models.CharField(_("nombre"), max_length=120, blank=True)
    last_name = models.CharField(_("apellidos"), max_length=200, blank=True)
    phone = models.CharField(_("teléfono"), max_length=60, blank=True)
    phone_alt = models.CharField(_("teléfono 2"), max_length=60, blank=True)
    phone_e164 = models.CharField(
        _("teléfono normalizado"), max_length=16, blank=True, db_index=True
    )
    phone_alt_e164 = models.CharField(
        _("teléfono 2 normalizado"), max_length=16, blank=True, db_index=True
    )
    email = models.EmailField(_("correo"), max_length=254, blank=True)
    city = models.CharField(_("ciudad"), max_length=120, blank=True)
    province = models.CharField(_("provincia"), max_length=60, blank=True)
    postal_code = models.CharField(_("código postal"), max_length=10, blank=True)
    community = models.CharField(
        _("comunidad autónoma"),
        max_length=3,
        blank=True,
        help_text=_("Código ISO 3166-2; decide los festivos. Sin él, cuentan todos."),
    )
    time_zone = models.CharField(
        _("huso horario"),
        max_length=40,
        blank=True,
        help_text=_("Sin huso horario no se llama: no se sabe qué hora es allí."),
    )
    national_id = models.CharField(_("NIF"), max_length=20, blank=True)
    birth_date = models.DateField(_("fecha de nacimiento"), null=True, blank=True)
    sex = models.CharField(_("sexo"), max_length=10, blank=True)
    policy_number = models.CharField(_("póliza"), max_length=60, blank=True)
    segment = models.CharField(_("segmento"), max_length=60, blank=True)
    certificate = models.CharField(_("certificado"), max_length=60, blank=True)
    delegation = models.CharField(_("delegación"), max_length=60, blank=True)
    clinic_name = models.CharField(_("clínica"), max_length=200, blank=True)
    clinic_id = models.CharField(_("id de clínica"), max_length=60, blank=True)
    clinic_address = models.CharField(
        _("dirección de clínica"), max_length=255, blank=True
    )
    source_file = models.CharField(_("archivo de origen"), max_length=255, blank=True)
    source_row = models.PositiveIntegerField(_("fila de origen"), null=True, blank=True)
    external_id = models.CharField(_("id externo"), max_length=100, blank=True)
    manual_management = models.BooleanField(
        _("gestión manual"),
        default=False,
        help_text=_("Lo atiende una persona: el sistema no lo llama."),
    )
    consent = models.CharField(
        _("consentimiento"),
        max_length=10,
        choices=Consent.choices,
        default=Consent.UNKNOWN,
    )
    consent_source = models.CharField(
        _("origen del consentimiento"), max_length=200, blank=True
    )
    created_at = models.DateTimeField(_("creado"), default=timezone.now)

    # The ten call fields (migration 0002): names, types and defaults are given.
    call_status = models.CharField(
        _("estado"),
        max_length=20,
        choices=CallStatus.choices,
        default=CallStatus.NO_SELECTED,
    )
    call_priority = models.IntegerField(
        _("prioridad"), choices=Priority.choices, default=Priority.NORMAL
    )
    selected_for_calling = models.BooleanField(_("seleccionado"), default=False)
    pearl_outbound_id = models.CharField(  # noqa: DJ001 (nullable as given)
        _("campaña de Pearl"), max_length=100, null=True, blank=True
    )
    last_call_attempt = models.DateTimeField(_("último intento"), null=True, blank=True)
    call_attempts_count = models.IntegerField(_("intentos"), default=0)
    call_error_message = models.TextField(  # noqa: DJ001
        _("error"), null=True, blank=True
    )
    pearl_call_response = models.TextField(  # noqa: DJ001
        _("última respuesta de Pearl"), null=True, blank=True
    )
    call_notes = models.TextField(_("notas"), null=True, blank=True)  # noqa: DJ001
    updated_at = models.DateTimeField(_("modificado"), auto_now=True)

    next_call_at = models.DateTimeField(
        _("próxima llamada"),
        null=True,
        blank=True,
        help_text=_(
            "Vacío: no espera turno (fuera de la cola, en llamada o retenido)."
        ),
    )
    disposition = models.CharField(
        _("resultado comercial"),
        max_length=20,
        choices=Disposition.choices,
        default=Disposition.NONE,
        blank=True,
    )
    disposition_reason = models.CharField(
        _("motivo"),
        max_length=20,
        choices=NotInterested.choices,
        default=NotInterested.NONE,
        blank=True,
    )
    lead_import = models.ForeignKey(
        LeadImport,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="leads",
        verbose_name=_("importación"),
    )
    callback_at = models.DateTimeField(
        _("rellamada"),
        null=True,
        blank=True,
        help_text=_("Llamada prometida para esa fecha y hora: va delante de la cola."),
    )
    call_now = models.BooleanField(_("llamar ahora"), default=False)
    queue_rank = models.GeneratedField(
        verbose_name=_("orden en la cola"),
        # Written by the database: it can never contradict what it follows from.
        expression=Case(
            When(call_now=True, then=Value(QueueRank.CALL_NOW.value)),
            When(callback_at__isnull=False, then=Value(QueueRank.CALLBACK.value)),
            When(
                call_status__in=[str(status.value) for status in TO_RETRY],
                then=Value(QueueRank.RETRY.value),
            ),
            default=F("call_priority") + Value(QueueRank.RETRY.value),
        ),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    search_text = models.CharField(max_length=LONGEST, blank=True, editable=False)

    objects = LeadQuerySet.as_manager()

    class Meta:
        db_table = "leads"
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        constraints = [
            models.CheckConstraint(
                name="lead_call_status_known",
                condition=Q(call_status__in=CallStatus.values),
            ),
            models.CheckConstraint(
                name="lead_call_priority_known",
                condition=Q(call_priority__in=Priority.values),
            ),
            models.CheckConstraint(
                name="lead_selected_is_wanted",
                condition=~Q(call_status=CallStatus.SELECTED)
                | Q(selected_for_calling=True),
            ),
            models.CheckConstraint(
                name="lead_no_selected_is_not_wanted",
                condition=~Q(call_status=CallStatus.NO_SELECTED)
                | Q(selected_for_calling=False),
            ),
        ]
        indexes = [
            # The claim: equality on the first four, then exactly its ORDER BY.
            models.Index(
                name="lead_queue",
                fields=[
                    "pearl_outbound_id",
                    "selected_for_calling",
                    "manual_management",
                    "queue_rank",
                    "next_call_at",
                    "id",
                ],
            ),
            models.Index(name="lead_status", fields=["call_status", "id"]),
            models.Index(
                name="lead_counts", fields=["pearl_outbound_id", "call_status"]
            ),
            # The list: one for each filter that may find few among many, and for each
            # column it can be sorted by. Every index ends in the id by itself.
            models.Index(name="lead_city", fields=["city"]),
            models.Index(name="lead_province", fields=["province"]),
            models.Index(name="lead_clinic", fields=["clinic_name"]),
            models.Index(name="lead_source", fields=["source_file"]),
            models.Index(name="lead_disposition", fields=["disposition"]),
            models.Index(name="lead_priority", fields=["call_priority"]),
            models.Index(name="lead_attempts", fields=["call_attempts_count"]),
            models.Index(name="lead_last_call", fields=["last_call_attempt"]),
            models.Index(name="lead_next_call", fields=["next_call_at"]),
            models.Index(name="lead_callback", fields=["callback_at"]),
            models.Index(name="lead_surname", fields=["last_name", "first_name"]),
            models.Index(name="lead_external", fields=["external_id"]),
            models.Index(name="lead_nif", fields=["national_id"]),
        ]
        permissions = [
            ("select_lead", _("Puede poner leads en cola y quitarlos")),
            ("export_lead", _("Puede exportar leads")),
            ("merge_lead", _("Puede unir leads duplicados")),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or _("Lead %s") % self.pk

    def save(self, *args: Any, **options: Any) -> None:
        self.search_text = search_text(self)
        super().save(*args, **options)
