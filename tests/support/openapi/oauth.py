"""The token endpoint and its metadata (RFC 6749 §4.4, §5, RFC 7523, RFC 8414), in plain JSON."""

from typing import Any, Final

from tests.support.openapi.schemas import JsonSchema

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
CLIENT: Final = "clientSecretBasic"
TOKEN_PATH: Final = "/scim/oauth/token"  # a path
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"

_STRING: Final[JsonSchema] = {"type": "string"}
_STRINGS: Final[JsonSchema] = {"type": "array", "items": _STRING}
_NO_STORE: Final = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def paths(scopes: tuple[str, str]) -> dict[str, Any]:
    """The path items by path; `scopes` are those to read and to write."""
    return {
        TOKEN_PATH: {"post": _token(scopes)},
        METADATA_PATH: {"get": _metadata("getMetadata", "the host")},
        f"{METADATA_PATH}/scim": {"get": _metadata("getMetadataOfTenantUrl", "the Tenant URL")},
    }


def _token(scopes: tuple[str, str]) -> dict[str, Any]:
    return {
        "operationId": "issueToken",
        "tags": ["OAuth"],
        "summary": "Exchange a client's credential for an access token",
        "description": "The credential is a client secret in the header or in the form, or a"
        " signed assertion (`private_key_jwt`).",
        "security": [{CLIENT: []}, {}],
        "requestBody": {"required": True, "content": {FORM: _form(scopes)}},
        "responses": {
            "200": answer("The access token.", _issued(), _NO_STORE),
            "400": answer("The request is refused.", _refused(), _NO_STORE),
            "401": answer(
                "The client is not known by its credential.",
                _refused(),
                _NO_STORE | {"WWW-Authenticate": {"required": True, "schema": _STRING}},
            ),
        },
    }


def _form(scopes: tuple[str, str]) -> dict[str, Any]:
    properties: JsonSchema = {
        "grant_type": {"const": "client_credentials"},
        "scope": {**_STRING, "examples": [" ".join(scopes), *scopes]},
        "client_id": _STRING,
        "client_secret": _STRING,
        "client_assertion_type": {"const": _ASSERTION},
        "client_assertion": {**_STRING, "description": "A JSON Web Token (RFC 7523 §2.2)."},
    }
    schema = {"type": "object", "required": ["grant_type"], "properties": properties}
    value = {
        "grant_type": "client_credentials",
        "client_id": "019ab8c4-0000-7000-8000-000000000001",
        "client_secret": "the secret, as it was shown once",
        "scope": " ".join(scopes),
    }
    return {"schema": schema, "examples": {"client_secret_post": {"value": value}}}


def _issued() -> JsonSchema:
    return {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope"],
        "properties": {
            "access_token": _STRING,
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds."},
            "scope": _STRING,
        },
        "additionalProperties": False,
    }


def _refused() -> JsonSchema:
    codes = [
        "invalid_request",
        "invalid_client",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    ]
    return {
        "type": "object",
        "required": ["error", "error_description"],
        "properties": {"error": {"enum": codes}, "error_description": _STRING},
        "additionalProperties": False,
    }


def _metadata(identifier: str, issuer: str) -> dict[str, Any]:
    properties = {
        "issuer": _STRING,
        "token_endpoint": _STRING,
        "token_endpoint_auth_methods_supported": _STRINGS,
        "token_endpoint_auth_signing_alg_values_supported": _STRINGS,
        "grant_types_supported": _STRINGS,
        "response_types_supported": _STRINGS,
        "scopes_supported": _STRINGS,
        "service_documentation": _STRING,
    }
    schema = {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }
    return {
        "operationId": identifier,
        "tags": ["OAuth"],
        "summary": f"Authorization server metadata, with {issuer} as issuer",
        "security": [],
        "responses": {"200": answer("The metadata.", schema, {})},
    }


def answer(description: str, schema: JsonSchema, headers: dict[str, Any]) -> dict[str, Any]:
    """An answer in plain JSON, with the headers that come with it."""
    found: dict[str, Any] = {"description": description, "content": {JSON: {"schema": schema}}}
    return found | ({"headers": headers} if headers else {})
