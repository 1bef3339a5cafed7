"""Each value a call collected is read once, kept beside the raw one, and settled."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from threading import Thread

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from calls import collected, collected_fields
from calls.collected import Values, take_in, values_of
from calls.models import (
    CallAttempt,
    CollectedField,
    CollectedFieldChange,
    CollectedValue,
    CollectedValueChange,
    PearlEvent,
)
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, RunFactory, seed_fields
from calls.typed_values import Problem

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 9, 23, 16, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
AGREED = {
    "firstName": "Prueba",
    "fechaDeseada": "25-09-2025",
    "horaDeseada": "17:00:00",
    "preferenciaMT": "afternoon",
    "interesado": "Sí",
}
bodies = count()


@pytest.fixture(autouse=True)
def _fields(db):
    seed_fields()


def call(run, *, info=None, **more) -> CallAttempt:
    over = {
        "state": State.ENDED,
        "outcome": Outcome.SUCCESS,
        "open_lead_id": None,
        "open_phone": None,
        "claimed_at": NOW,
        "collected_info": AGREED if info is None else info,
    }
    return AttemptFactory(run=run, **(over | more))


def value(attempt: CallAttempt, name: str) -> CollectedValue:
    return CollectedValue.objects.get(attempt=attempt, name=name)


def field(meaning: str) -> CollectedField:
    return CollectedField.objects.get(meaning=meaning)


def webhook(attempt: CallAttempt, **info) -> None:
    body = {
        "id": "68d2f0ad8a2fc8e5ce030042",
        "to": "+34600000001",
        "collectedInfo": [
            {"id": name, "name": name, "value": raw} for name, raw in info.items()
        ],
    }
    PearlEvent.objects.create(
        sha256=str(next(bodies)),
        body=json.dumps(body),
        received_at=NOW,
        result=PearlEvent.Result.APPLIED,
        attempt=attempt,
    )


def rows() -> list[dict]:
    return list(CollectedValue.objects.order_by("pk").values())


# --- Taking in ----------------------------------------------------------------------


def test_an_agreed_appointment_is_read_into_its_types(run):
    attempt = call(run)

    take_in(attempt, now=NOW)

    assert values_of(attempt) == Values(
        wished_date=date(2025, 9, 25),
        wished_time=time(17),
        is_interested=True,
        prefers="afternoon",
    )
    read = value(attempt, "fechaDeseada")
    assert (read.raw, read.state, read.field_version) == ("25-09-2025", "read", 1)


def test_what_cannot_be_read_waits_for_a_person_and_is_no_value(run):
    attempt = call(run, info={"fechaDeseada": "mañana", "horaDeseada": "17:00"})

    take_in(attempt, now=NOW)

    assert values_of(attempt) == Values(wished_time=time(17))
    unread = value(attempt, "fechaDeseada")
    assert (unread.state, unread.problem, unread.raw, unread.value) == (
        "review",
        Problem.NOT_A_DATE,
        "mañana",
        None,
    )


def test_a_day_is_past_or_not_on_the_day_of_the_call(run):
    at_night = datetime(2025, 9, 24, 22, 30, tzinfo=UTC)
    there = call(run, info={"fechaDeseada": "24-09-2025"}, started_at=at_night)

    take_in(there, now=NOW)

    # In Madrid it was the 25th already.
    assert value(there, "fechaDeseada").problem == Problem.PAST


def test_taking_in_twice_writes_nothing(run):
    attempt = call(run, info=AGREED | {"fechaDeseada": "pronto"})
    take_in(attempt, now=NOW)
    before = rows()

    with CaptureQueriesContext(
        connection,
    ) as asked:
        take_in(attempt, now=LATER)

    assert rows() == before
    verbs = {query["sql"].split()[0] for query in asked}
    assert not verbs & {"INSERT", "UPDATE", "DELETE"}


def test_what_nobody_said_leaves_no_row(run):
    attempt = call(run, info={"fechaDeseada": "", "horaDeseada": None, "otra": "x"})

    take_in(attempt, now=NOW)

    assert rows() == []


def test_a_later_report_completes_an_earlier_one(run):
    attempt = call(run, info={"fechaDeseada": "no sé"})
    take_in(attempt, now=NOW)
    CallAttempt.objects.filter(pk=attempt.pk).update(collected_info=AGREED)

    # With the attempt as it was read before.
    take_in(attempt, now=LATER)

    assert values_of(attempt).wished_date == date(2025, 9, 25)
    assert value(attempt, "fechaDeseada").read_at == LATER


def test_a_test_call_says_nothing_about_its_lead(run):
    attempt = call(run, is_test=True)

    take_in(attempt, now=NOW)
    collected.read_again(after=0, until=attempt.pk, now=NOW, at_most=99)

    assert rows() == []


def test_two_values_for_one_field_are_for_a_person(run):
    wished = field("wished_date")
    collected_fields.change(
        wished.pk, {"names": ["fechaDeseada", "fecha"]}, by=None, now=NOW
    )
    both = {"fecha": "25-09-2025", "fechaDeseada": "26-09-2025"}
    torn, agreed = (
        call(run, info=both),
        call(run, info=dict.fromkeys(both, "25-09-2025")),
    )

    take_in(torn, now=NOW)
    take_in(agreed, now=NOW)

    assert values_of(torn) == Values()
    unread = CollectedValue.objects.get(attempt=torn)
    assert (unread.problem, unread.raw) == (Problem.CONFLICT, both)
    assert values_of(agreed).wished_date == date(2025, 9, 25)


def test_a_variable_is_known_in_capitals_as_well(run):
    attempt = call(run, info={"FechaDeseada": "25-09-2025"})

    take_in(attempt, now=NOW)

    assert values_of(attempt).wished_date == date(2025, 9, 25)
    assert value(attempt, "FechaDeseada")


def test_a_value_knows_how_it_came(run):
    attempt = call(run)
    webhook(attempt, fechaDeseada="25-09-2025", horaDeseada="18:00:00")

    take_in(attempt, now=NOW)

    assert value(attempt, "fechaDeseada").source == "webhook"
    # The webhook told another hour: this one was asked for.
    assert value(attempt, "horaDeseada").source == "poll"
    assert value(attempt, "interesado").source == "poll"


@pytest.mark.parametrize("info", [[], "text", {"fechaDeseada": {"a": [1]}}, {"": "x"}])
def test_no_shape_of_what_was_collected_breaks_it(run, info):
    attempt = call(run, info=info)

    take_in(attempt, now=NOW)

    assert values_of(attempt) == Values()


def test_reading_asks_as_much_for_one_call_as_for_many(run):
    asked = []
    for amount in (1, 10):
        before = collected.newest_call()
        for _n in range(amount):
            webhook(call(run), fechaDeseada="25-09-2025")
        until = collected.newest_call()
        with CaptureQueriesContext(connection) as queries:
            collected.read_again(after=before, until=until, now=NOW, at_most=99)
        asked.append(len(queries))

    assert asked[0] == asked[1]
    assert CollectedValue.objects.count() == 4 * 11


@pytest.mark.django_db(transaction=True)
def test_a_report_being_joined_is_waited_for_and_read():
    if not connection.features.has_select_for_update:
        pytest.skip("SQLite has one writer at a time")
    seed_fields()
    attempt = call(RunFactory(), info={"fechaDeseada": "el jueves"})

    def take():
        try:
            take_in(attempt, now=NOW)
        finally:
            connections.close_all()

    thread = Thread(target=take)
    with transaction.atomic():
        locked = CallAttempt.objects.select_for_update().filter(pk=attempt.pk)
        assert len(locked) == 1
        thread.start()
        thread.join(0.5)
        waited = thread.is_alive()
        locked.update(collected_info=AGREED)
    thread.join()

    assert waited
    assert values_of(attempt).wished_date == date(2025, 9, 25)


# --- Settled by people --------------------------------------------------------------


def test_a_correction_counts_and_says_who_and_why(run, admin_user):
    attempt = call(run, info={"fechaDeseada": "el 25"})
    take_in(attempt, now=NOW)
    unread = value(attempt, "fechaDeseada")

    done = collected.correct(
        unread, date(2025, 9, 25), reason="Lo dice el audio", by=admin_user, now=LATER
    )

    assert done
    assert values_of(attempt).wished_date == date(2025, 9, 25)
    settled = value(attempt, "fechaDeseada")
    assert (settled.state, settled.settled_by, settled.settled_at, settled.reason) == (
        "corrected",
        admin_user,
        LATER,
        "Lo dice el audio",
    )
    assert settled.raw == "el 25"
    change = CollectedValueChange.objects.get()
    assert (change.by, change.reason) == (admin_user, "Lo dice el audio")
    assert change.before == {"state": "review", "kind": "date", "value": None}
    assert change.after == {"state": "corrected", "kind": "date", "value": "2025-09-25"}


def test_no_reading_overwrites_a_person(run, admin_user):
    attempt = call(run)
    take_in(attempt, now=NOW)
    collected.correct(
        value(attempt, "horaDeseada"), time(18), reason="Se oye", by=admin_user, now=NOW
    )
    collected.dismiss(
        value(attempt, "preferenciaMT"), reason="Ruido", by=admin_user, now=NOW
    )
    changed = AGREED | {"horaDeseada": "19:00:00", "preferenciaMT": "morning"}
    CallAttempt.objects.filter(pk=attempt.pk).update(collected_info=changed)

    take_in(attempt, now=LATER)
    collected.read_again(after=0, until=attempt.pk, now=LATER, at_most=99)

    assert values_of(attempt).wished_time == time(18)
    assert values_of(attempt).prefers is None


def test_of_two_people_the_second_is_told(run, admin_user):
    attempt = call(run, info={"fechaDeseada": "el 25"})
    take_in(attempt, now=NOW)
    seen = value(attempt, "fechaDeseada")
    collected.dismiss(seen, reason="Nada", by=admin_user, now=NOW)

    done = collected.correct(
        seen, date(2025, 9, 25), reason="Algo", by=admin_user, now=LATER
    )

    assert not done
    assert value(attempt, "fechaDeseada").state == "dismissed"
    assert CollectedValueChange.objects.count() == 1


def test_of_two_corrections_of_one_value_the_second_is_told(run, admin_user):
    attempt = call(run)
    take_in(attempt, now=NOW)
    seen = value(attempt, "horaDeseada")
    collected.correct(seen, time(18), reason="Se oye", by=admin_user, now=NOW)
    seen = value(attempt, "horaDeseada")

    done = [
        collected.correct(seen, hour, reason="Se oye", by=admin_user, now=at)
        for hour, at in ((time(19), LATER), (time(20), LATER))
    ]

    assert done == [True, False]
    assert values_of(attempt).wished_time == time(19)


# --- Fields that change -------------------------------------------------------------


def test_a_field_changes_in_versions_with_a_trace(admin_user):
    wished = field("wished_date")

    done = collected_fields.change(
        wished.pk, {"formats": ["year_first"]}, by=admin_user, now=NOW
    )

    assert done
    wished.refresh_from_db()
    assert (wished.version, wished.formats) == (2, ["year_first"])
    first, second = CollectedFieldChange.objects.filter(field=wished).order_by("pk")
    assert (first.version, first.by, first.after["names"]) == (
        1,
        None,
        ["fechaDeseada"],
    )
    assert (second.version, second.by, second.at) == (2, admin_user, NOW)
    assert second.before["formats"] == ["day_first", "year_first", "month_named"]
    assert second.after["formats"] == ["year_first"]


def test_changing_nothing_makes_no_version(admin_user):
    wished = field("wished_date")

    assert not collected_fields.change(
        wished.pk, {"label": wished.label}, by=admin_user, now=NOW
    )
    assert CollectedFieldChange.objects.filter(field=wished).count() == 1


def test_earlier_calls_are_read_again_by_the_new_version(run):
    odd = [call(run, info={"interesado": "claro"}) for _n in range(3)]
    for attempt in odd:
        take_in(attempt, now=NOW)
    words = [{"code": "yes", "label": "Sí", "words": ["claro"]}]
    collected_fields.change(
        field("is_interested").pk, {"choices": words}, by=None, now=NOW
    )
    until = collected.newest_call()

    first = collected.read_again(after=0, until=until, now=LATER, at_most=2)
    second = collected.read_again(after=first.after, until=until, now=LATER, at_most=2)
    third = collected.read_again(after=until, until=until, now=LATER, at_most=99)

    assert (first.changed, first.is_over, first.percent < 100) == (2, False, True)
    assert (second.changed, second.is_over, second.percent) == (1, True, 100)
    assert (third.changed, third.is_over) == (0, True)
    assert [values_of(attempt).is_interested for attempt in odd] == [True] * 3
    assert {row["field_version"] for row in rows()} == {2}
    assert [attempt.collected_info for attempt in CallAttempt.objects.all()] == [
        {"interesado": "claro"}
    ] * 3


def test_another_name_for_a_field_counts_no_value_as_changed(run):
    attempt = call(run)
    take_in(attempt, now=NOW)
    collected_fields.change(
        field("wished_date").pk, {"label": "Fecha"}, by=None, now=NOW
    )

    progress = collected.read_again(after=0, until=attempt.pk, now=LATER, at_most=99)

    assert progress.changed == 0
    assert value(attempt, "fechaDeseada").field_version == 2


def test_a_field_out_of_use_asks_nothing_of_anybody(run):
    attempt = call(run, info={"fechaDeseada": "pronto"})
    take_in(attempt, now=NOW)
    wished = field("wished_date")

    collected_fields.change(wished.pk, {"active": False}, by=None, now=NOW)
    take_in(attempt, now=NOW)
    aside = value(attempt, "fechaDeseada").state
    collected_fields.change(wished.pk, {"active": True}, by=None, now=NOW)
    take_in(attempt, now=LATER)

    assert (aside, value(attempt, "fechaDeseada").state) == ("set_aside", "review")


def test_a_value_whose_variable_no_longer_counts_goes(run, admin_user):
    attempt, settled = call(run), call(run)
    for one in (attempt, settled):
        take_in(one, now=NOW)
    kept = value(settled, "fechaDeseada")
    collected.dismiss(kept, reason="Ruido", by=admin_user, now=NOW)
    wished = field("wished_date")
    collected_fields.change(wished.pk, {"names": ["otra"]}, by=None, now=NOW)

    collected.read_again(after=0, until=settled.pk, now=LATER, at_most=99)

    assert [row.pk for row in CollectedValue.objects.filter(field=wished)] == [kept.pk]
