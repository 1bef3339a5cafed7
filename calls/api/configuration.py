"""What a campaign may do, read and written as the admin's form has it."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Header, Path, Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field

from calls import alarms, board, runs
from calls.api.access import allow
from calls.api.queries import Id, understood
from calls.campaign_test_admin import TestPhoneForm
from calls.forms import CampaignForm
from calls.models import Campaign, Scope
from calls.test_mode import TestModeRefused, set_test_phone

if TYPE_CHECKING:
    from django.contrib.auth.models import User

router = Router(tags=["configuration"])
LONGEST_NUMBER = 2**31 - 1
Count = Annotated[int, Field(ge=0, le=LONGEST_NUMBER)]


class CampaignName(Schema):
    id: int
    name: str
    outbound_id: str
    state: str


class Configuration(Schema):
    """`weekly_hours`: by day, the stretches in which may be called. `retry_minutes`:
    by outcome, the minutes to wait after the first, second, … attempt that ended so.
    `test_phone`: not empty, all calls go to it and nobody else is called."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=150)
    pearl_id: str = Field(max_length=100)
    max_concurrent_calls: int = Field(ge=1, le=runs.MAX_LIMIT)
    timeout_seconds: int = Field(ge=5, le=60)
    weekly_hours: dict[str, list[list[str]]] = Field(
        examples=[{"mon": [["09:00", "14:00"], ["16:00", "21:00"]]}]
    )
    on_holidays: bool
    always_open: bool
    close_margin_seconds: Count
    requires_consent: bool
    max_attempts: Count
    max_per_day: Count
    min_gap_minutes: Count
    retry_minutes: dict[str, list[int]] = Field(examples=[{"busy": [60, 120]}])
    test_phone: str = Field(max_length=60)


SETTINGS = tuple(name for name in Configuration.model_fields if name != "test_phone")
ConfigurationForm = modelform_factory(Campaign, form=CampaignForm, fields=SETTINGS)


@router.get("campaigns", response=list[CampaignName], summary="The campaigns here")
def campaigns(request: HttpRequest) -> list[Campaign]:
    allow(request, "calls.view_campaign")
    return list(Campaign.objects.order_by("pk"))


@router.get(
    "configuration/{campaign_id}",
    response=Configuration,
    summary="What a campaign may do",
)
def configuration(
    request: HttpRequest, response: HttpResponse, campaign_id: Path[Id]
) -> Configuration:
    """Its ETag is what a PUT sends back as If-Match."""
    allow(request, "calls.view_campaign")
    return _with_tag(get_object_or_404(Campaign, pk=campaign_id), response)


@router.put(
    "configuration/{campaign_id}", response=Configuration, summary="Change it, whole"
)
def configure(
    request: HttpRequest,
    response: HttpResponse,
    campaign_id: Path[Id],
    payload: Configuration,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Configuration:
    """If-Match: the ETag as it was read, or `*`. The test mode changes only while the
    campaign is stopped, and asks for its own permission."""
    person = allow(request, "calls.change_campaign", scope=Scope.CALLS)
    get_object_or_404(Campaign, pk=campaign_id)
    if if_match is None:
        raise HttpError(428, _("Falta If-Match: lea antes la configuración."))
    _write(campaign_id, payload, expected=if_match, request=request, by=person)
    board.forget(campaign_id)
    alarms.forget()
    return _with_tag(Campaign.objects.get(pk=campaign_id), response)


@transaction.atomic
def _write(
    campaign_id: int,
    asked: Configuration,
    *,
    expected: str,
    request: HttpRequest,
    by: User,
) -> None:
    gate = Campaign.objects.select_for_update().get(pk=campaign_id)
    before = _told(gate)
    tags = {tag.strip() for tag in expected.split(",")}
    if not tags & {"*", _tag(before)}:
        raise HttpError(412, _("La configuración ha cambiado desde que se leyó."))
    form = understood(
        ConfigurationForm(asked.model_dump(), instance=Campaign(pk=gate.pk)),
        names={"__all__": "weekly_hours"},
    )
    kept = before.model_dump()
    changes = {
        name: form.cleaned_data[name]
        for name in SETTINGS
        if form.cleaned_data[name] != kept[name]
    }
    if changes:
        _change(gate, changes, by=by)
    if asked.test_phone != gate.test_phone:
        allow(request, "calls.test_campaign", scope=Scope.CALLS)
        changes |= _switch_test(gate, asked.test_phone)
    if changes:
        fields = [{"changed": {"fields": sorted(changes)}}]
        LogEntry.objects.log_actions(by.pk, [gate], CHANGE, fields, single_object=True)


def _change(gate: Campaign, changes: dict[str, Any], *, by: User) -> None:
    rest = dict(changes)
    limit = rest.pop("max_concurrent_calls", None)
    if limit is not None:
        runs.change_limit(gate.pk, to=limit, now=timezone.now(), by=by)
    if rest:
        Campaign.objects.filter(pk=gate.pk).update(**rest)


def _switch_test(gate: Campaign, typed: str) -> dict[str, str]:
    phone = ""
    if typed:
        form = TestPhoneForm({"phone": typed, "understood": True})
        understood(form, names={"phone": "test_phone"})
        phone = form.cleaned_data["phone"]
    try:
        is_new = set_test_phone(gate.pk, phone, now=timezone.now())
    except TestModeRefused as exc:
        raise HttpError(409, str(exc.reason)) from exc
    return {"test_phone": phone} if is_new else {}


def _told(campaign: Campaign) -> Configuration:
    columns = {name: getattr(campaign, name) for name in Configuration.model_fields}
    return Configuration(**columns)


def _with_tag(campaign: Campaign, response: HttpResponse) -> Configuration:
    told = _told(campaign)
    response.headers["ETag"] = _tag(told)
    return told


def _tag(told: Configuration) -> str:
    text = json.dumps(told.model_dump(), sort_keys=True)
    return f'"{sha256(text.encode()).hexdigest()[:32]}"'
