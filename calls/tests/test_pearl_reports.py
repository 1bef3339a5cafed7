"""What Pearl reports is read whatever its shape, and nonsense is told as nonsense."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest

from calls.pearl import (
    CallId,
    CallReport,
    FrozenMap,
    LeadId,
    LeadReport,
    RequestId,
    Turn,
    UnreadableEvent,
    codes,
    parse_webhook,
)
from calls.pearl.reports import read_call_request, without_numbers
from calls.tests.pearl_events import (
    CALL,
    END,
    END_V1,
    LEAD,
    LEAD_EVENT,
    REQUEST,
    START,
    webhook,
)


def test_the_end_of_a_call_is_read_whole():
    assert webhook(END) == CallReport(
        call_id=CallId(CALL),
        pearl_id="66f0aaaabbbbccccdddd0001",
        to="+34600000001",
        started_at=datetime(2025, 9, 23, 15, 42, 21, 100_000, tzinfo=UTC),
        status=4,
        conversation_status=100,
        duration_seconds=99,
        recording_url="https://api.nlpearl.ai/v2/Recording/a/b/c",
        transcript=(
            Turn(role=2, text="Buenas tardes.", start=400, end=2900),
            Turn(role=3, text="Sí, soy yo.", start=3300, end=4200),
        ),
        summary="La persona acepta la cita.",
        collected_info=FrozenMap(
            firstName="Prueba", fechaDeseada="25-09-2025", ttAttemptId="01J9ZK7P5V8Q"
        ),
        tags=("cita",),
        sentiment=4,
        is_transferred=False,
    )
    assert webhook(END).attempt_token == "01J9ZK7P5V8Q"


def test_the_start_of_a_call_leaves_the_rest_untold():
    report = webhook(START)

    assert report.status == 3
    assert report.conversation_status == 40
    assert report.recording_url is None
    assert report.transcript == ()
    assert report.collected_info == {}
    assert report.attempt_token is None
    assert report.sentiment is None
    assert report.unknown_codes == {}


def test_version_1_says_the_same_as_version_2():
    assert webhook(END_V1) == webhook(END)


def test_a_byte_order_mark_does_no_harm():
    body = b"\xef\xbb\xbf" + json.dumps(END).encode()

    assert parse_webhook(body) == webhook(END)


def test_a_lead_event_is_told_from_a_call_event():
    report = webhook(LEAD_EVENT)

    assert report == LeadReport(
        lead_id=LeadId(LEAD),
        pearl_id="66f0aaaabbbbccccdddd0001",
        external_id="tt-123-1",
        phone="+34600000001",
        status=100,
        created_at=datetime(2025, 9, 23, 15, 40, tzinfo=UTC),
        call_ids=(CallId(CALL),),
        call_data=FrozenMap(FirstName="Prueba", ttAttemptId="01J9ZK7P5V8Q"),
        collected_info=FrozenMap(FechaDeseada="25-09-2025"),
    )
    assert report.attempt_token == "01J9ZK7P5V8Q"


def test_a_lead_event_in_capitals_keeps_the_capitals_of_variables():
    capital = {key[0].upper() + key[1:]: value for key, value in LEAD_EVENT.items()}

    assert webhook(capital) == webhook(LEAD_EVENT)


def test_a_call_event_may_mention_a_phone_number():
    assert isinstance(webhook({**START, "phoneNumber": "+34600000001"}), CallReport)


def test_collected_info_may_come_as_an_object_whose_capitals_matter():
    report = webhook({**END, "collectedInfo": {"FechaDeseada": {"Dia": 1}}})

    assert report.collected_info == {"FechaDeseada": {"Dia": 1}}


def test_the_key_in_camel_case_wins_over_its_capital_twin():
    assert webhook({"Status": 7, **END}).status == 4
    assert webhook({**END, "Status": 7}).status == 4


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-json"),
        (b"null", "not-json"),
        (b"[]", "not-event"),
        (b"{}", "not-event"),
        (b'"to"', "not-event"),
        (b"{", "not-json"),
        (b"\xff\xfe{}", "not-json"),
        (b"{} {}", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'{"to":' * 100_000, "not-json"),
        (b"[" * 500 + b"]" * 500, "not-json"),
        (b'{"to":1,"to":2}', "not-json"),
        (b'{"to":NaN}', "not-json"),
        (b'{"to":-Infinity}', "not-json"),
        (b'{"to":null}', "no-id"),
        (b'{"to":null,"id":"abc"}', "no-id"),
        (b'{"to":null,"id":["' + CALL.encode() + b'"]}', "no-id"),
        (b'{"phoneNumber":"+34600000001"}', "no-id"),
        (b" " * (1024 * 1024 + 1), "too-big"),
    ],
)
def test_what_is_no_event_is_called_unreadable(body, code):
    with pytest.raises(UnreadableEvent) as info:
        parse_webhook(body)

    assert info.value.code == code
    assert str(info.value).startswith("El aviso de Pearl")
    assert info.value.__context__ is None


def test_numbers_beyond_all_measure_stay_text():
    body = json.dumps(START).replace('"collectedInfo": []', '"collectedInfo": [%s]')
    items = '{"id":"a","value":%s},{"id":"b","value":1e999}' % ("9" * 10_000)

    report = parse_webhook((body % items).encode())

    assert report.collected_info == {"a": "9" * 10_000, "b": "1e999"}


def test_text_that_no_database_stores_is_mended():
    report = webhook({**END, "summary": "a\0b\ud800c", "tags": ["\ud800"]})

    assert report.summary == "ab?c"
    report.summary.encode()
    assert report.tags == ("?",)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("https://pearl.example/a.ogg", "https://pearl.example/a.ogg"),
        ({"url": "https://pearl.example/a.ogg"}, "https://pearl.example/a.ogg"),
        ("javascript:alert(1)", None),
        ("", None),
        ({}, None),
        (7, None),
    ],
)
def test_a_recording_is_a_web_address_or_nothing(raw, expected):
    assert webhook({**END, "recording": raw}).recording_url == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2025-09-23T15:42:21Z", datetime(2025, 9, 23, 15, 42, 21, tzinfo=UTC)),
        ("2025-09-23T15:42:21", datetime(2025, 9, 23, 15, 42, 21, tzinfo=UTC)),
        ("2025-09-23T17:42:21+02:00", datetime(2025, 9, 23, 15, 42, 21, tzinfo=UTC)),
        (
            "2025-09-23T15:42:21.1234567Z",
            datetime(2025, 9, 23, 15, 42, 21, 123456, tzinfo=UTC),
        ),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("ayer", None),
        ("", None),
        (1758642141, None),
        (None, None),
    ],
)
def test_a_moment_is_aware_utc_or_unknown(raw, expected):
    assert webhook({**END, "startTime": raw}).started_at == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(99, 99), ("99", 99), (99.0, 99), (0, 0), (-1, None), (True, None), ("", None)],
)
def test_a_duration_is_a_count_of_seconds_or_unknown(raw, expected):
    assert webhook({**END, "duration": raw}).duration_seconds == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (100, 100),
        ("100", 100),
        (100.0, 100),
        ("Success", 100),
        ("SUCCESS", 100),
        (" success ", 100),
        ("NotSuccessful", 110),
        ("NotSuccessfull", 110),
        ("not_successful", 110),
        ("NeedRetry", 10),
        ("NotAnswered", 10),
        (35, 20),
        ("35", 20),
        ("InQueue", 20),
        ("InCallQueue", 20),
        ("OnGoing", 40),
        ("Complete", 130),
        ("VoicemailLeft", 70),
        ("BlackListed", 220),
        (200, 500),
        ("Error", 500),
        (77, 77),
    ],
)
def test_a_conversation_status_is_a_number_however_it_is_written(raw, expected):
    report = webhook({**END, "conversationStatus": raw})

    assert report.conversation_status == expected
    assert report.unknown_codes == {}


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("Sublimated", "Sublimated"),
        (True, "True"),
        ([4], "[4]"),
        (4.5, "4.5"),
        (10**12, "1000000000000"),
        ("٣", "٣"),
    ],
)
def test_a_code_that_means_nothing_to_us_is_kept_aside_and_not_guessed(raw, kept):
    report = webhook({**END, "status": raw})

    assert report.status is None
    assert report.unknown_codes == {"status": kept}


@pytest.mark.parametrize("raw", [None, ""])
def test_a_code_left_out_is_not_an_unknown_code(raw):
    report = webhook({**END, "status": raw})

    assert report.status is None
    assert report.unknown_codes == {}


FORMS = [4, "4", " 4 ", "Completed", "completed", "COMPLETED"]
LEAD_FORMS = [110, "110", "NotSuccessful", "notSuccessful", "NotSuccessfull"]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("form", FORMS)
def test_a_call_status_is_read_in_every_form_of_both_versions(version, form):
    event = {**END_V1, "Status": form} if version == "v1" else {**END, "status": form}

    assert webhook(event).status == 4


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("form", LEAD_FORMS)
def test_a_lead_status_is_read_in_every_form_of_both_versions(version, form):
    event = {**LEAD_EVENT, "status": form}
    if version == "v1":
        event = {key[0].upper() + key[1:]: value for key, value in event.items()}

    report = webhook(event)

    assert (report.status, report.attempt_token) == (110, "01J9ZK7P5V8Q")
    assert report.call_data["FirstName"] == "Prueba"


def test_every_name_of_every_enumeration_is_read_back():
    for table in (
        codes.CALL_STATUS,
        codes.CONVERSATION_STATUS,
        codes.LEAD_STATUS,
        codes.REQUEST_STATUS,
        codes.ACTIVITY_STATUS,
        codes.ACCOUNT_STATUS,
        codes.PEARL_TYPE,
        codes.SENTIMENT,
    ):
        for name, number in table.names.items():
            assert table.read(name.upper()) == number
            assert table.read(str(number)) == number


def test_canceled_is_a_number_with_both_spellings():
    assert codes.CALL_STATUS.read("Canceled") == 8
    assert codes.CALL_STATUS.read("Cancelled") == 8


def test_a_call_request_carries_the_call_once_there_is_one():
    source = {"id": REQUEST, "status": 2, "errors": None, "callId": CALL}

    report = read_call_request(source)

    assert report.request_id == RequestId(REQUEST)
    assert report.call_id == CallId(CALL)
    assert report.errors == ()


@pytest.mark.parametrize("raw", [None, "", "0" * 24, "abc"])
def test_a_call_request_without_a_call_says_so(raw):
    report = read_call_request({"id": REQUEST, "status": 1, "callId": raw})

    assert report.call_id is None


def test_the_errors_of_a_request_hide_numbers():
    report = read_call_request(
        {"id": REQUEST, "status": "Error", "errors": ["+34 600-00-00-01 is bad", 3]}
    )

    assert report.status == 100
    assert report.errors == ("… is bad",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call +34600000001 now", "call … now"),
        ("600 00 00 01", "…"),
        ("(600) 000-001", "(…"),
        ("12345", "12345"),
        ("max 50 of 100", "max 50 of 100"),
        ("٦٠٠٠٠٠٠٠١", "…"),
    ],
)
def test_long_numbers_are_blotted_out(text, expected):
    assert without_numbers([text]) == [expected]


def test_a_request_id_is_never_a_call_id():
    assert RequestId(CALL) != CallId(CALL)
    assert len({RequestId(CALL), CallId(CALL), LeadId(CALL)}) == 3
    assert str(CallId(CALL)) == CALL


def test_an_id_has_one_spelling():
    assert CallId(CALL.upper()) == CallId(CALL)
    assert str(CallId(CALL.upper())) == CALL


@pytest.mark.parametrize("text", ["", "abc", "z" * 24, CALL + "\n", "0" * 24, None, 7])
def test_what_is_no_id_cannot_become_one(text):
    with pytest.raises(ValueError, match="24 hex"):
        CallId(text)


def test_a_report_does_not_change():
    report = webhook({**END, "collectedInfo": [{"id": "a", "value": {"b": [1]}}]})

    with pytest.raises(FrozenInstanceError):
        report.status = 5
    with pytest.raises(TypeError):
        report.collected_info["a"] = 1
    with pytest.raises(TypeError):
        report.collected_info["a"].update(b=1)
    assert report.collected_info["a"]["b"] == (1,)


def test_a_report_can_be_compared_counted_copied_and_stored():
    report = webhook(END)

    assert {report, webhook(END_V1)} == {report}
    assert replace(report, status=5) != report
    assert copy.deepcopy(report) == report
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301
    assert json.loads(json.dumps(report.collected_info))["firstName"] == "Prueba"


def test_a_report_in_a_log_names_nobody():
    for report in (webhook(END), webhook(LEAD_EVENT)):
        assert "600000001" not in repr(report)
        assert "Prueba" not in repr(report)
