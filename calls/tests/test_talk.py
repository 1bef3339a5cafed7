"""A call is told turn by turn, with its recording, to whoever may hear it."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from calls import listens, timeline
from calls.models import Listen, Recording
from calls.talk import talk_of
from calls.tests.recorded import call_with, keep
from leads.tests.admin_pages import staff

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

URL = "https://api.nlpearl.ai/secret-address"
TURNS = [
    {"role": 2, "text": "Buenas, ¿hablo con Ana?", "start": 400, "end": 2900},
    {"role": 3, "text": "Sí, soy yo.", "start": 3300, "end": 4200},
    {"role": 2, "text": "¿Le viene bien el lunes?", "start": 65000, "end": 66000},
]


def with_starts(*starts, lasted: int | None = 99):
    turns = [{"role": 2, "text": "Hola", "start": start} for start in starts]
    return talk_of(call_with("", transcript=turns, duration_seconds=lasted))


def panel(client, attempt, *names: str) -> str:
    user = User.objects.create_user(f"u{User.objects.count()}")
    given = ("view_lead", "view_callattempt", *names)
    user.user_permissions.set(Permission.objects.filter(codename__in=given))
    client.force_login(user)
    url = reverse("calls:lead", args=[attempt.campaign_id, attempt.lead_id])
    return unescape(client.get(url, headers={"HX-Request": "true"}).content.decode())


def test_turns_say_who_and_when():
    turns = talk_of(call_with("", transcript=TURNS)).turns

    assert [(turn.who, turn.clock, turn.mark) for turn in turns] == [
        ("Agente", "0:00", "0.40"),
        ("Persona", "0:03", "3.30"),
        ("Agente", "1:05", "65.00"),
    ]


@pytest.mark.parametrize(
    ("agent", "role", "who"),
    [
        ("2", 2, "Agente"),
        ("2", "2", "Agente"),
        ("2", 3, "Persona"),
        ("3", 3, "Agente"),
        ("3", 2, "Persona"),
        ("2", "Pearl", "Agente"),
        ("2", "Client", "Persona"),
        ("2", None, ""),
    ],
)
def test_who_the_agent_is_is_a_setting(settings, agent, role, who):
    settings.PEARL_AGENT_ROLE = agent
    attempt = call_with("", transcript=[{"role": role, "text": "Hola"}])

    assert talk_of(attempt).turns[0].who == who


@pytest.mark.parametrize(
    ("starts", "is_timed"),
    [
        ([0, 500, 500, 900], True),
        ([400], True),
        ([0, 99_000], True),
        ([0, None, 900], False),
        ([0, "500", 900], False),
        ([0, -1], False),
        ([900, 500], False),
        ([0, 900_000], False),
        ([0, 0, 0], False),
        ([], False),
    ],
)
def test_times_that_cannot_be_true_are_not_shown(starts, is_timed):
    talk = with_starts(*starts)

    assert talk.is_timed is is_timed
    assert all((turn.at is not None) is is_timed for turn in talk.turns)


def test_the_unit_of_times_is_a_setting(settings):
    settings.TRANSCRIPT_TICKS = 1

    assert [turn.at for turn in with_starts(1, 7).turns] == [1, 7]


def test_without_knowing_how_long_the_call_was_its_times_are_believed():
    assert with_starts(0, 900_000, lasted=None).is_timed


# --- Shown --------------------------------------------------------------------------


def test_who_may_hear_gets_a_player_and_turns_that_lead_into_it(client):
    attempt = call_with(URL, transcript=TURNS)
    keep(attempt)
    where = reverse("calls:recording", args=[attempt.pk])

    html = panel(client, attempt, "view_recording")

    assert f'src="{where}"' in html
    assert 'preload="none"' in html
    assert f'href="{where}#t=65.00" aria-label="Escuchar desde 1:05"' in html
    assert 'data-at="3.30"' in html
    assert "secret-address" not in html
    assert not Listen.objects.exists()  # to look is not to listen


def test_who_may_not_hear_reads_and_is_told(client):
    attempt = call_with(URL, transcript=TURNS)
    keep(attempt)

    html = panel(client, attempt)

    assert "Sí, soy yo." in html
    assert "no tiene permiso para oírla" in html
    assert "<audio" not in html
    assert "data-at" not in html


def test_a_transcript_without_times_says_so_and_leads_nowhere(client):
    turns = [{"role": 2, "text": "Hola"}, {"role": 3, "text": "Diga"}]
    attempt = call_with(URL, transcript=turns)
    keep(attempt)

    html = panel(client, attempt, "view_recording")

    assert "<audio" in html
    assert "no dio los tiempos" in html
    assert "#t=" not in html


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("waiting", "", "se copia unos segundos después"),
        ("waiting", "Pearl no respondió.", "Pearl no respondió. Se volverá a"),
        ("gone", "La borró ana.", "La borró ana."),
        ("refused", "Está vacía.", "Está vacía."),
        ("failed", "Se cortó.", "Se cortó."),
    ],
)
def test_what_became_of_the_recording_is_said(client, state, reason, words):
    attempt = call_with(URL, transcript=TURNS)
    at = timezone.now() if state == "waiting" else None
    Recording.objects.update(state=state, reason=reason, next_try_at=at)

    html = panel(client, attempt, "view_recording")

    assert words in html
    assert str(talk_of(attempt).recorded) in html
    assert "<audio" not in html


def test_a_call_that_was_not_recorded_says_so(client):
    attempt = call_with(URL, transcript=TURNS)
    Recording.objects.all().delete()

    assert "no tiene grabación" in panel(client, attempt, "view_recording")


def test_what_was_said_is_text_whatever_was_said(client):
    said = '<script>alert(1)</script><img src=x onerror="x">'
    attempt = call_with(URL, transcript=[{"role": 3, "text": said}])
    url = reverse("calls:lead", args=[attempt.campaign_id, attempt.lead_id])
    client.force_login(User.objects.create_superuser("marta"))

    html = client.get(url, headers={"HX-Request": "true"}).content.decode()

    assert "<script>alert" not in html
    assert "<img src=x" not in html


# --- On record ----------------------------------------------------------------------


def test_listens_are_on_the_timeline_for_who_may_see_them(client):
    attempt = call_with(URL, transcript=TURNS)
    ana = User.objects.create_user("ana", first_name="Ana", last_name="Pérez")
    now = timezone.now()
    listens.note(keep(attempt), by=ana, now=now)

    found = timeline.timeline(attempt.lead, with_listens=True)

    assert (str(found[0].title), found[0].by) == ("Grabación escuchada", "Ana Pérez")
    assert "Grabación escuchada" in panel(client, attempt, "view_listen")
    assert "Grabación escuchada" not in panel(client, attempt, "view_recording")


def test_pages_of_a_timeline_with_listens_hold_each_once():
    attempt = call_with(URL)
    recording = keep(attempt)
    ana = User.objects.create_user("ana")
    now = timezone.now()
    for at in range(5):
        listens.note(recording, by=ana, now=now + timedelta(hours=at))
    whole = timeline.timeline(attempt.lead, with_listens=True)

    seen, before = [], ""
    while True:
        page = timeline.page(attempt.lead, before=before, at_most=2, with_listens=True)
        seen += page.entries
        if not (before := page.older):
            break

    assert [entry.place for entry in seen] == [entry.place for entry in whole]
    assert len(whole) == 7


# --- In the admin -------------------------------------------------------------------


def press(client, action: str, *rows: Recording):
    url = reverse("admin:calls_recording_changelist")
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url, data, follow=True)


def test_a_person_deletes_the_file_and_the_row_says_who(staff, settings):
    kept, waiting = call_with(URL), call_with(URL)
    recording = keep(kept)

    answer = press(staff, "delete_files", recording, waiting.recording)

    assert "1 fila cambiada. 1 sin cambio" in answer.content.decode()
    recording.refresh_from_db()
    assert (recording.state, recording.reason) == ("gone", "La borró admin.")
    assert not list(settings.RECORDING_FOLDER.rglob("*.ogg"))


def test_one_that_failed_is_asked_for_again(staff):
    attempt = call_with(URL)
    Recording.objects.update(state="failed", next_try_at=None, reason="Se cortó.")

    press(staff, "copy_again", attempt.recording)

    assert Recording.objects.get().state == "waiting"


def test_without_the_permission_there_is_no_action(client):
    recording = keep(call_with(URL))
    user = User.objects.create_user("ana", is_staff=True)
    names = ("view_recording", "view_listen")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)

    press(client, "delete_files", recording)
    press(client, "copy_again", recording)

    recording.refresh_from_db()
    assert recording.state == "kept"
    for page in ("recording", "listen"):
        row = reverse(f"admin:calls_{page}_changelist")
        assert client.get(row).status_code == 200
        assert client.get(f"{row}add/").status_code == 403


def test_rows_of_listens_and_recordings_are_for_reading_only(staff):
    recording = keep(call_with(URL))
    ana = User.objects.create_user("ana")
    listens.note(recording, by=ana, now=timezone.now())
    row = Listen.objects.get()

    for name, pk in (("recording", recording.pk), ("listen", row.pk)):
        change = reverse(f"admin:calls_{name}_change", args=[pk])
        assert staff.get(change).status_code == 200
        assert staff.post(change, {"username": "x"}).status_code == 403
        delete = reverse(f"admin:calls_{name}_delete", args=[pk])
        assert staff.post(delete, {"post": "yes"}).status_code == 403
    call = reverse("admin:calls_callattempt_change", args=[recording.attempt_id])
    html = staff.get(call).content.decode()
    assert "secret-address" not in html
    assert "Guardada" in html
