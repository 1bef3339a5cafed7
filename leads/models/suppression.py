"""The numbers never to be called, and the lists they are on."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads.models.changes import Export
from leads.phones import phone_hash


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def bulk_create(
        self, objs: Any, *args: Any, **options: Any
    ) -> builtins.list[Suppression]:
        objs = [*objs]
        for one in objs:
            one.set_hash()
        return super().bulk_create(objs, *args, **options)

    def active(self, *, now: datetime) -> Self:
        """Those that hold today: an expired one forbids nothing."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now))

    def in_state(self, state: str, *, now: datetime) -> Self:
        """`active`, `proposed` or `expired`."""
        match state:
            case "active":
                return self.active(now=now).filter(proposed=False)
            case "proposed":
                return self.active(now=now).filter(proposed=True)
            case "expired":
                return self.filter(expires_at__lte=now)
        raise ValueError(state)

    def numbers(self) -> Any:
        """For `phone_e164__in`, all but the forgotten ones. Not for EXISTS: of a list
        just filled, MariaDB would read every row for each lead."""
        return self.exclude(phone_e164="").values("phone_e164")


class Suppression(models.Model):
    """A number never to be called, on one list; a proposed one holds until reviewed.

    The number itself can be forgotten: its keyed hash goes on forbidding it.
    """

    class List(models.TextChoices):
        REQUEST = "request", _("Petición del interesado")
        ROBINSON = "robinson", _("Lista Robinson")
        WRONG_NUMBER = "wrong_number", _("Número erróneo")
        PROVIDER = "provider", _("Bloqueado en Pearl")
        INTERNAL = "internal", _("Decisión del centro")

    phone_e164 = models.CharField(
        _("teléfono"), max_length=16, blank=True, db_index=True
    )
    phone_hash = models.CharField(
        _("huella"), max_length=64, blank=True, editable=False
    )
    list = models.CharField(
        _("lista"), max_length=15, choices=List.choices, default=List.REQUEST
    )
    reason = models.CharField(_("motivo"), max_length=200, blank=True)
    source = models.CharField(_("origen"), max_length=100, blank=True)
    proposed = models.BooleanField(
        _("propuesta"),
        default=False,
        help_text=_("La propuso el sistema: retiene el número hasta que se revise."),
    )
    expires_at = models.DateTimeField(
        _("caduca"),
        null=True,
        blank=True,
        help_text=_("Vacío: no caduca. Pasada la fecha, deja de impedir llamadas."),
    )
    checked_on = models.DateField(
        _("consultada el"),
        null=True,
        blank=True,
        help_text=_("Fecha de la respuesta de la lista que lo dice."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("añadida por"),
    )
    created_at = models.DateTimeField(_("fecha"), default=timezone.now)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        db_table = "suppressions"
        verbose_name = _("número excluido")
        verbose_name_plural = _("lista de exclusión")
        constraints = [
            models.UniqueConstraint(
                name="suppression_once_a_list", fields=["phone_hash", "list"]
            )
        ]
        # What waits for a review among millions of numbers of a list.
        indexes = [models.Index(name="suppression_proposed", fields=["proposed", "id"])]

    def __str__(self) -> str:
        return self.phone_e164 or f"{self.phone_hash[:8]}…"

    def save(self, *args: Any, **options: Any) -> None:
        self.set_hash()
        super().save(*args, **options)

    def set_hash(self) -> None:
        if self.phone_e164:
            self.phone_hash = phone_hash(self.phone_e164)


class ListAnswer(models.Model):
    """An exclusion list's answer about the numbers that were asked: round by round."""

    list = models.CharField(_("lista"), max_length=15, choices=Suppression.List.choices)
    export = models.ForeignKey(
        Export,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="answers",
        verbose_name=_("consulta"),
    )
    answered_on = models.DateField(_("fecha de la respuesta"))
    name = models.CharField(_("fichero"), max_length=255)
    sha256 = models.CharField(_("huella"), max_length=64)
    rows = models.PositiveIntegerField(_("filas"), default=0)
    added = models.PositiveIntegerField(_("añadidos"), default=0)
    renewed = models.PositiveIntegerField(_("renovados"), default=0)
    rejected = models.PositiveIntegerField(_("rechazados"), default=0)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("importada por"),
    )
    at = models.DateTimeField(_("importada"), default=timezone.now)

    class Meta:
        db_table = "list_answers"
        verbose_name = _("respuesta de una lista")
        verbose_name_plural = _("respuestas de listas")

    def __str__(self) -> str:
        return self.name
