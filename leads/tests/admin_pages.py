"""What tests of the admin do as a browser would."""

from __future__ import annotations

import pytest
from django.urls import reverse

from leads.models import CallStatus, Lead

HTMX = {"HX-Request": "true"}
# A lead out of the queue.
IDLE = {
    "call_status": CallStatus.NO_SELECTED,
    "selected_for_calling": False,
    "next_call_at": None,
}
LIST = reverse("admin:leads_lead_changelist")


@pytest.fixture
def staff(client, django_user_model):
    """A superuser who came in without a password, for to hash one takes a second."""
    user, _new = django_user_model.objects.get_or_create(
        username="admin", defaults={"is_staff": True, "is_superuser": True}
    )
    client.force_login(user)
    return client


def form_data(page) -> dict[str, str]:
    """What a browser would send back, untouched."""
    form = page.context["adminform"].form
    data = {}
    for name, field in form.fields.items():
        shown = form[name].value()
        if hasattr(shown, "strftime"):
            shown = shown.strftime("%d/%m/%Y")
        if shown not in (None, False):
            data[name] = str(shown)
            data[f"initial-{name}"] = str(shown)
        elif shown is False:
            data[f"initial-{name}"] = "False"
        else:
            data[f"initial-{name}"] = ""
        assert field.show_hidden_initial
    for formset in page.context["inline_admin_formsets"]:
        for field in formset.formset.management_form:
            data[field.html_name] = field.value()
    return data


def change_url(lead: Lead) -> str:
    return reverse("admin:leads_lead_change", args=[lead.pk])


def save(staff, lead: Lead, **changes: str):
    data = form_data(staff.get(change_url(lead)))
    answer = staff.post(change_url(lead), data | changes, follow=True)
    lead.refresh_from_db()
    return answer


def errors(answer) -> str:
    return str(answer.context["errors"])


def act(staff, action: str, *leads: Lead, **extra: str):
    chosen = {"action": action, "_selected_action": [lead.pk for lead in leads]}
    return staff.post(LIST, chosen | extra, follow=True)


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def do(staff, lead: Lead, what: str, *, follow: bool = True, headers=None, **values):
    """A press of one of the buttons of a lead's page."""
    where = reverse(f"admin:leads_lead_{what}", args=[lead.pk])
    answer = staff.post(where, values, follow=follow, headers=headers)
    lead.refresh_from_db()
    return answer
