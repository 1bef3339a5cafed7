"""What the site itself remembers of a person."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserLanguage(models.Model):
    """The language that somebody chose, for the browsers to come. Between two logins
    it travels in a cookie, so that no page asks for it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="+",
        verbose_name=_("persona"),
    )
    language = models.CharField(_("idioma"), max_length=10)

    class Meta:
        db_table = "user_languages"
        verbose_name = _("idioma de una persona")
        verbose_name_plural = _("idiomas de las personas")

    def __str__(self) -> str:
        return self.language
