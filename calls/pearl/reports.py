"""What Pearl reports about calls, in our words, from the API and webhooks alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import codes
from .ids import CallId, LeadId, RequestId
from .reading import (
    CodeReader,
    FrozenMap,
    NotJson,
    as_bool,
    as_float,
    as_int,
    as_moment,
    as_object,
    as_objects,
    as_text,
    as_texts,
    clean,
    first,
    frozen,
    parse_json,
    plain_keys,
)

#: The variable every Pearl of ours declares, so that a call names its attempt (5.2).
ATTEMPT_VARIABLE = "ttAttemptId"

WEBHOOK_MAX_BYTES = 1024 * 1024

LONG_NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){5,}")

T = TypeVar("T")


class UnreadableEvent(ValueError):
    """Not an event of Pearl's that we understand. Keep the bytes and answer 200."""

    REASONS: Mapping[str, Promise] = {
        "too-big": _("El aviso de Pearl es demasiado grande."),
        "not-json": _("El aviso de Pearl no es JSON."),
        "not-event": _("El aviso de Pearl no habla de una llamada ni de un contacto."),
        "no-id": _("El aviso de Pearl no dice de qué llamada o contacto habla."),
    }

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return str(self.REASONS[self.code])


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Something said. Which role is the agent, and the unit of time, are unsettled."""

    role: int | str | None
    text: str = field(repr=False)
    start: float | None
    end: float | None


@dataclass(frozen=True, kw_only=True)
class CallReport:
    """A call as Pearl tells it at one moment. None: not told (yet).

    Source: pearl-api.md 4.4, 5.1, 6.5, 8.2. Codes are Pearl's numbers with synonyms
    joined (2.3); a name we do not know gives None and stays in `unknown_codes`.
    """

    call_id: CallId
    pearl_id: str | None = None
    to: str | None = field(default=None, repr=False)
    started_at: datetime | None = None
    status: int | None = None
    conversation_status: int | None = None
    duration_seconds: int | None = None
    recording_url: str | None = field(default=None, repr=False)
    transcript: tuple[Turn, ...] = field(default=(), repr=False)
    summary: str | None = field(default=None, repr=False)
    collected_info: FrozenMap = field(default_factory=FrozenMap, repr=False)
    tags: tuple[str, ...] = ()
    sentiment: int | None = None
    is_transferred: bool | None = None
    lead_id: LeadId | None = None
    credit_debited: float | None = None
    unknown_codes: FrozenMap = field(default_factory=FrozenMap)

    @property
    def attempt_token(self) -> str | None:
        """The attempt this call belongs to, if the Pearl gave our marker back."""
        return as_text(self.collected_info.get(ATTEMPT_VARIABLE))


@dataclass(frozen=True, kw_only=True)
class LeadReport:
    """A lead of Pearl's that changed status (8.3); Make Call creates none."""

    lead_id: LeadId
    pearl_id: str | None = None
    external_id: str | None = None
    phone: str | None = field(default=None, repr=False)
    status: int | None = None
    created_at: datetime | None = None
    call_ids: tuple[CallId, ...] = ()
    call_data: FrozenMap = field(default_factory=FrozenMap, repr=False)
    collected_info: FrozenMap = field(default_factory=FrozenMap, repr=False)
    unknown_codes: FrozenMap = field(default_factory=FrozenMap)

    @property
    def attempt_token(self) -> str | None:
        sent, collected = self.call_data, self.collected_info
        return as_text(first(sent, ATTEMPT_VARIABLE)) or as_text(
            first(collected, ATTEMPT_VARIABLE)
        )


@dataclass(frozen=True, kw_only=True)
class CallRequestReport:
    """What became of a Make Call (4.3). `call_id` stays None until Pearl dials."""

    request_id: RequestId
    status: int | None = None
    outbound_id: str | None = None
    created_at: datetime | None = None
    errors: tuple[str, ...] = ()
    call_id: CallId | None = None
    unknown_codes: FrozenMap = field(default_factory=FrozenMap)


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """Part of a search. Only the last page of a search without `unreadable` items
    can show that something is not there."""

    items: tuple[T, ...]
    #: How many Pearl says there are in all; None when it does not say.
    count: int | None
    #: How many of this page's items had no id that we could read.
    unreadable: int
    #: Where the next page starts; None: this was the last.
    next_skip: int | None

    @classmethod
    def read(
        cls,
        document: object,
        item: Callable[[Mapping[str, Any]], T | None],
        *,
        skip: int,
        limit: int,
    ) -> Self | None:
        """None: this is not a page, or it contradicts itself, so it shows nothing."""
        if not isinstance(document, dict) or "results" not in document:
            return None
        results, count = document["results"] or [], as_int(document.get("count"))
        if not isinstance(results, list):
            return None
        reached = skip + len(results)
        is_last = len(results) < limit if count is None else reached >= count
        if not is_last and not results:
            return None
        read = [item(as_object(result)) for result in results]
        items = tuple(one for one in read if one is not None)
        return cls(
            items=items,
            count=count,
            unreadable=len(read) - len(items),
            next_skip=None if is_last else reached,
        )


def parse_webhook(body: bytes) -> CallReport | LeadReport:
    """The event in a webhook of either version (8.2 to 8.4), or UnreadableEvent."""
    if len(body) > WEBHOOK_MAX_BYTES:
        raise UnreadableEvent("too-big")
    event = _event(body)
    if event is None:
        raise UnreadableEvent("not-json")
    report = _report_of(event)
    if report is None:
        raise UnreadableEvent("no-id")
    return report


def _event(body: bytes) -> object:
    try:
        return plain_keys(parse_json(body))
    except NotJson:
        return None


def _report_of(event: object) -> CallReport | LeadReport | None:
    source = as_object(event)
    if not source.keys() & {"to", "toNumber"} and "phoneNumber" in source:
        return read_lead(source)
    if source.keys() & {"to", "toNumber", "conversationStatus", "callId"}:
        return read_call(source)
    raise UnreadableEvent("not-event")


def read_call(source: Mapping[str, Any]) -> CallReport | None:
    """A call from an object with camelCase keys; None without an id."""
    call_id = CallId.read(first(source, "id", "callId"))
    if call_id is None:
        return None
    code = CodeReader(source)
    return CallReport(
        call_id=call_id,
        pearl_id=as_text(source.get("pearlId")),
        to=as_text(first(source, "to", "toNumber")),
        started_at=as_moment(first(source, "startTime", "created")),
        status=code("status", codes.CALL_STATUS),
        conversation_status=code("conversationStatus", codes.CONVERSATION_STATUS),
        duration_seconds=as_int(source.get("duration")),
        recording_url=_web_address(first(source, "recording", "recordingUrl")),
        transcript=tuple(map(_turn, as_objects(source.get("transcript")))),
        summary=as_text(source.get("summary")),
        collected_info=_collected(first(source, "collectedInfo", "additionalData")),
        tags=as_texts(source.get("tags")),
        sentiment=code("overallSentiment", codes.SENTIMENT),
        is_transferred=as_bool(source.get("isCallTransferred")),
        lead_id=LeadId.read(source.get("leadId")),
        credit_debited=as_float(source.get("creditDebited")),
        unknown_codes=code.unknown,
    )


def read_lead(source: Mapping[str, Any]) -> LeadReport | None:
    """A lead from an object with camelCase keys; None without an id."""
    lead_id = LeadId.read(first(source, "id", "leadId"))
    if lead_id is None:
        return None
    code = CodeReader(source)
    call_ids = (CallId.read(text) for text in as_texts(source.get("callsId")))
    return LeadReport(
        lead_id=lead_id,
        pearl_id=as_text(source.get("pearlId")),
        external_id=as_text(source.get("externalId")),
        phone=as_text(source.get("phoneNumber")),
        status=code("status", codes.LEAD_STATUS),
        created_at=as_moment(source.get("created")),
        call_ids=tuple(call_id for call_id in call_ids if call_id is not None),
        call_data=_collected(source.get("callData")),
        collected_info=_collected(source.get("collectedData")),
        unknown_codes=code.unknown,
    )


def read_call_request(source: Mapping[str, Any]) -> CallRequestReport | None:
    """A call request; None without an id."""
    request_id = RequestId.read(source.get("id"))
    if request_id is None:
        return None
    code = CodeReader(source)
    return CallRequestReport(
        request_id=request_id,
        status=code("status", codes.REQUEST_STATUS),
        outbound_id=as_text(source.get("outboundId")),
        created_at=as_moment(source.get("created")),
        errors=tuple(without_numbers(as_texts(source.get("errors")))),
        call_id=CallId.read(source.get("callId")),
        unknown_codes=code.unknown,
    )


def without_numbers(texts: Iterable[str]) -> list[str]:
    """The same sentences, with whatever may be a phone or a document blotted out."""
    return [LONG_NUMBER.sub("…", text)[:200] for text in texts]


def _turn(source: Mapping[str, Any]) -> Turn:
    role = source.get("role")
    is_role = isinstance(role, int | str) and not isinstance(role, bool)
    return Turn(
        role=frozen(role) if is_role else None,
        text=as_text(first(source, "content", "text")) or "",
        start=as_float(source.get("startTime")),
        end=as_float(source.get("endTime")),
    )


def _collected(value: object) -> FrozenMap:
    """Values by variable id, from a list of {id, name, value} or from an object."""
    if isinstance(value, dict):
        return FrozenMap({clean(key): frozen(inner) for key, inner in value.items()})
    return FrozenMap(
        {
            name: frozen(item.get("value"))
            for item in as_objects(value)
            if (name := as_text(item.get("id"))) is not None
        }
    )


def _web_address(value: object) -> str | None:
    """Where the recording is; None for anything a browser should not be led to."""
    if isinstance(value, dict):
        value = value.get("url")
    text = as_text(value)
    is_web = text is not None and text.lower().startswith(("https://", "http://"))
    return text if is_web else None
