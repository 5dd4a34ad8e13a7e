"""Endpoints where receivers of events poll and fetch keys (RFC 8936, RFC 7517), in plain JSON."""

from typing import Any, Final

from tests.support.openapi.oauth import JSON, answer
from tests.support.openapi.schemas import JsonSchema

STREAM_SECRET: Final = "streamSecret"  # the name of a scheme
_STRING: Final[JsonSchema] = {"type": "string"}
_NO_STORE: Final = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
_KEY_SET: Final = "application/jwk-set+json"
_DESCRIPTION: Final = """\
What is acknowledged is not sent again; the answer holds the next events, in order for each resource.
It comes at once, with whatever there is."""


def paths() -> dict[str, Any]:
    """The path items by path."""
    return {
        "/scim/events/poll": {"post": _poll()},
        "/scim/jwks.json": {"get": _keys()},
    }


def security_scheme() -> dict[str, Any]:
    """The receiver's credential, which also names its stream."""
    return {
        "type": "http",
        "scheme": "bearer",
        "description": "The secret of one event stream, which opens nothing else.",
    }


def _poll() -> dict[str, Any]:
    challenge = {"WWW-Authenticate": {"required": True, "schema": _STRING}}
    retry = {"Retry-After": {"schema": _STRING}}
    return {
        "operationId": "pollEvents",
        "tags": ["Events"],
        "summary": "Acknowledge security event tokens and get the next ones",
        "description": _DESCRIPTION,
        "security": [{STREAM_SECRET: []}],
        "requestBody": {"required": True, "content": {JSON: {"schema": _wanted()}}},
        "responses": {
            "200": answer("The next tokens.", _tokens(), _NO_STORE),
            "400": answer("The request is not understood.", _refused(), _NO_STORE),
            "401": answer("The secret is of no stream.", _refused(), _NO_STORE | challenge),
            "413": answer("The body is too large.", _refused(), _NO_STORE),
            "503": answer("Tokens cannot be signed now.", _refused(), _NO_STORE | retry),
        },
    }


def _wanted() -> JsonSchema:
    error = {
        "type": "object",
        "required": ["err"],
        "properties": {"err": _STRING, "description": _STRING},
    }
    return {
        "type": "object",
        "properties": {
            "maxEvents": {"type": "integer", "minimum": 0},
            "returnImmediately": {"type": "boolean"},
            "ack": {"type": "array", "items": _STRING},
            "setErrs": {"type": "object", "additionalProperties": error},
        },
    }


def _tokens() -> JsonSchema:
    return {
        "type": "object",
        "required": ["sets"],
        "properties": {
            "sets": {
                "type": "object",
                "description": "Signed tokens (RFC 8417) by their `jti`.",
                "additionalProperties": _STRING,
            },
            "moreAvailable": {"type": "boolean"},
        },
        "additionalProperties": False,
    }


def _refused() -> JsonSchema:
    return {
        "type": "object",
        "required": ["err", "description"],
        "properties": {
            "err": {"enum": ["invalid_request", "authentication_failed", "server_error"]},
            "description": _STRING,
        },
        "additionalProperties": False,
    }


def _keys() -> dict[str, Any]:
    schema: JsonSchema = {
        "type": "object",
        "required": ["keys"],
        "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
        "additionalProperties": False,
    }
    return {
        "operationId": "getKeys",
        "tags": ["Events"],
        "summary": "The public keys that verify the tenant's tokens",
        "security": [],
        "responses": {
            "200": {"description": "A JWK set.", "content": {_KEY_SET: {"schema": schema}}}
        },
    }
