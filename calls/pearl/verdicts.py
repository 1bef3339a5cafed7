"""What an answer of Pearl's forces us to do: the errors, and how they are chosen.

Source: reliability.md 1.4 (the table) and pearl-api.md 1.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .ids import RequestId, is_id
from .reading import NotJson, as_int, as_object, parse_json, plain_keys
from .reports import without_numbers
from .transport import Answer

T = TypeVar("T")

# Not 409: "already done" may be a call (pearl-api.md 1.7).
REFUSED = frozenset({400, 404, 422})
DENIED = frozenset({401, 402, 403})
THROTTLED = 429

MAX_REASONS = 10
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=15)

#: Pearl's "no such thing": a 400 that says "wrong CallId", seen in production (1.7).
WRONG_ID = re.compile(r"\bwrong\s+\w*id\b", re.IGNORECASE)

REASONS: Mapping[str, Promise] = {
    "dns": _("no se encontró el servidor de Pearl"),
    "connect": _("no se pudo conectar con Pearl"),
    "tls": _("no se pudo establecer una conexión segura con Pearl"),
    "closed": _("el programa se está deteniendo"),
    "deadline": _("Pearl no respondió a tiempo"),
    "cut": _("la conexión con Pearl se cortó"),
    "too-big": _("la respuesta de Pearl es demasiado grande"),
    "not-json": _("la respuesta de Pearl no se entiende"),
    "no-id": _("la respuesta de Pearl no trae identificador"),
    "other-id": _("Pearl respondió sobre otra cosa"),
    "not-page": _("la lista de Pearl no se entiende o se contradice"),
    "unlike": _("la respuesta de Pearl no tiene la forma esperada"),
    "bad-outbound": _("el identificador de campaña de Pearl no es válido"),
    "bad-number": _("el teléfono no está en formato internacional"),
    "bad-data": _("los datos de la llamada no son solo texto"),
    "wrong-id": _("Pearl dice que no existe"),
    "bad-address": _("su dirección no es válida"),
    "private": _("su servidor es de una red privada"),
    "redirects": _("su dirección lleva demasiadas veces a otra"),
    "absent": _("no está donde Pearl dice"),
    "denied": _("no se permite descargarla"),
    "empty": _("está vacía"),
    "not-audio": _("lo recibido no es una grabación de sonido"),
    "large": _("es demasiado grande"),
}


class PearlError(Exception):
    """Anything that kept us from Pearl's answer. Catch one of the classes below.

    `code` is for machines, `status` the HTTP status if there was one; `str()` is a
    sentence for staff and holds neither numbers of people nor anything Pearl wrote.
    """

    lead: Promise = _("No se pudo hablar con Pearl")

    def __init__(self, code: str, *, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status

    def __str__(self) -> str:
        return f"{self.lead}: {self._reason()}."

    def _reason(self) -> str:
        if self.code in REASONS:
            return str(REASONS[self.code])
        return str(_("Pearl respondió con el código %(status)s")) % {
            "status": self.status
        }


class CallNotSent(PearlError):
    """Not a byte of the request reached Pearl. The lead may be called again."""

    lead = _("No se ha llamado")


class CallRefused(PearlError):
    """No phone rang. Never send the same again; `reasons` are for a person to read."""

    lead = _("No se ha llamado")

    def __init__(
        self, code: str, *, status: int | None = None, reasons: Iterable[str] = ()
    ) -> None:
        super().__init__(code, status=status)
        self.reasons = list(reasons)


class CallUncertain(PearlError):
    """A phone may have rung. Never dial again: find out what became of it."""

    lead = _("No se sabe si se ha llamado")


class AccessDenied(PearlError):
    """Our configuration or credit is at fault. No phone rang: stop the run."""

    lead = _("No se puede trabajar con Pearl")


class Throttled(PearlError):
    """Pearl wants fewer requests. No phone rang: every process waits `retry_after`.

    None: Pearl did not say how long; choose a pause.
    """

    lead = _("Hay que ir más despacio")

    def __init__(
        self,
        code: str,
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(code, status=status)
        self.retry_after = retry_after


class NoAnswer(PearlError):
    """Nothing was learnt, least of all that something is absent. Ask again later."""

    lead = _("No hay respuesta útil")


class NotFound(PearlError):
    """Pearl does not know this id (a fresh one may need a moment: pearl-api.md 9.3).

    It is no proof that no phone rang: a request id is not a call id.
    """

    lead = _("No se encuentra")


@dataclass(frozen=True, kw_only=True)
class PlacedCall:
    """Pearl accepted a call. `queue_position` above 0: no agent was free for it."""

    request_id: RequestId
    queue_position: int | None = None


def placed_call(answer: Answer, *, now: datetime) -> PlacedCall:
    """What a Make Call came to. In doubt, and only then, it is CallUncertain."""
    status, document = answer.status, _document(answer)
    code = f"http-{status}"
    if 200 <= status < 300:
        return _accepted(document, status=status)
    if status in REFUSED and isinstance(document, dict):
        raise CallRefused(code, status=status, reasons=_reasons(document))
    # Headers cut short look like an empty answer, so an end must be proved.
    if answer.has_declared_end or document is not None:
        _raise_if_denied_or_throttled(answer, now=now)
    raise CallUncertain(code, status=status)


def usable(answer: Answer, *, has_id: bool, now: datetime) -> object:
    """The document of a read, keys in camelCase. `has_id`: its URL names a thing."""
    status = answer.status
    _raise_if_denied_or_throttled(answer, now=now)
    document = _document(answer)
    if 200 <= status < 300:
        if document is None:
            raise NoAnswer("not-json", status=status)
        return document
    if has_id and _says_not_found(answer, document):
        raise NotFound("wrong-id", status=status)
    raise NoAnswer(f"http-{status}", status=status)


def _accepted(document: object, *, status: int) -> PlacedCall:
    if document is None:
        raise CallUncertain("not-json", status=status)
    source = as_object(document)
    request_id = RequestId.read(source.get("id"))
    if request_id is None:
        raise CallUncertain("no-id", status=status)
    return PlacedCall(
        request_id=request_id, queue_position=as_int(source.get("queuePosition"))
    )


def _raise_if_denied_or_throttled(answer: Answer, *, now: datetime) -> None:
    code = f"http-{answer.status}"
    if answer.status in DENIED:
        raise AccessDenied(code, status=answer.status)
    if answer.status == THROTTLED:
        wait = retry_after(answer.retry_after, now=now)
        raise Throttled(code, status=answer.status, retry_after=wait)


def _document(answer: Answer) -> object:
    """None for no JSON, and for `null`, which says as little."""
    try:
        document = plain_keys(parse_json(answer.body))
    except NotJson:
        return None
    # Half of 10 is 1: only an object or a list shows by itself that it is whole.
    is_whole = answer.has_declared_end or isinstance(document, dict | list)
    return document if is_whole else None


def _says_not_found(answer: Answer, document: object) -> bool:
    """A 404 page of some proxy says nothing about an id: only JSON or silence does."""
    if answer.status == 404:
        is_silence = answer.has_declared_end and not answer.body
        return is_silence or document is not None
    return answer.status == 400 and any(
        WRONG_ID.search(reason) for reason in _reasons(document)
    )


def _reasons(document: object) -> list[str]:
    """The messages of a ValidationProblemDetails, or its title (1.7)."""
    source = as_object(document)
    errors = source.get("errors")
    told = list(_messages(errors)) or [source.get("detail"), source.get("title")]
    texts = (text for text in told if isinstance(text, str) and text.strip())
    return without_numbers(texts)[:MAX_REASONS]


def _messages(errors: object) -> Iterable[object]:
    """Values are lists of strings by the schema, bare strings in places."""
    groups = errors.values() if isinstance(errors, dict) else [errors]
    for group in groups:
        yield from group if isinstance(group, list) else [group]


def retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """How long a Retry-After asks for, within reason; None for garbage."""
    text = (value or "").strip()
    wait = _seconds(text) if text.isdigit() else _until(text, now=now)
    return None if wait is None else min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)


def _seconds(text: str) -> timedelta | None:
    return timedelta(seconds=int(text[:9])) if text.isascii() else None


def _until(text: str, *, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) - now


def needed(value: T | None) -> T:
    """What was read. Raises NoAnswer: it is unlike what Pearl documents."""
    if value is None:
        raise NoAnswer("unlike")
    return value


def same(value: T | None, wanted: str, id_of: Callable[[T], str]) -> T:
    """What was asked for. Raises NoAnswer: it is another thing, or none."""
    if value is None:
        raise NoAnswer("no-id")
    if id_of(value) != wanted.lower():
        raise NoAnswer("other-id")
    return value


def checked_id(text: str) -> str:
    """For an address. Raises NotFound: no such thing can exist."""
    if not is_id(text):
        raise NotFound("wrong-id")
    return text
