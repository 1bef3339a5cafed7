"""How collected values are read is written by supervisors, checked, and traced."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from calls import collected_field_admin
from calls.collected import take_in, values_of
from calls.models import CollectedField, CollectedFieldChange, CollectedValue
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, seed_fields
from leads.tests.admin_pages import errors, said, staff

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 9, 23, 16, tzinfo=UTC)
LIST = reverse("admin:calls_collectedfield_changelist")
ADD = reverse("admin:calls_collectedfield_add")
AGAIN = reverse("admin:calls_collectedfield_read_again")
NEW = {
    "label": "Turno",
    "names": "turno",
    "kind": "choice",
    "choices": "morning = Por la mañana: mañana\nafternoon = Por la tarde: tarde",
    "order": "60",
    "active": "on",
}


@pytest.fixture(autouse=True)
def _fields(db):
    seed_fields()


def wished() -> CollectedField:
    return CollectedField.objects.get(meaning="wished_date")


def url(field: CollectedField) -> str:
    return reverse("admin:calls_collectedfield_change", args=[field.pk])


def form_of(staff, field: CollectedField) -> dict:
    form = staff.get(url(field)).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in data.items() if value not in (None, False)}


def ended(run, info) -> object:
    return AttemptFactory(
        run=run,
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        open_lead_id=None,
        open_phone=None,
        claimed_at=NOW,
        collected_info=info,
    )


def test_the_first_fields_are_those_that_calls_were_seen_to_collect(staff):
    page = staff.get(LIST).content.decode()

    for name in ("fechaDeseada", "horaDeseada", "preferenciaMT", "interesado"):
        assert name in page


def test_a_field_is_added_with_its_answers_and_its_first_version(staff):
    answer = staff.post(ADD, NEW, follow=True)

    made = CollectedField.objects.get(label="Turno")
    assert made.names == ["turno"]
    assert made.choices[0] == {
        "code": "morning",
        "label": "Por la mañana",
        "words": ["mañana"],
    }
    change = CollectedFieldChange.objects.get(field=made)
    assert (change.version, change.by.username) == (1, "admin")
    assert "volver a leerlo" in said(answer)


def test_saving_a_form_untouched_makes_no_version(staff):
    for field in CollectedField.objects.all():
        answer = staff.post(url(field), form_of(staff, field))
        assert answer.status_code == 302

    assert {one.version for one in CollectedField.objects.all()} == {1}


def test_a_change_makes_a_version_that_the_page_tells(staff):
    field = wished()

    staff.post(url(field), form_of(staff, field) | {"formats": ["year_first"]})

    field.refresh_from_db()
    assert (field.version, field.formats) == (2, ["year_first"])
    page = staff.get(url(field)).content.decode()
    assert "day_first, year_first, month_named → year_first" in page


def test_of_two_at_the_same_form_the_second_is_told(staff):
    field = wished()
    first, second = form_of(staff, field), form_of(staff, field)
    staff.post(url(field), first | {"label": "Fecha"})

    answer = staff.post(url(field), second | {"label": "Día"})

    assert "Otra persona lo cambió" in errors(answer)
    field.refresh_from_db()
    assert field.label == "Fecha"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"names": "FECHAdeseada"}, "«Día deseado» ya lee esa variable."),
        ({"names": "turno\nTurno"}, "Hay una variable repetida."),
        ({"names": " \n "}, "obligatorio"),
        ({"choices": ""}, "Escriba las respuestas que se esperan."),
        ({"choices": "mañana"}, "No se entiende «mañana»."),
        ({"choices": "a = Uno\na = Dos"}, "Hay un código repetido."),
        ({"choices": "a = Uno: sí\nb = Dos: SI"}, "dos respuestas distintas"),
        ({"kind": "yes_no", "choices": "si = Sí"}, "Los códigos son «yes» y «no»."),
        ({"kind": "yes_no", "choices": "no = No: sí"}, "dos respuestas distintas"),
        ({"kind": "date", "formats": ["clock"]}, "Elija al menos uno"),
        ({"kind": "time", "formats": ["noon"]}, "noon"),
        ({"meaning": "wished_time"}, "el tipo ha de ser «Hora»."),
        ({"meaning": "prefers"}, "Ya existe"),
    ],
)
def test_what_could_not_be_read_by_is_refused(staff, changes, words):
    answer = staff.post(ADD, NEW | changes)

    assert answer.status_code == 200
    assert words in errors(answer)
    assert not CollectedField.objects.filter(label="Turno").exists()


def test_what_is_of_another_kind_is_left_out(staff):
    odd = {"kind": "text", "formats": ["clock"], "choices": "a = Uno", "ahead": "on"}

    staff.post(ADD, NEW | odd)

    made = CollectedField.objects.get(label="Turno")
    assert (made.formats, made.choices, made.ahead) == ([], [], False)


def test_all_calls_are_read_again_in_steps_that_tell_how_far(staff, run, monkeypatch):
    monkeypatch.setattr(collected_field_admin, "SECONDS", 0)
    monkeypatch.setattr(collected_field_admin, "AT_ONCE", 2)
    odd = [ended(run, {"interesado": "claro"}) for _n in range(3)]
    for attempt in odd:
        take_in(attempt, now=NOW)
    field = CollectedField.objects.get(meaning="is_interested")
    form = form_of(staff, field)
    staff.post(url(field), form | {"choices": "yes = Sí: claro"})
    assert staff.get(AGAIN).context["progress"] is None

    data, steps = {}, []
    for _step in range(9):
        progress = staff.post(AGAIN, data, headers={"HX-Request": "true"}).context[
            "progress"
        ]
        steps.append(progress.percent)
        if progress.is_over:
            break
        data = {name: getattr(progress, name) for name in ("after", "until", "changed")}

    assert len(steps) == 2
    assert steps == sorted({*steps})
    assert (progress.is_over, progress.changed) == (True, 3)
    assert [values_of(attempt).is_interested for attempt in odd] == [True] * 3


def test_nonsense_in_the_address_of_a_reading_is_a_beginning(staff, run):
    attempt = ended(run, {"interesado": "no"})

    answer = staff.post(AGAIN, {"after": "x", "until": "-1", "changed": "1e9"})

    assert answer.status_code == 200
    assert values_of(attempt).is_interested is False


@pytest.mark.parametrize("role", ["operador", "auditor"])
def test_only_supervisors_change_how_values_are_read(client, role):
    user = User.objects.create_user(role, is_staff=True)
    names = ["view_collectedfield", "change_collectedvalue"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)

    page = client.get(url(wished()))

    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert client.post(url(wished()), {"label": "Otro"}).status_code == 403
    assert client.get(ADD).status_code == client.post(AGAIN).status_code == 403
    assert wished().label == "Día deseado"
    assert not CollectedValue.objects.exists()
