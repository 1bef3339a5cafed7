"""The table and corrections in Django's admin: who may, and what is refused."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse

from calls import outcome_table, outcomes
from calls.models import CallAttempt, OutcomeChange, OutcomeTable, Rereading
from calls.outcome_forms import TableForm
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory
from calls.tests.test_outcome_table import publish_with
from calls.tests.test_outcomes import NOW, final
from leads.models import Lead

pytestmark = pytest.mark.django_db

TABLE = "admin:calls_outcometable_changelist"
EDIT = "admin:calls_outcometable_edit"
REREAD = "admin:calls_outcometable_reread"
STEP = "admin:calls_outcometable_step"


@pytest.fixture
def as_role(client, django_user_model):
    for name, make in [
        ("0028_create_roles", "create_roles"),
        ("0071_grant_outcomes", "grant"),
    ]:
        migration = import_module(f"calls.migrations.{name}")
        getattr(migration, make)(apps, connection.schema_editor())

    def log_in(role):
        user = django_user_model.objects.create_user(role, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        return user

    return log_in


def typed(**changes):
    """The form as it opens, with these values typed over it."""
    form = TableForm(table=outcome_table.current())
    data = {"reason": "Lo pide la clínica"}
    for name, field in form.fields.items():
        if field.initial not in (None, False, ""):
            data[name] = str(field.initial)
    data |= {name: value for name, value in changes.items() if value is not None}
    return {name: v for name, v in data.items() if changes.get(name, v) is not None}


def correct_url(attempt):
    return reverse("admin:calls_callattempt_correct", args=[attempt.pk])


@pytest.fixture
def ended():
    attempt = AttemptFactory(counted=True)
    outcomes.record(attempt, final(4, 100), now=NOW, confirms=True)
    attempt.refresh_from_db()
    return attempt


# --- Who may ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "sees", "edits", "corrects"),
    [
        ("operador", 200, 403, 200),
        ("supervisor", 200, 200, 200),
        ("auditor", 200, 403, 403),
    ],
)
def test_each_role_may_do_its_part(client, as_role, ended, role, sees, edits, corrects):
    as_role(role)
    version = OutcomeTable.objects.create(
        **outcome_table.BUILT_IN.as_columns(), reason="x"
    )

    assert client.get(reverse(TABLE)).status_code == sees
    page = reverse("admin:calls_outcometable_change", args=[version.pk])
    assert client.get(page).status_code == sees
    assert client.get(reverse(EDIT)).status_code == edits
    assert client.get(reverse(REREAD)).status_code == edits
    assert client.get(correct_url(ended)).status_code == corrects


def test_who_may_only_look_changes_nothing_by_post(client, as_role, ended):
    as_role("auditor")
    versions = OutcomeTable.objects.count()

    assert client.post(reverse(EDIT), typed(code_4_110="too_brief")).status_code == 403
    assert client.post(reverse(REREAD), {"count": "1"}).status_code == 403
    assert client.post(reverse(STEP), {"record": "1"}).status_code == 403
    said = {"outcome": "voicemail", "seen": "success", "reason": "x"}
    assert client.post(correct_url(ended), said).status_code == 403
    assert OutcomeTable.objects.count() == versions
    assert not Rereading.objects.exists()
    assert CallAttempt.objects.get().outcome == Outcome.SUCCESS


@pytest.mark.parametrize("verb", ["add", "delete"])
def test_no_version_is_made_or_deleted_elsewhere(client, admin_user, verb):
    client.force_login(admin_user)
    row = publish_with()
    args = [] if verb == "add" else [row.version]

    page = reverse(f"admin:calls_outcometable_{verb}", args=args)

    assert client.post(page, {"post": "yes"}).status_code == 403
    assert OutcomeTable.objects.filter(pk=row.version).exists()


# --- The table ----------------------------------------------------------------------


def test_a_change_is_a_new_version_with_who_and_why(client, as_role):
    user = as_role("supervisor")
    before = outcome_table.current()

    answer = client.post(reverse(EDIT), typed(code_4_110="too_brief"))

    assert answer.status_code == 302
    table = outcome_table.current()
    assert table.codes[4, 110] == Outcome.TOO_BRIEF
    assert {**table.codes, (4, 110): before.codes[4, 110]} == before.codes
    assert table.meanings == before.meanings
    row = OutcomeTable.objects.get(pk=table.version)
    assert (row.made_by, row.reason) == (user, "Lo pide la clínica")


def test_a_flag_and_a_disposition_are_kept(client, as_role):
    as_role("supervisor")

    client.post(
        reverse(EDIT),
        typed(success_disposition="appointment", no_answer_retry=None),
    )

    table = outcome_table.current()
    assert table.meaning("success").disposition == "appointment"
    assert not table.meaning("no_answer").retry
    assert table.meaning("voicemail").retry


def test_an_unknown_code_is_listed_and_gets_its_row(client, as_role, run):
    as_role("supervisor")
    for call_id in ("b" * 24, "c" * 24):
        attempt = AttemptFactory(run=run)
        CallAttempt.objects.filter(pk=attempt.pk).update(
            call_code=4, conversation_code=160, pearl_call_id=call_id
        )
    AttemptFactory(run=run, call_code=4, conversation_code=40)
    AttemptFactory(run=run, call_code=3, conversation_code=40)
    AttemptFactory(run=run, call_code=9, conversation_code=70)

    html = client.get(reverse(TABLE)).content.decode()
    assert "4 · atendida, conversación 160" in html
    assert "2 llamadas sin acabar" in html
    assert html.count("sin acabar") == 2  # and the 9, which no row can end
    assert f"{reverse(EDIT)}?add=4-160" in html
    assert "?add=9-70" not in html
    form = client.get(f"{reverse(EDIT)}?add=4-160").content.decode()
    assert 'value="160"' in form

    client.post(
        reverse(EDIT),
        typed(new_0_status="4", new_0_conversation="160", new_0_outcome="conversation"),
    )

    assert outcome_table.current().codes[4, 160] == Outcome.CONVERSATION
    html = client.get(reverse(TABLE)).content.decode()
    assert "4 · atendida, conversación 160" in html  # now as a row
    assert "2 llamadas sin acabar" not in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "No ha cambiado nada"),
        ({"code_4_110": "too_brief", "reason": ""}, "Escriba por qué"),
        ({"code_4_70": "success"}, "no es una de las opciones"),
        ({"code_7_any": "conversation"}, "no es una de las opciones"),
        ({"code_4_100": "blacklisted"}, "no es una de las opciones"),
        ({"code_4_100": ""}, "obligatorio"),
        ({"success_call_status": "selected"}, "no es una de las opciones"),
        ({"success_call_status": "calling"}, "no es una de las opciones"),
        ({"success_disposition": "call_back"}, "no es una de las opciones"),
        ({"success_retry": "on"}, "No se reintenta"),
        ({"no_answer_do_not_call": "on"}, "No se reintenta"),
        ({"no_answer_disposition": "appointment"}, "No se reintenta"),
        ({"conversation_disposition": "do_not_call"}, "pide marcar"),
        ({"voicemail_positive": "on", "voicemail_retry": None}, "supone contactado"),
        ({"new_0_status": "4", "new_0_outcome": "success"}, "no se adivina"),
        ({"new_0_conversation": "160"}, "Complete la fila"),
        (
            {
                "new_0_status": "4",
                "new_0_conversation": "220",
                "new_0_outcome": "success",
            },
            "siempre es",
        ),
        (
            {
                "new_0_status": "4",
                "new_0_conversation": "40",
                "new_0_outcome": "success",
            },
            "en curso",
        ),
        (
            {
                "new_0_status": "4",
                "new_0_conversation": "100",
                "new_0_outcome": "success",
            },
            "ya tiene fila",
        ),
        (
            {
                "new_0_status": "5",
                "new_0_conversation": "160",
                "new_0_outcome": "success",
            },
            "nadie habló",
        ),
        (
            {
                "new_0_status": "8",
                "new_0_conversation": "160",
                "new_0_outcome": "busy",
            },
            "no es una de las opciones",
        ),
    ],
)
def test_what_would_break_the_protocol_is_refused(client, as_role, changes, words):
    as_role("supervisor")
    before = outcome_table.current()

    answer = client.post(reverse(EDIT), typed(**changes))

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert outcome_table.current() == before


def test_who_had_an_older_version_open_is_told(client, as_role):
    as_role("supervisor")
    mine = typed(code_4_110="too_brief")
    publish_with(codes={(4, 130): Outcome.VOICEMAIL})

    answer = client.post(reverse(EDIT), mine, follow=True)

    assert "Alguien ha cambiado la tabla" in answer.content.decode()
    assert outcome_table.current().codes[4, 110] == Outcome.NOT_SUCCESSFUL


# --- History ------------------------------------------------------------------------


def test_history_is_counted_then_changed_step_by_step(client, as_role, ended):
    user = as_role("supervisor")
    publish_with(codes={(4, 100): Outcome.CONVERSATION})

    client.post(reverse(REREAD), {"count": "1"})
    record = Rereading.objects.get()
    answer = client.post(
        reverse(STEP), {"record": record.pk}, headers={"HX-Request": "true"}
    )
    assert "Cambiaría 1 llamada" in answer.content.decode()
    assert CallAttempt.objects.get().outcome == Outcome.SUCCESS
    client.post(reverse(REREAD), {"do": "1"})
    answer = client.post(
        reverse(STEP), {"record": record.pk}, headers={"HX-Request": "true"}
    )

    assert "Ha cambiado 1 llamada" in answer.content.decode()
    assert CallAttempt.objects.get().outcome == Outcome.CONVERSATION
    assert OutcomeChange.objects.get().by == user


# --- One call -----------------------------------------------------------------------


def test_an_operator_corrects_a_call_and_the_pages_tell(client, as_role, ended):
    user = as_role("operador")
    said = {"outcome": "voicemail", "seen": "success", "reason": "Es un buzón"}

    answer = client.post(correct_url(ended), said, follow=True)

    html = answer.content.decode()
    assert "Resultado corregido." in html
    assert "Pearl dice otra cosa: Objetivo logrado." in html
    assert OutcomeChange.objects.get().by == user
    lead = reverse("admin:leads_lead_change", args=[ended.lead_id])
    told = client.get(lead).content.decode()
    assert "Es un buzón" in told
    assert "Pearl dice otra cosa: Objetivo logrado." in told


def test_an_outcome_that_changed_meanwhile_is_not_overwritten(client, as_role, ended):
    as_role("operador")
    said = {"outcome": "busy", "seen": "no_answer", "reason": "x"}

    answer = client.post(correct_url(ended), said)

    assert answer.status_code == 400
    assert "ha cambiado mientras tanto" in answer.content.decode()
    assert CallAttempt.objects.get().outcome == Outcome.SUCCESS


def test_a_call_that_is_not_over_has_no_correction(client, as_role):
    as_role("operador")
    attempt = AttemptFactory()

    assert client.get(correct_url(attempt)).status_code == 302
    assert CallAttempt.objects.get().state == State.ACCEPTED
    assert Lead.objects.get().call_status == "calling"
