"""How what calls collected is read, and the values that were read."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from calls.models.attempt import CallAttempt
from calls.typed_values import (
    NUMBER_DIGITS,
    NUMBER_PLACES,
    Choice,
    Kind,
    Problem,
    Reading,
    Typed,
)


class CollectedField(models.Model):
    """One thing that calls collect: what Pearl calls it, and how it is read.

    It changes through `collected_fields` alone: each change makes a version.
    """

    class Meaning(models.TextChoices):
        """What the system itself does something with."""

        WISHED_DATE = "wished_date", _("Día que desea para la cita")
        WISHED_TIME = "wished_time", _("Hora que desea para la cita")
        PREFERS = "prefers", _("Parte del día que prefiere")
        IS_INTERESTED = "is_interested", _("Si le interesa")

    label = models.CharField(_("nombre"), max_length=60)
    names = models.JSONField(
        _("variables de Pearl"),
        default=list,
        help_text=_("El identificador de cada variable, como está en Pearl."),
    )
    kind = models.CharField(_("tipo"), max_length=10, choices=Kind.choices)
    formats = models.JSONField(_("formatos que se admiten"), default=list, blank=True)
    choices = models.JSONField(_("respuestas"), default=list, blank=True)
    ahead = models.BooleanField(
        _("es un deseo"),
        default=False,
        help_text=_("Un día ya pasado, o de más de un año después, se revisa."),
    )
    meaning = models.CharField(
        _("significado"),
        max_length=20,
        choices=Meaning.choices,
        null=True,
        blank=True,
        unique=True,
        help_text=_("Para lo que el sistema hace con él; si solo se muestra, vacío."),
    )
    order = models.PositiveSmallIntegerField(_("orden"), default=100)
    active = models.BooleanField(_("activo"), default=True)
    version = models.PositiveIntegerField(_("versión"), default=1, editable=False)

    class Meta:
        db_table = "collected_fields"
        default_permissions = ("add", "change", "view")
        verbose_name = _("dato que se recoge")
        verbose_name_plural = _("datos que se recogen")

    def __str__(self) -> str:
        return self.label

    @property
    def reading(self) -> Reading:
        return Reading(
            kind=Kind(self.kind),
            formats=tuple(self.formats),
            choices=self.answers,
            ahead=self.ahead,
        )

    @property
    def answers(self) -> tuple[Choice, ...]:
        return tuple(
            Choice(code=one["code"], label=one["label"], words=tuple(one["words"]))
            for one in self.choices
        )


class CollectedFieldChange(models.Model):
    """A version of a field: who made it, when, and what it was and is; append-only."""

    field = models.ForeignKey(
        CollectedField, models.CASCADE, related_name="changes", verbose_name=_("dato")
    )
    version = models.PositiveIntegerField(_("versión"))
    at = models.DateTimeField(_("fecha"))
    # Nobody: the installation.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    before = models.JSONField(_("antes"), default=dict)
    after = models.JSONField(_("después"), default=dict)

    class Meta:
        db_table = "collected_field_changes"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="field_version_once", fields=["field", "version"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.field_id}/{self.version}"


class CollectedValue(models.Model):
    """What one call said about one field: as it came, and as it was read.

    The raw value also stays in the attempt, untouched. Rows change through `collected`
    alone; one that a person settled is never read again.
    """

    class State(models.TextChoices):
        READ = "read", _("Leído")
        REVIEW = "review", _("Por revisar")
        CORRECTED = "corrected", _("Corregido")
        DISMISSED = "dismissed", _("Descartado")
        SET_ASIDE = "set_aside", _("Apartado")

    class Source(models.TextChoices):
        WEBHOOK = "webhook", _("aviso de Pearl")
        POLL = "poll", _("consulta a Pearl")

    SETTLED = (State.CORRECTED, State.DISMISSED)
    USABLE = (State.READ, State.CORRECTED)

    attempt = models.ForeignKey(
        CallAttempt, models.CASCADE, related_name="values", verbose_name=_("llamada")
    )
    field = models.ForeignKey(
        CollectedField, models.PROTECT, related_name="values", verbose_name=_("dato")
    )
    name = models.CharField(_("variable"), max_length=200)
    raw = models.JSONField(_("como llegó"))
    state = models.CharField(_("situación"), max_length=10, choices=State.choices)
    problem = models.CharField(
        _("por qué se revisa"), max_length=20, choices=Problem.choices, blank=True
    )
    kind = models.CharField(_("tipo"), max_length=10, choices=Kind.choices)
    date_value = models.DateField(_("fecha"), null=True, blank=True)
    time_value = models.TimeField(_("hora"), null=True, blank=True)
    moment_value = models.DateTimeField(_("fecha y hora"), null=True, blank=True)
    bool_value = models.BooleanField(_("sí o no"), null=True, blank=True)
    number_value = models.DecimalField(
        _("número"),
        max_digits=NUMBER_DIGITS,
        decimal_places=NUMBER_PLACES,
        null=True,
        blank=True,
    )
    text_value = models.TextField(_("texto"), blank=True)
    source = models.CharField(_("llegó por"), max_length=10, choices=Source.choices)
    field_version = models.PositiveIntegerField(_("versión del dato"))
    read_at = models.DateTimeField(_("leído"))
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("revisado por"),
    )
    settled_at = models.DateTimeField(_("revisado"), null=True, blank=True)
    reason = models.CharField(_("motivo"), max_length=200, blank=True)

    class Meta:
        db_table = "collected_values"
        default_permissions = ("change", "view")
        verbose_name = _("dato recogido")
        verbose_name_plural = _("datos recogidos")
        constraints = [
            models.UniqueConstraint(
                name="value_once_a_call", fields=["attempt", "field"]
            )
        ]
        indexes = [models.Index(name="value_state", fields=["state", "id"])]

    def __str__(self) -> str:
        return str(_("Dato %s") % self.pk)

    @property
    def value(self) -> Typed | None:
        """None: it could not be read, or a person dismissed it."""
        typed: date | time | datetime | bool | Decimal | str | None
        typed = getattr(self, COLUMN_OF[self.kind])
        return None if typed == "" else typed


COLUMN_OF: dict[str, str] = {
    Kind.DATE: "date_value",
    Kind.TIME: "time_value",
    Kind.MOMENT: "moment_value",
    Kind.YES_NO: "bool_value",
    Kind.CHOICE: "text_value",
    Kind.NUMBER: "number_value",
    Kind.TEXT: "text_value",
}


def typed_columns(typed: Typed | None, *, kind: str) -> dict[str, Typed | None]:
    """The columns of a value with this one in its own, and nothing in the others."""
    columns: dict[str, Typed | None] = dict.fromkeys(COLUMN_OF.values())
    columns["text_value"] = ""
    if typed is not None:
        columns[COLUMN_OF[kind]] = typed
    return columns


class CollectedValueChange(models.Model):
    """What a person made of a value, and why; append-only."""

    collected_value = models.ForeignKey(
        CollectedValue, models.CASCADE, related_name="changes", verbose_name=_("dato")
    )
    at = models.DateTimeField(_("fecha"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quién"),
    )
    reason = models.CharField(_("motivo"), max_length=200)
    before = models.JSONField(_("antes"), default=dict)
    after = models.JSONField(_("después"), default=dict)

    class Meta:
        db_table = "collected_value_changes"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.collected_value_id}/{self.at:%Y-%m-%d}"
