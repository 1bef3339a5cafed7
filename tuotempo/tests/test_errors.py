"""Whatever goes wrong: what happened, what to do, a way back, nothing from inside."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from tuotempo.errors import server_error

pytestmark = pytest.mark.django_db

PASSWORD = "una-clave-de-prueba"
BROWSER = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def _language_of_the_others():
    with translation.override("es"):
        yield
    cache.clear()


@pytest.fixture
def operator(client):
    """Somebody without any permission, and not of the admin."""
    user = User.objects.create_user("ana", password=PASSWORD)
    client.force_login(user)
    return user


def is_a_page_of_the_house(answer, *, status: int) -> str:
    html = answer.content.decode()
    assert answer.status_code == status
    assert '<header class="bar">' in html
    assert 'class="btn-go" href="/' in html
    assert f"Error {status}" in html
    assert "Traceback" not in html
    return html


def test_an_address_that_is_not(client, operator):
    html = is_a_page_of_the_house(client.get("/nada"), status=404)

    assert "Esta página no existe" in html
    assert "/nada" not in html.replace('name="next" value="/nada"', "")


def test_what_one_may_not_do(client, operator, campaign):
    answer = client.post(f"/calls/{campaign.pk}/start")

    assert "No tiene permiso" in is_a_page_of_the_house(answer, status=403)


def test_the_admin_says_no_to_who_is_in_without_being_staff(client, operator):
    answer = client.get("/admin/", follow=True)

    assert "No tiene permiso" in is_a_page_of_the_house(answer, status=403)


def test_there_is_one_login_for_site_and_admin(client):
    answer = client.get("/admin/leads/lead/?city=Getafe", follow=True)

    assert answer.status_code == 200
    assert answer.templates[0].name == "registration/login.html"
    assert 'name="next" value="/admin/leads/lead/?city=Getafe"' in (
        answer.content.decode()
    )


def test_an_old_form_says_to_reload(operator):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(operator)

    page = browser.post("/logout/")
    fragment = browser.post("/logout/", headers={"hx-request": "true"})

    assert "demasiado tiempo abierta" in is_a_page_of_the_house(page, status=403)
    assert "toast" in fragment.headers["HX-Trigger"]
    assert "HX-Trigger" not in page.headers


def test_a_request_that_makes_no_sense(client, operator):
    answer = client.post("/language", {"language": "xx"})

    assert "no ha entendido" in is_a_page_of_the_house(answer, status=400)


def test_a_button_s_address_typed_by_hand(client, operator, campaign):
    path = f"/calls/{campaign.pk}/stop"

    page = client.get(path, headers=BROWSER)
    program = client.get(path, headers={"accept": "application/json"})

    assert "no se abre así" in is_a_page_of_the_house(page, status=405)
    assert page.headers["Allow"] == "POST"
    assert (program.status_code, program.content) == (405, b"")


def test_too_many_wrong_passwords(client, settings):
    User.objects.create_user("ana", password=PASSWORD)
    wrong = {"username": "ana", "password": "no"}
    for _attempt in range(settings.AXES_FAILURE_LIMIT):
        answer = client.post("/login/", wrong)

    html = is_a_page_of_the_house(answer, status=429)
    assert "Espere un cuarto de hora" in html
    assert "ana<" not in html


@pytest.mark.parametrize(
    ("language", "words"), [("es", "Volver al inicio"), ("en", "Back to the start")]
)
def test_an_unforeseen_error_asks_nothing_of_the_database(
    rf, django_assert_num_queries, language, words
):
    request = rf.get("/", headers={"accept-language": language})

    with django_assert_num_queries(0):
        answer = server_error(request)

    html = is_a_page_of_the_house(answer, status=500)
    assert f'<html lang="{language}">' in html
    assert words in html


def test_a_fragment_without_login_comes_back_to_the_page_with_its_filter(
    client, campaign
):
    page = "http://testserver/calls/?campaign=1&city=Getafe"
    fragment = f"/calls/{campaign.pk}/board"

    def asked_from(url: str) -> str:
        headers = {"hx-request": "true", "hx-current-url": url}
        answer = client.get(fragment, headers=headers)
        assert answer.status_code == 401
        return answer.headers["HX-Redirect"]

    assert asked_from(page) == "/login/?next=%2Fcalls%2F%3Fcampaign%3D1%26city%3DGetafe"
    assert asked_from("https://example.com/calls/") == "/login/"
