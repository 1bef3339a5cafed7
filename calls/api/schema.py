"""What the API publishes of itself beyond its own types: how each endpoint refuses, and
the headers that programs may send."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI

from calls.api.once import HEADER, LONGEST_KEY, REPLAYED
from calls.api.problems import MEDIA_TYPE, Problem

TAGS = {
    "control": "Start, pause and stop a campaign, and see how it goes.",
    "configuration": "What a campaign may do: hours, retries, pace, test mode.",
    "leads": "The people who may be called.",
    "attempts": "The calls, and what they brought.",
    "suppressions": "The numbers never to be called.",
    "events": "What has changed, told at once.",
}
REFUSALS = {
    400: "The body is no JSON",
    401: "Nobody is known by this session or token",
    403: "This person, or this token, may not",
    404: "There is none",
    409: "Not now; with Retry-After, ask again",
    412: "It has changed since it was read: read it again",
    413: "More than fits into one request",
    422: "Something asked is not valid: `errors` names each field",
    428: "If-Match is missing",
    429: "Too often: wait as Retry-After says",
    502: "Pearl did not answer as it should",
    503: "The database does not answer",
}
SECONDS = {"schema": {"type": "integer"}, "description": "Seconds to wait"}
TAG = {"schema": {"type": "string"}, "description": "Send it back as If-Match"}
SECURITY = {
    "TokenAuth": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key made in Administración → Claves de API.",
    },
    "LoginAuth": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "The session of somebody at a screen; what changes something "
        "needs the header X-CSRFToken, too.",
    },
}
IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Name of one intention, such as a UUID. For 24 hours the same key "
    "with the same request gets the same answer again, and nothing is done twice.",
    "schema": {
        "type": "string",
        "maxLength": LONGEST_KEY,
        "pattern": "^[!-~]{1,100}$",
    },
}


class PublishedApi(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> Any:
        schema = super().get_openapi_schema(**options)
        schema["tags"] = [
            {"name": name, "description": text} for name, text in TAGS.items()
        ]
        parts = schema["components"]
        known = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts["schemas"] |= known.pop("$defs", {}) | {"Problem": known}
        parts["responses"] = {
            f"Refused{status}": _refusal(status) for status in REFUSALS
        }
        parts["securitySchemes"] = SECURITY
        _tagged(schema["paths"])
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                _describe(operation, path=path, method=method)
        return schema


def _tagged(paths: dict[str, Any]) -> None:
    """Of a campaign's configuration, whoever reads or writes it gets the tag."""
    for path, methods in paths.items():
        if "configuration" in path:
            for operation in methods.values():
                operation["responses"][200]["headers"] = {"ETag": TAG}


def _refusal(status: int) -> dict[str, Any]:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    refusal: dict[str, Any] = {
        "description": REFUSALS[status],
        "content": {MEDIA_TYPE: problem},
    }
    if status in (409, 429):
        refusal["headers"] = {"Retry-After": SECONDS}
    return refusal


def _describe(operation: dict[str, Any], *, path: str, method: str) -> None:
    parameters = operation.setdefault("parameters", [])
    responses = operation["responses"]
    if method == "post":
        parameters.append(IDEMPOTENCY_KEY)
        for status, response in responses.items():
            if int(status) < 300:
                response.setdefault("headers", {})[REPLAYED] = {
                    "schema": {"type": "string", "enum": ["true"]},
                    "description": "It is the answer to an earlier request",
                }
    for status in _statuses(operation, path=path, method=method):
        responses[status] = {"$ref": f"#/components/responses/Refused{status}"}


def _statuses(operation: dict[str, Any], *, path: str, method: str) -> list[int]:
    asks_pearl = path.endswith(("/start", "/pearl/campaigns", "/test/connection"))
    never_waits = path.endswith(("/pause", "/stop"))
    of_one_campaign = path.endswith(("/status", "/events", "/test/connection"))
    changes = method != "get"
    said = {
        400: "requestBody" in operation,
        401: True,
        403: True,
        404: changes or "{" in path or of_one_campaign,
        409: changes or of_one_campaign,
        412: method == "put",
        413: "requestBody" in operation,
        422: True,
        428: method == "put",
        429: not never_waits,
        502: asks_pearl,
        503: True,
    }
    return [status for status, is_said in said.items() if is_said]
