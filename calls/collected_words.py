"""What a call brought back, as people read it: values, mood and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Field
from django.utils.formats import date_format, time_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from calls.evidence import as_text
from calls.models import CollectedField, CollectedValue, OptOut
from calls.models.collected import COLUMN_OF
from calls.typed_values import Typed
from leads.models import Suppression
from leads.suppressions import Hold

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

LONGEST_RAW = 200


@dataclass(frozen=True, kw_only=True)
class Mood:
    """How the person sounded (pearl-api.md 2.7), in a word and a face."""

    words: StrOrPromise
    icon: str


MOODS: Mapping[int, Mood] = {
    1: Mood(words=gettext_lazy("Negativo"), icon="emoji-angry"),
    2: Mood(words=gettext_lazy("Algo negativo"), icon="emoji-frown"),
    3: Mood(words=gettext_lazy("Neutro"), icon="emoji-neutral"),
    4: Mood(words=gettext_lazy("Algo positivo"), icon="emoji-smile"),
    5: Mood(words=gettext_lazy("Positivo"), icon="emoji-laughing"),
}


def tags_of(tags: Any) -> list[str]:
    found = tags if isinstance(tags, list) else ()
    return [str(tag) for tag in found if isinstance(tag, str | int) and str(tag)]


# --- Values -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Said:
    """One collected value. `words` is empty while it waits for a review."""

    pk: int
    label: str
    words: str
    raw: str
    state: str
    provenance: str
    problem: StrOrPromise

    @property
    def waits(self) -> bool:
        return self.state == CollectedValue.State.REVIEW


def values_said(calls: Sequence[int]) -> dict[int, list[Said]]:
    """By call, in one query; but for those of fields out of use."""
    found: dict[int, list[Said]] = {}
    rows = CollectedValue.objects.filter(attempt__in=calls).exclude(
        state=CollectedValue.State.SET_ASIDE
    )
    shown = rows.select_related("field", "settled_by")
    for value in shown.order_by("field__order", "pk") if calls else ():
        found.setdefault(value.attempt_id, []).append(said(value))
    return found


def said(value: CollectedValue) -> Said:
    """Of a value with its field and whoever settled it already fetched."""
    return Said(
        pk=value.pk,
        label=value.field.label,
        words=value_words(value),
        raw=raw_words(value.raw),
        state=value.state,
        provenance=_provenance(value),
        problem=value.get_problem_display(),
    )


def value_words(value: CollectedValue) -> str:
    return words_of(value.value, field=value.field)


def kept_words(kept: Mapping[str, Any], *, field: CollectedField) -> str:
    """Of a value as the history of its corrections keeps it."""
    column = CollectedValue._meta.get_field(COLUMN_OF[kept["kind"]])
    typed = column.to_python(kept["value"]) if isinstance(column, Field) else None
    return words_of(typed, field=field)


def words_of(typed: Typed | None, *, field: CollectedField) -> str:
    labels = {answer.code: answer.label for answer in field.answers}
    words = typed_words(typed)
    return labels.get(words, words) if isinstance(typed, str) else words


def typed_words(typed: Typed | None) -> str:
    match typed:
        case None:
            return ""
        case bool():
            return _("sí") if typed else _("no")
        case datetime():
            return date_format(localtime(typed), "d/m/Y H:i")
        case date():
            return date_format(typed, "d/m/Y")
        case time():
            return time_format(typed, "H:i:s" if typed.second else "H:i")
        case Decimal():
            plain = f"{typed.normalize():f}"
            return plain if get_language() == "en" else plain.replace(".", ",")
    return typed


def raw_words(raw: Any) -> str:
    text = raw if isinstance(raw, str) else as_text(raw)
    return text if len(text) <= LONGEST_RAW else f"{text[:LONGEST_RAW]}…"


def _provenance(value: CollectedValue) -> str:
    came = _("«%(raw)s», por %(source)s") % {
        "raw": raw_words(value.raw),
        "source": value.get_source_display(),
    }
    if value.settled_at is None:
        return came
    words = _("%(came)s; %(state)s por %(who)s el %(when)s: %(why)s")
    return words % {
        "came": came,
        "state": value.get_state_display().lower(),
        "who": _name(value.settled_by),
        "when": date_format(localtime(value.settled_at), "d/m/Y H:i"),
        "why": value.reason,
    }


# --- Requests not to be called ------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Request:
    """That somebody asked not to be called, and what became of it."""

    sentence: str
    words: str
    waits: bool


def request_of(
    opt_outs: Sequence[OptOut], *, holds: Mapping[str, Hold]
) -> Request | None:
    """One line for all the numbers of a call. `holds`: by hash, what the list of those
    who asked has today."""
    if not opt_outs:
        return None
    waits = any(
        one.phone_hash in holds and holds[one.phone_hash].proposed for one in opt_outs
    )
    decided = next((one for one in opt_outs if one.decision), None)
    words = _("la exclusión está por revisar")
    if not waits and decided is not None:
        words = _("exclusión %(decision)s por %(who)s el %(when)s") % {
            "decision": decided.get_decision_display().lower(),
            "who": _name(decided.decided_by),
            "when": date_format(localtime(decided.decided_at), "d/m/Y H:i"),
        }
    elif not waits:
        is_held = any(one.phone_hash in holds for one in opt_outs)
        words = _("está excluido") if is_held else _("ya no está excluido")
    return Request(sentence=opt_outs[0].sentence, words=words, waits=waits)


def requests_of(calls: Sequence[int]) -> dict[int, Request]:
    """By call, in two queries."""
    found: dict[int, list[OptOut]] = {}
    rows = OptOut.objects.filter(attempt__in=calls).select_related("decided_by")
    for one in rows.order_by("pk") if calls else ():
        found.setdefault(one.attempt_id, []).append(one)
    if not found:
        return {}
    hashes = [one.phone_hash for each in found.values() for one in each]
    listed = Suppression.objects.filter(
        list=Suppression.List.REQUEST, phone_hash__in=hashes
    ).values_list("phone_hash", "proposed")
    holds = {hashed: Hold(proposed=proposed) for hashed, proposed in listed}
    told = {call: request_of(each, holds=holds) for call, each in found.items()}
    return {call: request for call, request in told.items() if request}


def _name(user: User | None) -> str:
    if user is None:
        return _("alguien que ya no está")
    return user.get_full_name() or user.get_username()
