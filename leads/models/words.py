"""The words that leads are found by."""

from __future__ import annotations

from django.db import models

from leads.search_text import LONGEST, LONGEST_WORD

LONGEST_ROW = LONGEST + 40  # two phones of E.164, and the signs before them


class LeadWord(models.Model):
    """A word of a lead, or the end of one of its numbers. The database writes them
    itself, as leads/word_index.py tells it: nobody else does.

    `search_text` is the lead's, so that its other words are read in the same place;
    it is blank for the end of a number. Until the words of an imported lead are written
    it has one row, of no word, whose text ends in its phones.
    """

    pk = models.CompositePrimaryKey("word", "lead_id")
    word = models.CharField(max_length=LONGEST_WORD)
    lead_id = models.BigIntegerField()
    search_text = models.CharField(max_length=LONGEST_ROW)

    class Meta:
        db_table = "lead_words"
        default_permissions = ()

    def __str__(self) -> str:
        return self.word
