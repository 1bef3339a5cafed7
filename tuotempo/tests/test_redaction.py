"""What a log line must not tell, whoever writes it."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from calls.tests.factories import AttemptFactory, RunFactory

PHONE = "+34612034118"


def line(message: str, *args: object, exc: BaseException | None = None) -> str:
    """As the configured handler writes it."""
    caught = (type(exc), exc, exc.__traceback__) if exc else None
    record = logging.LogRecord("x", logging.ERROR, "f", 1, message, args, caught)
    for name in settings.LOGGING["handlers"]["stderr"]["filters"]:
        import_string(settings.LOGGING["filters"][name]["()"])().filter(record)
    return logging.Formatter().format(record)


def test_the_secret_of_the_webhook_is_hidden():
    said = line("Not Found: %s", "/webhooks/pearl/secreto-muy-largo/")

    assert "secreto" not in said
    assert "/webhooks/pearl/…" in said


def test_the_secret_of_a_calendar_is_hidden():
    said = line("Not Found: %s", "/calendars/secreto-muy-largo.ics")

    assert "secreto" not in said
    assert "/calendars/…" in said


@pytest.mark.django_db
def test_a_number_in_two_calls_is_not_told_by_the_error_of_the_database():
    run = RunFactory()
    AttemptFactory(run=run, phone=PHONE)

    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        AttemptFactory(run=run, phone=PHONE)

    said = line("attempt %s: evidence does not fit", 7, exc=caught.value)
    assert "IntegrityError" in said
    assert PHONE not in said


@pytest.mark.parametrize(
    "error",
    [
        "(1062, \"Duplicate entry 'Begoña-612034118' for key 'x'\")",
        "(1366, \"Incorrect string value: 'Bego\\xF1a' for column 'first_name'\")",
        "(1292, \"Incorrect date value: 'Begoña' for column 'birth_date'\")",
        "a phone +34612034118 and more",
    ],
)
def test_the_words_of_mysql_lose_the_value_they_quote(error):
    said = line("%s", error)

    assert "Bego" not in said
    assert "612034118" not in said
