"""What Pearl reports, as it writes it; the people are invented."""

from __future__ import annotations

import json

from calls.pearl import parse_webhook

CALL = "68d2f0ad8a2fc8e5ce030042"
REQUEST = "68d2f0a1b2c3d4e5f6a70001"
LEAD = "68d2f1000000000000000001"

# Invented after pearl-api.md 8.2 to 8.4.
START = {
    "id": CALL,
    "pearlId": "66f0aaaabbbbccccdddd0001",
    "startTime": "2025-09-23T15:42:21.100Z",
    "conversationStatus": 40,
    "status": 3,
    "from": "910000",
    "to": "+34600000001",
    "name": "Prueba Uno",
    "duration": 0,
    "recording": None,
    "transcript": None,
    "summary": None,
    "collectedInfo": [],
    "tags": [],
    "isCallTransferred": False,
    "overallSentiment": None,
    "leadId": None,
}

END = {
    **START,
    "conversationStatus": 100,
    "status": 4,
    "duration": 99,
    "recording": "https://api.nlpearl.ai/v2/Recording/a/b/c",
    "transcript": [
        {"role": 2, "content": "Buenas tardes.", "startTime": 400, "endTime": 2900},
        {"role": 3, "content": "Sí, soy yo.", "startTime": 3300, "endTime": 4200},
    ],
    "summary": "La persona acepta la cita.",
    "collectedInfo": [
        {"id": "firstName", "name": "First Name", "value": "Prueba"},
        {"id": "fechaDeseada", "name": "Fecha", "value": "25-09-2025"},
        {"id": "ttAttemptId", "name": "Marca", "value": "01J9ZK7P5V8Q"},
    ],
    "tags": ["cita"],
    "overallSentiment": 4,
}

# The same call as version 1 writes it: capitals, aliases.
END_V1 = {
    "CallId": CALL,
    "PearlId": "66f0aaaabbbbccccdddd0001",
    "Created": "2025-09-23T15:42:21.1Z",
    "ConversationStatus": "Success",
    "Status": "completed",
    "FromNumber": "910000",
    "ToNumber": "+34600000001",
    "Name": "Prueba Uno",
    "Duration": 99,
    "RecordingUrl": {"Url": "https://api.nlpearl.ai/v2/Recording/a/b/c"},
    "Transcript": [
        {"Role": 2, "Text": "Buenas tardes.", "StartTime": 400, "EndTime": 2900},
        {"Role": 3, "Text": "Sí, soy yo.", "StartTime": 3300, "EndTime": 4200},
    ],
    "Summary": "La persona acepta la cita.",
    "AdditionalData": [
        {"Id": "firstName", "Name": "First Name", "Value": "Prueba"},
        {"Id": "fechaDeseada", "Name": "Fecha", "Value": "25-09-2025"},
        {"Id": "ttAttemptId", "Name": "Marca", "Value": "01J9ZK7P5V8Q"},
    ],
    "Tags": ["cita"],
    "IsCallTransferred": False,
    "OverallSentiment": "SlightlyPositive",
    "LeadId": None,
}

LEAD_EVENT = {
    "id": LEAD,
    "pearlId": "66f0aaaabbbbccccdddd0001",
    "externalId": "tt-123-1",
    "phoneNumber": "+34600000001",
    "timeZone": "1",
    "status": 100,
    "created": "2025-09-23T15:40:00.000Z",
    "callsId": [CALL, None, "nonsense"],
    "callData": {"FirstName": "Prueba", "ttAttemptId": "01J9ZK7P5V8Q"},
    "collectedData": {"FechaDeseada": "25-09-2025"},
}


def webhook(event):
    return parse_webhook(json.dumps(event).encode())
