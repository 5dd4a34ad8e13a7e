"""The parts of operations: parameters, bodies, answers, errors."""

from collections.abc import Mapping
from typing import Any, Final

from scim.protocol.discovery import Capabilities
from tests.support.openapi import schemas
from tests.support.openapi.schemas import JsonSchema, reference

SCIM: Final = "application/scim+json"
JSON: Final = "application/json"

PROJECTION: Final = ("attributes", "excludedAttributes")
CONDITIONS: Final = ("If-Match", "If-None-Match")
PAGE: Final = ("sortBy", "sortOrder", "startIndex", "count", "cursor")

_STRING: Final[JsonSchema] = {"type": "string"}
_TAG: Final[JsonSchema] = {**_STRING, "pattern": '^W/"[0-9]+"$'}
_EVERYWHERE: Final = ("Cache-Control", "Request-Id")
_HEADERS: Final[Mapping[str, JsonSchema]] = {
    "Cache-Control": {"const": "no-store"},
    "Request-Id": _STRING,
    "ETag": _TAG,
    "Location": _STRING,
    "WWW-Authenticate": _STRING,
    "Retry-After": _STRING,
}
# The meaning of each status of an error, and the header that comes with it.
_ERRORS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "400": ("The request is refused; `scimType` says in which respect.", ()),
    "401": ("No token, or one that is not accepted; `detail` says why.", ("WWW-Authenticate",)),
    "403": ("The token's account or scope does not reach as far, or discovery is filtered.", ()),
    "404": ("There is no such resource.", ()),
    "409": ("Another resource has the value of a unique attribute.", ()),
    "412": ("The resource is at another version than the header asks for.", ()),
    "413": ("The body is too large, or has too many operations.", ()),
    "415": ("The body is of another media type.", ()),
    "429": (
        (
            "The tenant exceeds its limit of requests, the address its limit of failed authentications, or the"
            " guard delays deactivations."
        ),
        ("Retry-After",),
    ),
    "500": ("An unexpected error; `detail` has the request id.", ()),
    "501": ("`/Me` needs exactly one user who stands for the token's account.", ()),
    "503": ("The service is busy; repeat the request later.", ("Retry-After",)),
}


def components(capabilities: Capabilities) -> dict[str, Any]:
    """The parameters, headers and errors that operations refer to."""
    return {
        "responses": {f"Error{status}": _error(status) for status in _ERRORS},
        "parameters": _parameters(capabilities),
        "headers": {name: {"required": True, "schema": each} for name, each in _HEADERS.items()},
    }


def parameter(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/parameters/{name}"}


def refusal(status: str) -> dict[str, Any]:
    return {"$ref": f"#/components/responses/Error{status}"}


def query(name: str, schema: JsonSchema, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def in_path(schema: JsonSchema) -> dict[str, Any]:
    return {"name": "id", "in": "path", "required": True, "schema": schema}


def body(schema: str, samples: Mapping[str, Any]) -> dict[str, Any]:
    """A body of that schema under both names of SCIM's JSON, with samples under its own."""
    content: dict[str, Any] = {"schema": reference(schema)}
    shown = content | ({"examples": dict(samples)} if samples else {})
    return {"required": True, "content": {SCIM: shown, JSON: content}}


def answer(description: str, schema: JsonSchema, *headers: str) -> dict[str, Any]:
    return {**empty(description, *headers), "content": {SCIM: {"schema": schema}}}


def empty(description: str, *headers: str) -> dict[str, Any]:
    """An answer without a body."""
    names = (*_EVERYWHERE, *headers)
    shown = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": description, "headers": shown}


def _error(status: str) -> dict[str, Any]:
    description, headers = _ERRORS[status]
    made = answer(description, schemas.error(int(status)), *headers)
    if int(status) >= 500:  # may be said before any endpoint is reached
        del made["headers"]["Cache-Control"]
    return made


def _parameters(capabilities: Capabilities) -> dict[str, Any]:
    integer: JsonSchema = {"type": "integer"}
    largest, usual = capabilities.max_page, capabilities.default_page
    hours = capabilities.cursor_timeout // 3600
    names = {"type": "array", "items": _STRING}
    described = [
        query("filter", _STRING, "An expression (RFC 7644 §3.4.2.2)."),
        query("sortBy", _STRING, "An attribute, or a sub-attribute behind a dot."),
        query("sortOrder", {"enum": ["ascending", "descending"]}, "Ascending by default."),
        query("startIndex", integer, "The first resource, counted from 1."),
        query("count", integer, f"Resources on a page, {usual} by default, {largest} at most."),
        query(
            "cursor",
            _STRING,
            f"Empty for the first page, then what `nextCursor` says; serves for {hours} h.",
        ),
        *(
            {**query(name, names, description), "style": "form", "explode": False}
            for name, description in (
                ("attributes", "What to return, beside what always is."),
                ("excludedAttributes", "What to leave out; not together with `attributes`."),
            )
        ),
        *(
            {
                "name": name,
                "in": "header",
                "description": "Entity tags, or `*`.",
                "schema": {**_STRING, "examples": ['W/"1"']},
            }
            for name in CONDITIONS
        ),
    ]
    return {each["name"]: each for each in described}
