"""What pearl-api.md says each answer holds: exactly these keys, of these kinds.

A list is "one or more of"; a tuple is "one of"; NONE_YET is an empty list.
"""

from __future__ import annotations

import re
from numbers import Real

ID = re.compile(r"[0-9a-f]{24}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TEXT = (str, None)
COUNT = (int, None)
NONE_YET = ()

ACCOUNT = {"name": TEXT, "totalAgents": int, "creditBalance": Real, "status": int}
USER = {"email": str, "roleId": str, "roleName": str, "createdAt": MOMENT}
PHONE_NUMBER = {"id": ID, "number": str, "direction": int}
AUDIT_ENTRY = {
    "timestamp": MOMENT,
    "eventType": int,
    "user": {"id": str, "name": str, "type": object},
    "additionalData": dict,
}

SUMMARY = {
    "id": ID,
    "name": str,
    "status": int,
    "totalAgents": int,
    "budgetTotal": COUNT,
    "budgetConsumed": int,
    "totalLeads": COUNT,
    "created": MOMENT,
}
DETAIL = {
    **SUMMARY,
    "phoneNumber": TEXT,
    "pearlName": TEXT,
    "totalLeadsCompleted": COUNT,
    "totalLeadsSuccess": COUNT,
}
PEARL = {
    **SUMMARY,
    "type": int,
    "phoneNumber": TEXT,
    "totalTodayCalls": int,
    "totalOngoingCalls": int,
    "totalOnQueue": COUNT,
    "totalLeadsCompleted": COUNT,
    "totalLeadsSuccess": COUNT,
}
ONGOING = {"totalOngoingCalls": int, "totalOnQueue": COUNT}

PLACED = {"id": ID, "from": TEXT, "to": TEXT, "queuePosition": int}
REQUEST = {
    "id": ID,
    "status": int,
    "outboundId": ID,
    "created": MOMENT,
    "errors": ([str], NONE_YET, None),
    "callId": (ID, None),
}

CALL_ITEM = {
    "id": ID,
    "startTime": MOMENT,
    "conversationStatus": int,
    "status": int,
    "from": TEXT,
    "to": TEXT,
    "duration": int,
    "tags": ([str], NONE_YET, None),
}
TRANSCRIPT = [{"role": int, "content": str, "startTime": Real, "endTime": Real}]
COLLECTED = [{"id": str, "name": str, "value": object}]
TOLD = {
    "name": TEXT,
    "recording": TEXT,
    "transcript": TRANSCRIPT,
    "summary": TEXT,
    "collectedInfo": COLLECTED,
    "isCallTransferred": bool,
    "overallSentiment": int,
}
CALL = {**CALL_ITEM, **TOLD, "pearlId": ID, "relatedId": ID}
BULK_ITEM = {
    **CALL_ITEM,
    **TOLD,
    "queueDuration": Real,
    "creditDebited": Real,
    "smsCreditDebited": Real,
    "leadId": (ID, None),
    "pearlVersion": object,
}
BARE_BULK_ITEM = {key: kind for key, kind in CALL_ITEM.items() if key != "tags"}

LEAD_ITEM = {
    "id": ID,
    "externalId": TEXT,
    "phoneNumber": TEXT,
    "timeZone": (re.compile(r"-?\d+(\.\d+)?"), None),
    "status": int,
    "created": MOMENT,
    "callData": (dict, None),
}
LAST_CALL = {
    "id": ID,
    "startTime": MOMENT,
    "pearlId": ID,
    "status": int,
    "from": TEXT,
    "name": TEXT,
    "collectedData": {"transcript": list, "collectedInfos": list},
    "summary": TEXT,
    "duration": int,
    "recording": TEXT,
    "tags": list,
}
LEAD = {
    **LEAD_ITEM,
    "callsId": [ID],
    "lastCall": LAST_CALL,
    "collectedData": dict,
}

OVERVIEW = dict.fromkeys(
    [
        *("totalCalls", "totalLeads", "needRetry", "wrongCountryCode", "needFollowUp"),
        *("voiceMailLeft", "successful", "unsuccessful", "wrongNumber", "completed"),
        *("unreachable", "error"),
    ],
    int,
)
MOODS = ("negative", "slightlyNegative", "neutral", "slightlyPositive", "positive")
EVENTS = (
    *("takeMessageCount", "smsSentCount", "callTransferredCount"),
    *("calendarBookedCount", "emailSentCount"),
)
QUIET_ANALYTICS = {
    "callsStatusOverview": OVERVIEW,
    "callsSentimentOverview": dict.fromkeys(MOODS, int),
    "callsStatusTimeLine": NONE_YET,
    "callsAverageTimeLine": NONE_YET,
    "callsCostTimeLine": NONE_YET,
    "callsPickupRateTimeLine": NONE_YET,
    "callsSuccessRateTimeLine": NONE_YET,
    "callLabelCount": NONE_YET,
    "callEventsCounts": dict.fromkeys(EVENTS, int),
    "callsByHourDayOfWeeks": NONE_YET,
}
ANALYTICS = {
    **QUIET_ANALYTICS,
    "callsStatusTimeLine": [{"date": MOMENT, **OVERVIEW}],
    "callsAverageTimeLine": [{"date": MOMENT, "averageCallDuration": Real}],
    "callsCostTimeLine": [
        {"date": MOMENT, "totalPrice": Real, "averageCostPerCall": Real}
    ],
    "callsPickupRateTimeLine": [{"date": MOMENT, "pickupRatePercentage": Real}],
    "callsSuccessRateTimeLine": [{"date": MOMENT, "successRatePercentage": Real}],
    "callLabelCount": [{"id": str, "name": str, "color": str, "count": int}],
    "callsByHourDayOfWeeks": [{"hourOfDay": int, "dayOfWeek": int, "count": int}],
}

OUTBOUND_SETTINGS = {
    "phoneNumberId": TEXT,
    "totalAgents": int,
    "recordingTrack": int,
    "isStopRecordingAfterTransferCall": (bool, None),
    "transcriptOptions": int,
    "budgetTotal": COUNT,
    "timeZone": TEXT,
    "maximumCallAttempts": int,
    "minimumRetryIntervalHours": int,
    "ringDuration": int,
    "callTimeout": int,
    "voiceMail": str,
    "callingHours": list,
    "callWebhookUrl": TEXT,
    "leadWebhookUrl": TEXT,
}
SETTINGS = {
    "name": str,
    "type": int,
    "agentType": int,
    "pearl": None,
    "variables": None,
    "inbound": None,
    "outbound": OUTBOUND_SETTINGS,
}

PROBLEM = {
    "type": TEXT,
    "title": TEXT,
    "status": int,
    "detail": TEXT,
    "instance": TEXT,
    "errors": dict,
}


def page(*items):
    """A page of a search (1.9): of these items, or of none."""
    return {"count": int, "results": list(items) or NONE_YET}


def misfit(value, shape, path="answer"):
    """Where `value` is not as told, or None."""
    wrong = f"{path}: {value!r} is not {shape!r}"
    if shape is NONE_YET:
        return None if value == [] else wrong
    if isinstance(shape, dict):
        return _misfit_object(value, shape, path)
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return wrong
        found = (misfit(one, shape[0], f"{path}[{i}]") for i, one in enumerate(value))
        return next(filter(None, found), None)
    if isinstance(shape, tuple):
        return wrong if all(misfit(value, one) for one in shape) else None
    return None if _fits(value, shape) else wrong


def _misfit_object(value, shape, path):
    if not isinstance(value, dict):
        return f"{path}: {value!r} is no object"
    if value.keys() != shape.keys():
        return f"{path}: keys {sorted(value.keys() ^ shape.keys())} differ"
    found = (misfit(value[key], kind, f"{path}.{key}") for key, kind in shape.items())
    return next(filter(None, found), None)


def _fits(value, shape):
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if shape in (int, Real) and isinstance(value, bool):
        return False
    if isinstance(shape, type):
        return isinstance(value, shape)
    return value == shape and type(value) is type(shape)
