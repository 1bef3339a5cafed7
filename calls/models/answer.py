"""What programs were answered, for when they ask the same again."""

from __future__ import annotations

from django.db import models


class KeptAnswer(models.Model):
    """One request sent with an Idempotency-Key, and its answer once there is one.

    Key and request are kept as digests: databases compare texts without case.
    """

    key = models.CharField(max_length=64, unique=True)
    asked = models.CharField(max_length=64)
    owner = models.UUIDField()
    lease_expires_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "api_answers"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk}"
