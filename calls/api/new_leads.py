"""Leads that a program brings: what it may say of each, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from ninja import Schema
from pydantic import ConfigDict, Field

from calls.api.problems import FieldError
from leads.adding import MOST_ROWS, Added, add_leads
from leads.import_report import RowClass

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SOURCE = "API"
# Leads say them in these words by API, both ways.
NAMES = {"priority": "call_priority", "notes": "call_notes"}
SAID = {column: name for name, column in NAMES.items()}


class NewLead(Schema):
    """What is empty says nothing of a lead that is there. What is too long or no
    telephone refuses the row; what else cannot be read is left out, with a remark."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "phone": "600 111 222",
                "first_name": "Ana",
                "last_name": "Ejemplo",
                "postal_code": "28001",
                "consent": "yes",
                "external_id": "crm-1001",
            }
        },
    )

    phone: str
    phone_alt: str = ""
    first_name: str = ""
    last_name: str = ""
    national_id: str = ""
    birth_date: str = Field("", description="dd/mm/yyyy or yyyy-mm-dd")
    sex: str = ""
    email: str = ""
    policy_number: str = ""
    segment: str = ""
    certificate: str = ""
    delegation: str = ""
    clinic_name: str = ""
    clinic_id: str = ""
    clinic_address: str = ""
    postal_code: str = Field("", description="It says the time zone and the holidays")
    city: str = ""
    province: str = ""
    external_id: str = Field("", description="By it a lead is found again")
    priority: str = Field("", description="1 high … 5 low")
    consent: str = Field("", description="yes or no; a no is never taken back")
    consent_source: str = ""
    notes: str = ""


class NewLeadsIn(Schema):
    """`update`: what a row says otherwise of a lead that is there is written."""

    model_config = ConfigDict(extra="forbid")

    items: list[NewLead] = Field(min_length=1, max_length=MOST_ROWS)
    update: bool = True
    consent_source: str = Field(
        "", max_length=200, description="Where it is kept that all of these agreed"
    )


class AddedLead(Schema):
    """`row`: from 0. `lead`: its id; null if there is none. `errors`: why it was
    refused. `remarks`: what of it was left out."""

    row: int
    result: RowClass
    lead: int | None
    errors: list[FieldError]
    remarks: list[FieldError]


class AddedOut(Schema):
    created: int
    updated: int
    refused: int
    items: list[AddedLead]


def add(asked: NewLeadsIn, *, by: User) -> AddedOut:
    rows = [
        {NAMES.get(name, name): text for name, text in one.model_dump().items()}
        for one in asked.items
    ]
    done = add_leads(
        rows,
        source=SOURCE,
        by=by,
        now=timezone.now(),
        consent_source=asked.consent_source,
        update_existing=asked.update,
    )
    classes = [one.row_class for one in done]
    return AddedOut(
        created=classes.count(RowClass.CREATED),
        updated=classes.count(RowClass.UPDATED),
        refused=sum(one.lead is None for one in done),
        items=[_told(at, one) for at, one in enumerate(done)],
    )


def _told(at: int, one: Added) -> AddedLead:
    return AddedLead(
        row=at,
        result=one.row_class,
        lead=one.lead,
        errors=_by_field(one.errors),
        remarks=_by_field(one.remarks),
    )


def _by_field(told: Mapping[str, Any]) -> list[FieldError]:
    return [
        FieldError(field=SAID.get(name, name), message=str(text))
        for name, text in told.items()
    ]
