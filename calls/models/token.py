"""What programs show instead of a login."""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.contrib.auth.models import User

PREFIX = "tt_"  # so that whoever finds one knows what it is


class Scope(models.TextChoices):
    """What a token may do at most; its owner's permissions may allow less."""

    READ = "read", _("Consultar")
    LEADS = "leads", _("Cambiar leads y exclusiones")
    CALLS = "calls", _("Iniciar, detener y configurar")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self, *, now: datetime) -> ApiTokenQuerySet:
        return self.filter(expires_at__gt=now, revoked_at=None, user__is_active=True)


class ApiToken(models.Model):
    """Only its hash is kept: it is random enough that no salt is needed."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        verbose_name=_("persona"),
    )
    name = models.CharField(
        _("nombre"), max_length=60, help_text=_("Para qué programa es.")
    )
    hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("alcance"), default=list)
    created_at = models.DateTimeField(_("creada"), default=timezone.now)
    expires_at = models.DateTimeField(_("caduca"))
    revoked_at = models.DateTimeField(_("revocada"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("último uso"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        db_table = "api_tokens"
        verbose_name = _("clave de API")
        verbose_name_plural = _("claves de API")
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(
        cls, user: User, *, name: str, scopes: Collection[str], expires_at: datetime
    ) -> tuple[ApiToken, str]:
        """The row, and the token itself: it is seen this once."""
        raw = PREFIX + secrets.token_urlsafe(32)
        token = cls.objects.create(
            user=user,
            name=name,
            hash=digest(raw),
            scopes=sorted(scopes),
            expires_at=expires_at,
        )
        return token, raw


def digest(raw: str) -> str:
    return sha256(raw.encode()).hexdigest()
