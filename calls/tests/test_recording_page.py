"""Who may hear a recording gets the bytes asked for, and it is on record."""

from __future__ import annotations

import threading
from datetime import timedelta
from importlib import import_module

import pytest
import requests
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from calls import listens, recordings
from calls.models import Listen, Recording
from calls.tests.recorded import call_with, keep
from conftest import asgi_server

pytestmark = pytest.mark.django_db

DATA = bytes(range(256)) * 4
SIZE = len(DATA)
ETAG = f'"{"a" * 64}"'
NEEDED = ("view_recording", "view_callattempt", "view_lead")


def let_in(client, *names: str, username: str = "ana") -> User:
    user = User.objects.create_user(username)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


@pytest.fixture
def listener(client) -> User:
    return let_in(client, *NEEDED)


@pytest.fixture
def kept(db) -> Recording:
    return keep(call_with("https://api.nlpearl.ai/r"), DATA)


def url(recording: Recording) -> str:
    return reverse("calls:recording", args=[recording.attempt_id])


def body(response) -> bytes:
    return response.getvalue()


def status(response) -> int:
    """Read to its end, as a server does: so its file is closed."""
    response.getvalue()
    return response.status_code


# --- Who ----------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [None, *NEEDED])
def test_whoever_lacks_a_permission_is_refused(client, kept, missing):
    let_in(client, *(name for name in NEEDED if name != missing))

    assert status(client.get(url(kept))) == (403 if missing else 200)
    assert Listen.objects.count() == (0 if missing else 1)


def test_who_is_not_logged_in_is_sent_to_the_login(client, kept):
    answer = client.get(url(kept))

    assert answer.status_code == 302
    assert answer.url.startswith("/login/")


ROLES = {
    "operador": {"view_recording"},
    "supervisor": {
        *("view_recording", "change_recording", "delete_recording"),
        "view_listen",
    },
    "auditor": {"view_recording", "view_listen"},
}


@pytest.mark.parametrize("role", ROLES)
def test_every_role_hears_and_only_some_see_who_heard(client, kept, role):
    editor = connection.schema_editor()
    import_module("calls.migrations.0028_create_roles").create_roles(apps, editor)
    import_module("calls.migrations.0048_grant_recordings").grant(apps, editor)
    user = let_in(client)
    user.groups.add(Group.objects.get(name=role))

    assert status(client.get(url(kept))) == 200
    names = user.get_all_permissions()
    ours = {n for n in names if n.endswith(("_recording", "_listen"))}
    assert ours == {f"calls.{name}" for name in ROLES[role]}


@pytest.mark.parametrize("state", ["waiting", "gone", "refused", "failed"])
def test_what_is_not_kept_is_not_found(client, listener, kept, state):
    at = timezone.now() if state == "waiting" else None
    Recording.objects.update(state=state, next_try_at=at)

    assert client.get(url(kept)).status_code == 404
    assert client.get("/calls/attempts/999/recording").status_code == 404
    assert not Listen.objects.exists()


def test_a_file_that_was_lost_is_not_found_and_nobody_listened(client, listener, kept):
    recordings.folder().delete(kept.stored_as)

    assert client.get(url(kept)).status_code == 404
    assert not Listen.objects.exists()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(client, listener, kept, method):
    assert getattr(client, method)(url(kept)).status_code == 405


# --- What ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, SIZE),
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("BYTES=5-9", 5, 10),
        (" bytes=5-9 ", 5, 10),
        ("bytes=1000-99999", 1000, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-99999", 0, SIZE),
        ("bytes=0-999999999999999999", 0, SIZE),
    ],
)
def test_a_part_is_just_that_part(client, listener, kept, asked, start, end):
    answer = client.get(url(kept), headers={"Range": asked})

    assert answer.status_code == 206
    assert body(answer) == DATA[start:end]
    assert answer["Content-Length"] == str(end - start)
    assert answer["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=99999-", "bytes=-0"])
def test_beyond_its_end_there_is_nothing(client, listener, kept, asked):
    answer = client.get(url(kept), headers={"Range": asked})

    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{SIZE}"
    assert not Listen.objects.exists()


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "bytes=",
        "bytes=-",
        "bytes=9-5",
        "bytes=0-1,5-6",
        "bytes=a-b",
        "bytes=٣-",
        "lines=0-1",
        "bytes=0-9999999999999999999",
        "bytes 0-1",
        "bytes=--1",
    ],
)
def test_what_is_no_range_is_answered_with_all_of_it(client, listener, kept, asked):
    answer = client.get(url(kept), headers={"Range": asked.encode().decode("latin-1")})

    assert answer.status_code == 200
    assert body(answer) == DATA
    assert answer["Content-Length"] == str(SIZE)
    assert "Content-Range" not in answer


@pytest.mark.parametrize(
    ("if_range", "code"),
    [
        (ETAG, 206),
        ('"other"', 200),
        (f"W/{ETAG}", 200),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 200),
    ],
)
def test_a_part_is_given_only_of_the_same_recording(
    client, listener, kept, if_range, code
):
    headers = {"Range": "bytes=0-1", "If-Range": if_range}

    assert status(client.get(url(kept), headers=headers)) == code


def test_its_headers_let_nobody_keep_it_or_take_it_for_something_else(
    client, listener, kept
):
    answer = client.get(url(kept))

    assert answer["Content-Type"] == "audio/ogg"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["ETag"] == ETAG
    name = f"llamada-{kept.attempt_id}.ogg"
    assert answer["Content-Disposition"] == f'inline; filename="{name}"'
    body(answer)


def test_a_head_tells_the_size_and_is_no_listen(client, listener, kept):
    answer = client.head(url(kept), headers={"Range": "bytes=0-1"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Length"] == str(SIZE)
    assert not Listen.objects.exists()


# --- On record ----------------------------------------------------------------------


def test_the_parts_of_one_listen_are_one_row(client, listener, kept):
    for asked in ("bytes=0-", "bytes=500-", "bytes=0-1"):
        body(client.get(url(kept), headers={"Range": asked}))

    (row,) = Listen.objects.all()
    assert (row.by, row.username, row.recording) == (listener, "ana", kept)


def test_another_person_and_another_time_are_other_rows(client, listener, kept):
    now = timezone.now()
    other = User.objects.create_user("luis")
    listens.note(kept, by=listener, now=now)
    listens.note(kept, by=other, now=now)
    listens.note(kept, by=listener, now=now + timedelta(minutes=20))
    listens.note(kept, by=listener, now=now + timedelta(minutes=45))
    listens.note(kept, by=listener, now=now + timedelta(minutes=76))

    rows = Listen.objects.order_by("pk").values_list("username", "at", "last_at")
    assert list(rows) == [
        ("ana", now, now + timedelta(minutes=45)),
        ("luis", now, now),
        ("ana", now + timedelta(minutes=76), now + timedelta(minutes=76)),
    ]


def test_a_person_who_leaves_stays_on_record(listener, kept):
    listens.note(kept, by=listener, now=timezone.now())

    listener.delete()

    assert Listen.objects.get().username == "ana"


@pytest.mark.django_db(transaction=True)
def test_parts_asked_for_at_once_are_one_listen(listener, kept):
    start = threading.Barrier(4)

    def listen():
        start.wait()
        listens.note(kept, by=listener, now=timezone.now())
        connection.close()

    threads = [threading.Thread(target=listen) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Listen.objects.count() == 1


# --- As in production ---------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_under_asgi_it_comes_in_pieces_and_whoever_leaves_is_no_trouble(client, kept):
    let_in(client, *NEEDED)
    data = DATA * 20_000  # 20 MB
    name = kept.stored_as
    recordings.folder().delete(name)
    keep(kept.attempt, data)
    session = requests.Session()
    name = django_settings.SESSION_COOKIE_NAME
    session.cookies.set(name, client.cookies[name].value)
    with asgi_server() as site:
        where = f"{site.url}{url(kept)}"
        whole = session.get(where, timeout=30)
        part = session.get(
            where, headers={"Range": "bytes=1000000-1000009"}, timeout=30
        )
        head = session.head(where, timeout=30)
        with session.get(where, stream=True, timeout=30) as left:
            assert left.raw.read(10) == data[:10]
        after = session.get(where, headers={"Range": "bytes=0-4"}, timeout=30)

    assert (whole.status_code, whole.content == data) == (200, True)
    assert (part.status_code, part.content) == (206, data[1000000:1000010])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(data))
    assert after.content == data[:5]
