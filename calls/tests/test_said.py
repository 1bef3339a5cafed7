"""Calls are found by the words that were said in them, wherever they come from."""

from __future__ import annotations

from html import unescape
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from calls import said
from calls.attempt_filter import AttemptFilter
from calls.evidence import Evidence
from calls.models import CallAttempt, SaidWord
from calls.outcomes import record
from calls.tests.factories import AttemptFactory
from calls.tests.recorded import call_with
from leads.search_text import fold

pytestmark = pytest.mark.django_db

# As Pearl's reports are read: without NUL and half characters.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
READ = ("view_campaign", "view_callattempt", "view_lead")


def turns(*texts: str) -> list[dict]:
    return [
        {"role": 2 + n % 2, "text": text, "start": n * 2000, "end": n * 2000 + 1500}
        for n, text in enumerate(texts)
    ]


def a_call(*texts: str, **facts) -> CallAttempt:
    """Whose words came as all do: with a report of Pearl's."""
    attempt = call_with("", **facts)
    tell(attempt, *texts)
    return attempt


def tell(attempt: CallAttempt, *texts: str) -> None:
    report = Evidence(
        call_code=4,
        conversation_code=100,
        duration_seconds=60,
        transcript=turns(*texts),
    )
    assert record(attempt, report, now=timezone.now())
    attempt.refresh_from_db()


def found(text: str) -> set[int]:
    query = AttemptFilter({"said": text}, queryset=CallAttempt.objects.all())
    assert query.is_valid(), query.errors
    return {*query.qs.values_list("pk", flat=True)}


def words_kept(attempt: CallAttempt) -> set[str]:
    rows = SaidWord.objects.filter(attempt=attempt)
    return {*rows.values_list("word", flat=True)}


# --- Found --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ("cita", True),
        ("CITA", True),
        ("martes cita", True),
        ("mañana", True),
        ("manana", True),
        ("MAÑANA", True),
        ("clínica", True),
        ("clinica", True),
        ("garcia nunez", True),
        ("García-Núñez", True),
        ("¿cita?", True),
        ("17:30", True),
        ("de la", True),
        ("a", True),
        ("cit", False),
        ("citas", False),
        ("cita jueves", False),
        ("cita%", True),
        ("c_ta", False),
        ("nadie", False),
    ],
)
def test_whole_words_without_case_accents_or_signs(asked, is_found):
    attempt = a_call(
        "Buenas, ¿quiere una cita en la Clínica?",
        "Sí, a ver: el martes por la mañana, a las 17:30.",
        "Soy García-Núñez, de la otra.",
    )
    a_call("Hola")

    assert found(asked) == ({attempt.pk} if is_found else set())


@pytest.mark.parametrize(
    ("asked", "error"),
    [("¿?", "Escriba alguna palabra."), ("a b c d e f g h i", "como mucho ocho")],
)
def test_what_is_no_search_is_refused_and_never_means_all(asked, error):
    query = AttemptFilter({"said": asked}, queryset=CallAttempt.objects.all())

    assert error in str(query.errors["said"])


def test_words_of_one_call_are_not_mixed_with_those_of_another():
    a_call("Quiero cita")
    a_call("El martes")
    both = a_call("Cita", "El martes")

    assert found("cita martes") == {both.pk}


def test_other_filters_narrow_it():
    good = a_call("cita")
    tested = a_call("cita", is_test=True)

    query = AttemptFilter(
        {"said": "cita", "test": "true"}, queryset=CallAttempt.objects.all()
    )

    assert {*query.qs.values_list("pk", flat=True)} == {tested.pk} != {good.pk}


# --- Kept ---------------------------------------------------------------------------


def test_a_fuller_transcript_replaces_the_words_of_the_first():
    attempt = a_call("Quiero cita")
    tell(attempt, "Quiero visita", "Sí, el martes")

    assert words_kept(attempt) == {"quiero", "visita", "si", "el", "martes"}
    assert found("cita") == set()


def test_a_poorer_report_that_comes_late_changes_no_word():
    attempt = a_call("Quiero cita", "El martes")
    tell(attempt, "Quiero")

    assert words_kept(attempt) == {"quiero", "cita", "el", "martes"}


@trials(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(TEXTS, max_size=4), min_size=1, max_size=4))
def test_the_words_kept_are_those_of_the_transcript_kept(reports):
    attempt = call_with("")
    for texts in reports:
        tell(
            attempt,
            *(
                text.replace("\x00", "").encode("utf-8", "ignore").decode()
                for text in texts
            ),
        )

    told = " ".join(str(turn["text"]) for turn in attempt.transcript)
    assert words_kept(attempt) == {word[:60] for word in fold(told).split()}


@pytest.mark.parametrize("transcript", [None, "hola", [1, None, {"text": None}], {}])
def test_a_transcript_of_another_shape_has_no_words(transcript):
    assert said.words_of(transcript) == set()


def test_words_that_are_endless_are_cut_and_found_all_the_same():
    attempt = a_call("x" * 500)

    assert words_kept(attempt) == {"x" * 60}
    assert found("x" * 100) == {attempt.pk}


def test_calls_of_before_get_their_words_by_the_migration(monkeypatch):
    monkeypatch.setattr(said, "BATCH", 2)
    attempts = [call_with("", transcript=turns(f"palabra{n}")) for n in range(5)]
    AttemptFactory(run=attempts[0].run)
    SaidWord.objects.all().delete()
    migration = import_module("calls.migrations.0050_fill_said_words")

    for _again in range(2):
        migration.fill(apps, connection.schema_editor())

    assert SaidWord.objects.count() == 5
    assert found("palabra3") == {attempts[3].pk}


def test_recordings_of_calls_of_before_are_expected_by_the_migration(monkeypatch):
    migration = import_module("calls.migrations.0047_expect_recordings")
    monkeypatch.setattr(migration, "BATCH", 2)
    attempts = [call_with("https://api.nlpearl.ai/r") for _n in range(3)]
    silent = AttemptFactory(run=attempts[0].run)
    attempts[0].recording.delete()
    attempts[2].recording.delete()

    for _again in range(2):
        migration.expect(apps, connection.schema_editor())

    have = CallAttempt.objects.exclude(recording=None)
    assert {*have.values_list("pk", flat=True)} == {one.pk for one in attempts}
    assert silent.pk not in {one.pk for one in attempts}


# --- Where --------------------------------------------------------------------------


def pieces(text: str, asked: str) -> str:
    attempt = call_with("", transcript=turns("Hola", text))
    (passage,) = said.passages(attempt, said.words_in(asked))
    assert (passage.who, passage.clock) == ("Persona", "0:02")
    return "".join(f"[{t}]" if is_word else t for t, is_word in passage.pieces)


@pytest.mark.parametrize(
    ("text", "asked", "shown"),
    [
        ("Quiero cita el martes.", "cita", "Quiero [cita] el martes."),
        ("¡CITA, cita!", "cita", "¡[CITA], [cita]!"),
        ("Soy García-Núñez", "nunez garcia", "Soy [García]-[Núñez]"),
        ("Por la mañana", "MANANA", "Por la [mañana]"),
        ("citas y cita", "cita", "citas y [cita]"),
        ("no <b>cita</b>", "cita", "no <b>[cita]</b>"),
    ],
)
def test_the_passage_shows_the_words_as_they_were_said(text, asked, shown):
    assert pieces(text, asked) == shown


def test_of_a_long_turn_what_is_around_the_word_is_shown():
    shown = pieces("bla " * 200 + "cita " + "ble " * 200, "cita")

    assert shown.startswith("…bla ")
    assert shown.endswith("ble…")
    assert "[cita]" in shown
    assert len(shown) < 260


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("cita martes", ["una cita el martes"]),
        ("cita", ["cita"]),
        ("hola martes tardes", ["una cita el martes", "hola, buenas tardes"]),
        ("hola jueves", ["hola, buenas tardes"]),
        ("jueves", []),
        ("uno dos tres cuatro", ["uno", "dos", "tres"]),
    ],
)
def test_as_few_turns_are_shown_as_have_the_words(asked, shown):
    texts = ["cita", "una cita el martes", "hola, buenas tardes", "martes"]
    attempt = call_with("", transcript=turns(*texts, "uno", "dos", "tres", "cuatro"))

    passages = said.passages(attempt, said.words_in(asked))

    assert ["".join(text for text, _is in one.pieces) for one in passages] == shown


# --- On the page --------------------------------------------------------------------


def let_in(client, *names: str) -> None:
    user = User.objects.create_user(f"u{User.objects.count()}")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)


def test_the_list_shows_the_calls_and_where_it_was_said(client):
    let_in(client, *READ)
    attempt = a_call("¿Quiere <b>cita</b>?", "Sí")
    other = a_call("Hola")

    html = client.get("/calls/attempts?said=CITA").content.decode()

    assert f'id="attempt-{attempt.pk}"' in html
    assert f'id="attempt-{other.pk}"' not in html
    assert "¿Quiere &lt;b&gt;<mark>cita</mark>&lt;/b&gt;?" in html
    assert "se dijo «CITA»" in html
    assert "1 llamada<" in html


def test_the_form_keeps_the_other_filters_and_the_pages_keep_the_words(
    client, monkeypatch
):
    from calls import attempt_list

    monkeypatch.setattr(attempt_list, "PAGE_SIZE", 2)
    let_in(client, *READ)
    attempts = [a_call("cita") for _n in range(3)]
    run = attempts[0].run_id

    html = unescape(client.get(f"/calls/attempts?run={run}&said=cita").content.decode())

    assert f'<input type="hidden" name="run" value="{run}">' in html
    assert f'href="?run={run}"' in html
    assert f'href="?run={run}&said=cita&after={attempts[1].pk}"' in html
    second = f"/calls/attempts?run={run}&said=cita&after={attempts[1].pk}"
    assert f'id="attempt-{attempts[0].pk}"' in client.get(second).content.decode()


@pytest.mark.parametrize("missing", [None, *READ])
def test_who_may_not_read_calls_may_not_search_in_them(client, missing):
    a_call("cita")
    let_in(client, *(name for name in READ if name != missing))

    answer = client.get("/calls/attempts?said=cita")

    assert answer.status_code == (403 if missing else 200)
    if missing in ("view_callattempt", "view_lead"):
        assert 'name="said"' not in client.get("/calls/attempts").content.decode()


def test_nothing_found_says_what_to_try(client):
    let_in(client, *READ)
    a_call("cita")

    html = client.get("/calls/attempts?said=jueves").content.decode()

    assert "En ninguna de estas llamadas se dijo eso." in html


def test_more_calls_found_take_no_more_queries(client):
    let_in(client, *READ)

    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/calls/attempts?said=cita+martes").status_code == 200
        return len(queries)

    a_call("cita el martes")
    ask()  # what is asked once and kept
    few = ask()
    for _each in range(5):
        a_call("cita el martes")

    assert ask() == few


def test_programs_find_them_too(client):
    let_in(client, *READ)
    attempt = a_call("cita")
    a_call("hola")

    answer = client.get("/api/calls/attempts?said=Cita")
    refused = client.get("/api/calls/attempts?said=¿")

    assert [one["id"] for one in answer.json()["items"]] == [attempt.pk]
    assert refused.status_code == 422
