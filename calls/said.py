"""What was said in calls, and how they are found by it: whole words, without case or
accents. Only `outcomes` writes a transcript and, in the same transaction, its words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from calls.models import SaidWord
from calls.talk import turns_of
from leads.search_text import LONGEST_WORD, fold

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from calls.models import CallAttempt
    from calls.models.attempt import CallAttemptQuerySet

BATCH = 500
MOST_WORDS = 5000  # of one call: two hours of talk have fewer different ones

# What `fold` takes for words, in a text that is not folded.
WORD = re.compile(r"[^\W_]+")
SHOWN_BEFORE, SHOWN = 60, 200  # signs of a passage
MOST_PASSAGES = 3


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Where the words were said: in pieces, of which some are the words."""

    who: str
    clock: str
    pieces: list[tuple[str, bool]]


def create_table(connection: BaseDatabaseWrapper) -> None:
    """Compared byte by byte, and kept in the order of its words."""
    is_mysql = connection.vendor == "mysql"
    text = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if is_mysql else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE said_words ("
            f" word varchar({LONGEST_WORD}){text} NOT NULL,"
            " attempt_id bigint NOT NULL,"
            " PRIMARY KEY (word, attempt_id)"
            f") {'ENGINE=InnoDB' if is_mysql else 'WITHOUT ROWID'}"
        )


def words_of(transcript: Any) -> set[str]:
    """Of a transcript as it is stored; what is no turn says nothing."""
    turns = transcript if isinstance(transcript, list) else []
    texts = (str(turn.get("text") or "") for turn in turns if isinstance(turn, dict))
    return {*words_in(" ".join(texts))[:MOST_WORDS]}


def words_in(text: str) -> list[str]:
    """Each once, in the order of the text."""
    return [*dict.fromkeys(word[:LONGEST_WORD] for word in fold(text).split())]


def write(attempt_id: int, *, before: Any, after: Any) -> None:
    """The words of a transcript that took the place of another."""
    if before == after:
        return
    old, new = words_of(before), words_of(after)
    if gone := old - new:
        SaidWord.objects.filter(attempt_id=attempt_id, word__in=gone).delete()
    rows = _rows(SaidWord, attempt_id, new - old)
    SaidWord.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def fill(attempts: Any, said_words: Any) -> None:
    """In batches: it can be interrupted and run again."""
    last = 0
    while True:
        some = attempts.filter(pk__gt=last).order_by("pk")
        rows = list(some.values_list("pk", "transcript")[:BATCH])
        if not rows:
            return
        last = rows[-1][0]
        made = [
            one
            for pk, transcript in rows
            for one in _rows(said_words.model, pk, words_of(transcript))
        ]
        said_words.bulk_create(made, batch_size=BATCH, ignore_conflicts=True)


def said(attempts: CallAttemptQuerySet, words: Collection[str]) -> CallAttemptQuerySet:
    """Those in which every one of the words was said. Each is one look at the index,
    from either side: the database begins with whichever has the fewest rows."""
    for word in words:
        attempts = attempts.filter(said__word=word)
    return attempts


def _rows(model: Any, attempt_id: int, words: Iterable[str]) -> list[Any]:
    """In the order of the index, so that two writers never wait for each other."""
    return [model(word=word, attempt_id=attempt_id) for word in sorted(words)]


# --- Where ------------------------------------------------------------------------


def passages(attempt: CallAttempt, words: Collection[str]) -> list[Passage]:
    """As few turns as have all of the words, in the order they were said; a few at
    most. Each is shown around the first of its words."""
    turns, lacking, chosen = turns_of(attempt), {*words}, set[int]()
    said_in = [{*words} & {*words_in(turn.text)} for turn in turns]
    while lacking and len(chosen) < MOST_PASSAGES:
        best = max(range(len(turns)), key=lambda at: len(lacking & said_in[at]))
        if not lacking & said_in[best]:
            break
        chosen.add(best)
        lacking -= said_in[best]
    return [
        Passage(
            who=turns[at].who,
            clock=turns[at].clock,
            pieces=_pieces(turns[at].text, said_in[at]),
        )
        for at in sorted(chosen)
    ]


def _pieces(text: str, words: set[str]) -> list[tuple[str, bool]]:
    spans = [m.span() for m in WORD.finditer(text) if words & {*words_in(m[0])}]
    start = spans[0][0] if spans else 0
    begin = 0
    if start > SHOWN_BEFORE:
        begin = text.find(" ", start - SHOWN_BEFORE, start) + 1 or start
    end = len(text)
    if end - begin > SHOWN:
        end = max(text.rfind(" ", begin, begin + SHOWN), spans[0][1] if spans else 0)
    cuts = [begin, *(at for span in spans for at in span if at <= end), end]
    pieces = [(text[a:b], (a, b) in spans) for a, b in pairwise(cuts) if b > a]
    before = [("…", False)] if begin else []
    return [*before, *pieces, *([("…", False)] if end < len(text) else [])]
