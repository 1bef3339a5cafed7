"""The exclusion lists in the admin: what staff add, review, forget and ask."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate

from leads import suppressions
from leads.models import Export, Lead, ListAnswer, Suppression
from leads.tests.admin_pages import errors, form_data, said, staff
from leads.tests.factories import LeadFactory, SuppressionFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

LIST = reverse("admin:leads_suppression_changelist")
ADD = reverse("admin:leads_suppression_add")
IMPORT = reverse("admin:leads_suppression_import")
CONSULT = reverse("admin:leads_suppression_consult")
ANSWER = reverse("admin:leads_suppression_answer")
A = "+34612034118"
ON = {"list": "request"}


def change_url(one: Suppression) -> str:
    return reverse("admin:leads_suppression_change", args=[one.pk])


def act(staff, action: str, *chosen: Suppression, **extra: str):
    data = {"action": action, "_selected_action": [one.pk for one in chosen]}
    return staff.post(LIST, data | extra, follow=True)


def csv_file(*lines: str) -> SimpleUploadedFile:
    text = "\r\n".join(["TELEFONO", *lines])
    return SimpleUploadedFile("numeros.csv", text.encode(), "text/csv")


def allowed(client, *names: str) -> None:
    """A member of staff with these permissions and no other."""
    user = User.objects.create_user("ana", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)


# --- Adding and changing ------------------------------------------------------------


def test_a_number_is_kept_in_one_spelling_with_who_added_it(staff, admin_user):
    bad = staff.post(ADD, ON | {"phone_e164": "6120"})
    staff.post(ADD, ON | {"phone_e164": "(+34) 612 034 118 ", "reason": "Baja"})

    assert "un teléfono español tiene 9" in errors(bad)
    added = Suppression.objects.get()
    assert (added.phone_e164, added.created_by) == (A, admin_user)


def test_a_number_can_be_on_two_lists_but_not_twice_on_one(staff):
    SuppressionFactory(phone_e164=A, list="request")

    again = staff.post(ADD, ON | {"phone_e164": "612034118"})
    other = staff.post(ADD, {"list": "internal", "phone_e164": "612034118"})

    assert "Ese número ya está en «Petición del interesado»" in errors(again)
    assert other.status_code == 302
    assert Suppression.objects.count() == 2


def test_a_forgotten_or_ended_number_is_still_on_its_list(staff):
    past = timezone.now() - timedelta(days=1)
    SuppressionFactory(phone_e164=A, list="request", expires_at=past)
    suppressions.forget_numbers(Suppression.objects.all())

    again = staff.post(ADD, ON | {"phone_e164": A})

    assert "Caducó" in errors(again)


def test_one_that_begins_ended_is_refused(staff):
    data = ON | {"phone_e164": A, "expires_at_0": "01/01/2020", "expires_at_1": "10:00"}

    assert "Esa fecha ya ha pasado" in errors(staff.post(ADD, data))


def test_moving_it_to_a_list_where_it_is_already_is_refused(staff):
    SuppressionFactory(phone_e164=A, list="request")
    one = SuppressionFactory(phone_e164=A, list="internal")
    data = {"list": "request", "initial-list": "internal"}

    answer = staff.post(change_url(one), data)

    assert "ya está en" in errors(answer)
    one.refresh_from_db()
    assert one.list == "internal"


def test_an_end_brought_forward_gives_a_turn_to_the_leads_put_off_to_it(staff):
    end = (timezone.now() + timedelta(days=30)).replace(second=0, microsecond=0)
    one = SuppressionFactory(phone_e164=A, expires_at=end)
    lead = LeadFactory(phone_e164=A, next_call_at=end)
    page = staff.get(change_url(one))
    local = timezone.localtime(end)
    was = {"0": f"{local:%d/%m/%Y}", "1": f"{local:%H:%M:%S}"}
    data = {"list": one.list, "initial-list": one.list}
    data |= {f"initial-expires_at_{part}": value for part, value in was.items()}
    data |= {"expires_at_0": "01/01/2026", "expires_at_1": "10:00:00"}

    answer = staff.post(change_url(one), data, follow=True)

    assert page.status_code == answer.status_code == 200
    lead.refresh_from_db()
    assert lead.next_call_at <= timezone.now()


@pytest.mark.parametrize("held_until", [None, 30])
def test_a_number_taken_off_a_list_gives_its_held_leads_a_turn(staff, held_until):
    end = timezone.now() + timedelta(days=held_until) if held_until else None
    one = SuppressionFactory(phone_e164=A, expires_at=end)
    lead = LeadFactory(phone_e164=A, next_call_at=end)
    url = reverse("admin:leads_suppression_delete", args=[one.pk])

    staff.post(url, {"post": "yes"})

    lead.refresh_from_db()
    assert lead.next_call_at <= timezone.now()


def test_taking_off_a_forgotten_number_leaves_leads_without_number_alone(staff):
    one = SuppressionFactory(phone_e164=A)
    suppressions.forget_numbers(Suppression.objects.all())
    lead = LeadFactory(phone_e164="", next_call_at=None)

    act(staff, "delete_selected", one, post="yes")

    lead.refresh_from_db()
    assert lead.next_call_at is None
    assert not Suppression.objects.exists()


# --- The list -----------------------------------------------------------------------


def test_the_list_says_state_list_and_number_or_its_hash(staff, admin_user):
    past = timezone.now() - timedelta(days=1)
    SuppressionFactory(phone_e164=A, list="robinson", created_by=admin_user)
    SuppressionFactory(proposed=True)
    forgotten = SuppressionFactory(expires_at=past)
    suppressions.forget_numbers(Suppression.objects.filter(pk=forgotten.pk))

    html = staff.get(LIST).content.decode()

    assert "612 034 118" in html
    assert "Lista Robinson" in html
    assert f"huella {forgotten.phone_hash[:8]}…" in html
    for state, word in (("active", "Vigente"), ("proposed", "Propuesta")):
        assert f'status--suppression-{state}">{word}<' in html
    assert 'status--suppression-expired">Caducada<' in html
    assert "1 propuesta por revisar" in html


@pytest.mark.parametrize(
    ("state", "shown"), [("active", 1), ("proposed", 2), ("expired", 3)]
)
def test_the_states_are_told_apart_by_the_filter(staff, state, shown):
    past = timezone.now() - timedelta(days=1)
    SuppressionFactory()
    SuppressionFactory.create_batch(2, proposed=True)
    SuppressionFactory.create_batch(2, expires_at=past)
    SuppressionFactory(expires_at=past, proposed=True)

    page = staff.get(LIST, {"state": state})

    assert page.context["cl"].result_count == shown


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize("typed", ["612034118", "+34 612 03 41 18", "0034612034118"])
def test_a_number_is_found_in_any_spelling_even_forgotten(staff, typed, forgotten):
    SuppressionFactory(phone_e164=A)
    SuppressionFactory(phone_e164="+34699999999")
    if forgotten:
        suppressions.forget_numbers(Suppression.objects.filter(phone_e164=A))

    page = staff.get(LIST, {"q": typed})

    assert page.context["cl"].result_count == 1


# --- Reviewing and forgetting -------------------------------------------------------


def test_proposed_numbers_are_confirmed(staff):
    proposed = SuppressionFactory(proposed=True)

    act(staff, "confirm", proposed, SuppressionFactory())

    proposed.refresh_from_db()
    assert not proposed.proposed


def test_rejecting_asks_first_then_frees_only_proposals(staff):
    proposed, firm = (
        SuppressionFactory(phone_e164=A, proposed=True),
        SuppressionFactory(),
    )
    lead = LeadFactory(phone_e164=A, next_call_at=None)

    asked = act(staff, "reject", proposed, firm)
    assert "Rechazar 1 propuesta" in asked.content.decode()
    assert Suppression.objects.count() == 2

    answer = act(staff, "reject", proposed, firm, post="yes")

    assert "1 fila cambiada. 1 sin cambio: no son propuestas" in said(answer)
    assert Suppression.objects.get() == firm
    lead.refresh_from_db()
    assert lead.next_call_at is not None


def test_forgetting_asks_first_and_spares_numbers_that_leads_have(staff):
    one, of_a_lead = SuppressionFactory(phone_e164=A), SuppressionFactory()
    LeadFactory(phone_e164=of_a_lead.phone_e164)

    asked = act(staff, "forget", one, of_a_lead)
    one.refresh_from_db()
    assert "Olvidar 2 números" in asked.content.decode()
    assert one.phone_e164 == A

    answer = act(staff, "forget", one, of_a_lead, post="yes")

    one.refresh_from_db()
    of_a_lead.refresh_from_db()
    assert "1 fila cambiada" in said(answer)
    assert one.phone_e164 == ""
    assert of_a_lead.phone_e164 != ""
    assert staff.get(change_url(one)).status_code == 200


def test_the_log_of_the_admin_forgets_the_number_too(staff):
    staff.post(ADD, ON | {"phone_e164": A})
    assert A in LogEntry.objects.get().object_repr

    suppressions.forget_numbers(Suppression.objects.all())

    assert A not in LogEntry.objects.get().object_repr


def test_saving_a_forgotten_number_again_keeps_its_hash(staff):
    one = SuppressionFactory(phone_e164=A)
    suppressions.forget_numbers(Suppression.objects.all())
    hashed = Suppression.objects.get().phone_hash

    page = staff.get(change_url(one))
    staff.post(change_url(one), form_data(page) | {"reason": "Otra"})

    one.refresh_from_db()
    assert (one.reason, one.phone_e164, one.phone_hash) == ("Otra", "", hashed)


def test_who_may_only_add_neither_rejects_nor_forgets(client):
    one = SuppressionFactory(proposed=True)
    allowed(client, "view_suppression", "add_suppression", "change_suppression")

    page = client.get(LIST).content.decode()
    act(client, "reject", one, post="yes")
    act(client, "forget", one, post="yes")

    assert "Rechazar" not in page
    assert "Olvidar" not in page
    one.refresh_from_db()
    assert one.phone_e164


# --- Files --------------------------------------------------------------------------


def test_a_file_of_numbers_is_told_row_by_row(staff, admin_user):
    SuppressionFactory(phone_e164=A, list="internal")
    tomorrow = localdate() + timedelta(days=1)
    data = {"list": "internal", "expires_on": f"{tomorrow:%d/%m/%Y}"}
    file = csv_file("612034118", "612034119", "<b>")

    page = staff.post(IMPORT, data | {"file": file}).content.decode()

    added = Suppression.objects.get(phone_e164="+34612034119")
    assert (added.list, added.created_by) == ("internal", admin_user)
    assert localdate(added.expires_at) == tomorrow
    assert "Fila</span> 4" in page or "Fila 4" in page
    assert "letras o signos" in page


def test_a_file_that_is_none_changes_nothing_and_says_why(staff):
    file = SimpleUploadedFile("a.csv", b"\x89PNG\r\n\x1a\n\0\0", "text/csv")

    page = staff.post(IMPORT, {"list": "internal", "file": file})

    assert page.status_code == 400
    assert "No es un fichero de texto" in page.content.decode()
    assert not Suppression.objects.exists()


def test_the_numbers_asked_go_out_recorded_and_their_answer_comes_back(
    staff, admin_user
):
    LeadFactory(phone_e164=A, city="Getafe")
    LeadFactory(phone_e164="+34612034119", city="Getafe")
    LeadFactory(phone_e164="+34612034120", city="Móstoles")

    page = staff.get(CONSULT, {"city": "Getafe"}).content.decode()
    sent = staff.post(f"{CONSULT}?city=Getafe", {"scope": "filter"})
    asked = b"".join(sent.streaming_content).decode()

    assert "Los leads del filtro · 2 números" in page
    assert "Todos los leads · 3 números" in page
    assert asked == "TELEFONO\r\n612034118\r\n612034119\r\n"
    export = Export.objects.get()
    assert (export.format, export.rows, export.by) == ("numbers", 2, admin_user)
    assert export.filter_query == "city=Getafe"
    assert export.finished_at is not None

    today = f"{localdate():%d/%m/%Y}"
    data = {"export": export.pk, "answered_on": today}
    done = staff.post(ANSWER, data | {"file": csv_file("612034119")})
    again = staff.post(ANSWER, data | {"file": csv_file("612034119")})

    assert "Respuesta de la Lista Robinson importada" in done.content.decode()
    answer = ListAnswer.objects.get()
    assert (answer.added, answer.export, answer.by) == (1, export, admin_user)
    one = Suppression.objects.get()
    assert (one.list, one.checked_on) == ("robinson", localdate())
    assert "ya se importó" in again.content.decode()


def test_the_page_says_how_old_the_last_answer_is_and_whom_it_did_not_name(staff):
    SuppressionFactory(list="robinson", checked_on=date(2026, 3, 1))
    SuppressionFactory(list="robinson", checked_on=date(2026, 5, 1))
    ListAnswer.objects.create(list="robinson", answered_on=date(2026, 5, 1))

    page = staff.get(CONSULT).content.decode()

    assert "Última respuesta importada: 01/05/2026" in page
    assert "1 número está en la lista solo por respuestas anteriores" in page


def test_an_answer_is_not_from_the_future_nor_older_than_its_question(staff):
    export = Export.objects.create(format="numbers", finished_at=timezone.now())

    for day, why in ((1, "aún no ha llegado"), (-1, "anterior a la consulta")):
        on = localdate() + timedelta(days=day)
        data = {"export": export.pk, "answered_on": f"{on:%d/%m/%Y}"}
        page = staff.post(ANSWER, data | {"file": csv_file("612034119")})
        assert why in page.content.decode()

    assert not Suppression.objects.exists()


def test_a_filter_that_is_not_understood_asks_about_nobody(staff):
    LeadFactory(phone_e164=A)

    page = staff.post(f"{CONSULT}?status=maybe", {"scope": "all"})

    assert not page.streaming
    assert not Export.objects.exists()


@pytest.mark.parametrize("url", [IMPORT, CONSULT, ANSWER])
def test_who_may_only_look_neither_brings_numbers_in_nor_takes_them_out(client, url):
    allowed(client, "view_suppression", "view_lead")

    assert client.get(url).status_code == 403
    assert client.post(url, {"scope": "all"}).status_code == 403
    assert Lead.objects.count() == Export.objects.count() == 0
