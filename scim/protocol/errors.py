"""Every way a SCIM request can fail here (RFC 7644 §3.12): one tree, leaves named like the scimTypes.

    ScimError
    ├── BadRequest 400
    │   ├── InvalidFilter · InvalidPath · InvalidSyntax · InvalidValue
    │   ├── InvalidCursor · ExpiredCursor · InvalidCount (RFC 9865 §2.1)
    │   └── Mutability · NoTarget · TooMany
    ├── Unauthorized 401
    ├── Forbidden 403
    │   └── InsufficientScope
    ├── NotFound 404
    ├── MethodNotAllowed 405
    ├── Conflict 409
    │   └── Uniqueness
    ├── PreconditionFailed 412
    ├── ContentTooLarge 413
    ├── UnsupportedMediaType 415
    │   └── UnsupportedCoding
    ├── TooManyRequests 429
    │   └── Held
    ├── InternalError 500
    ├── NotImplementedYet 501
    └── ServiceUnavailable 503

A `detail` is read by an IT administrator in Entra's provisioning logs: it names the attribute and
what to do, and holds no SQL, no token and nothing of another tenant. A `reason` is the id of a row in
the catalogue of refusals (scim.refusals), which explains it; the provisioning log keeps both.
"""

from typing import ClassVar


class ScimError(Exception):
    """A refused request: HTTP status, scimType (None where the RFC has no word), reason and detail."""

    status: ClassVar[int] = 500
    scim_type: ClassVar[str | None] = None

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class BadRequest(ScimError):
    status = 400


class InvalidFilter(BadRequest):
    """The filter cannot be parsed, or compares an attribute in a way it does not support."""

    scim_type = "invalidFilter"


class InvalidPath(BadRequest):
    """The path of a PATCH operation cannot be parsed or names no attribute."""

    scim_type = "invalidPath"


class InvalidSyntax(BadRequest):
    """The body is not JSON, or not the message that the endpoint takes."""

    scim_type = "invalidSyntax"


class InvalidValue(BadRequest):
    """A required value is missing, or a value does not fit its attribute."""

    scim_type = "invalidValue"


class InvalidCursor(BadRequest):
    """The cursor is none of ours, or belongs to another query, tenant or token (RFC 9865 §2.1)."""

    scim_type = "invalidCursor"


class ExpiredCursor(BadRequest):
    """The client waited longer than the announced cursorTimeout (RFC 9865 §2.1)."""

    scim_type = "expiredCursor"


class InvalidCount(BadRequest):
    """With a cursor: beyond maxPageSize, or another count than that of the first page."""

    scim_type = "invalidCount"


class Mutability(BadRequest):
    """The change would alter an attribute that clients may not write."""

    scim_type = "mutability"


class NoTarget(BadRequest):
    """The path of a PATCH operation matches nothing that could be changed."""

    scim_type = "noTarget"


class TooMany(BadRequest):
    """The list takes more than the server is willing to calculate (RFC 7644 §3.12)."""

    scim_type = "tooMany"


class Unauthorized(ScimError):
    """No credential, or one that is not accepted; answered with WWW-Authenticate (RFC 6750 §3)."""

    status = 401


class Forbidden(ScimError):
    status = 403


class InsufficientScope(Forbidden):
    """The access token does not reach as far as the request (RFC 6750 §3.1)."""

    def __init__(self, reason: str, detail: str, scope: str) -> None:
        super().__init__(reason, detail)
        self.scope = scope  # the one that would do


class NotFound(ScimError):
    status = 404


class MethodNotAllowed(ScimError):
    status = 405


class Conflict(ScimError):
    status = 409


class Uniqueness(Conflict):
    """Another resource already has the value of a unique attribute."""

    scim_type = "uniqueness"


class PreconditionFailed(ScimError):
    """The resource's version is not the one that If-Match or If-None-Match asks for."""

    status = 412


class ContentTooLarge(ScimError):
    status = 413


class UnsupportedMediaType(ScimError):
    status = 415


class UnsupportedCoding(UnsupportedMediaType):
    """The body is compressed; answered with Accept-Encoding (RFC 9110 §15.5.16)."""


class InternalError(ScimError):
    status = 500


class NotImplementedYet(ScimError):
    status = 501


class ServiceUnavailable(ScimError):
    status = 503


class TooManyRequests(ScimError):
    """RFC 6585 §4; `seconds` say when to try again."""

    status = 429

    def __init__(self, reason: str, detail: str, seconds: int) -> None:
        super().__init__(reason, detail)
        self.seconds = seconds


class Held(TooManyRequests):
    """A change that waits until somebody has reviewed others before it."""
