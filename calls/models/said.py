"""The words that calls are found by."""

from __future__ import annotations

from django.db import models

from calls.models.attempt import CallAttempt
from leads.search_text import LONGEST_WORD


class SaidWord(models.Model):
    """A word that was said in a call, as calls/said.py writes it: nobody else does."""

    pk = models.CompositePrimaryKey("word", "attempt")
    word = models.CharField(max_length=LONGEST_WORD)
    attempt = models.ForeignKey(
        CallAttempt,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="said",
    )

    class Meta:
        db_table = "said_words"
        default_permissions = ()

    def __str__(self) -> str:
        return self.word
