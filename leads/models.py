"""The people who may be called, where they came from, and who must not be called."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


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

    NONE = "", _("Sin resultado")
    APPOINTMENT = "appointment", _("Cita")
    CALL_BACK = "call_back", _("Volver a llamar")
    NOT_INTERESTED = "not_interested", _("No interesado")
    WRONG_NUMBER = "wrong_number", _("Número erróneo")
    DO_NOT_CALL = "do_not_call", _("No llamar más")


class LeadQuerySet(models.QuerySet["Lead"]):
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


class LeadImport(models.Model):
    """One file of leads, and what became of its rows."""

    name = models.CharField(_("fichero"), max_length=255)
    sha256 = models.CharField(_("huella"), max_length=64, db_index=True)
    rows = models.PositiveIntegerField(_("filas"), default=0)
    created = models.PositiveIntegerField(_("nuevas"), default=0)
    duplicates = models.PositiveIntegerField(_("duplicadas"), default=0)
    suppressed = models.PositiveIntegerField(_("excluidas"), default=0)
    rejected = models.PositiveIntegerField(_("rechazadas"), default=0)
    problems = models.JSONField(_("problemas"), default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("importado por"),
    )
    created_at = models.DateTimeField(_("fecha"), default=timezone.now)

    class Meta:
        db_table = "lead_imports"
        verbose_name = _("importación")
        verbose_name_plural = _("importaciones")

    def __str__(self) -> str:
        return self.name


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
    lead_import = models.ForeignKey(
        LeadImport,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="leads",
        verbose_name=_("importación"),
    )

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
                    "call_priority",
                    "next_call_at",
                    "id",
                ],
            ),
            models.Index(name="lead_status", fields=["call_status", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or _("Lead %s") % self.pk


class Suppression(models.Model):
    """A number never to be called; one proposed by a call holds until reviewed."""

    phone_e164 = models.CharField(_("teléfono"), max_length=16, unique=True)
    reason = models.CharField(_("motivo"), max_length=200, blank=True)
    source = models.CharField(_("origen"), max_length=100, blank=True)
    proposed = models.BooleanField(
        _("propuesta"),
        default=False,
        help_text=_("La propuso el sistema: retiene el número hasta que se revise."),
    )
    created_at = models.DateTimeField(_("fecha"), default=timezone.now)

    class Meta:
        db_table = "suppressions"
        verbose_name = _("número excluido")
        verbose_name_plural = _("lista de exclusión")

    def __str__(self) -> str:
        return self.phone_e164
