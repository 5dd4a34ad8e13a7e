"""A request below /scim, and what is kept with it from its middleware to its view."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest

from accounts.tokens import TokenRefused
from scim.protocol.representation import Projection
from scim.repository.base import Query, Source
from tenants.backend.statements import Hot
from tenants.current import TenantRequest


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list that is asked for; the place of a cursor is not in the query yet."""

    parameters: Mapping[str, Any]
    projection: Projection
    query: Query
    sources: Sequence[Source]
    look_up: Hot | None = None  # the statement, if it is known


class ScimRequest(TenantRequest):
    """A request that scim.api.foresight has received."""

    endpoint: tuple[Callable[..., Any], dict[str, Any]]  # the view and its arguments
    token_digest: bytes  # of the tenant's id, too; b"" without a token
    list_request: ListRequest | None  # that was read to foresee its statement
    refusal: TokenRefused | None  # of its token
    fetched: bytes | None  # the body, if it has come before the transaction
    parsed: tuple[Any] | None  # the body, as a request that begins again cannot be read again
    is_counted: bool  # as a use of its token


def scim_request(request: HttpRequest) -> ScimRequest:
    """The request as what it is below /scim."""
    return cast("ScimRequest", request)


def receive(request: HttpRequest, endpoint: tuple[Callable[..., Any], dict[str, Any]]) -> None:
    """Have a request be one below /scim of which nothing is known but its endpoint."""
    known = scim_request(request)
    known.endpoint, known.token_digest = endpoint, b""
    known.list_request = known.refusal = known.fetched = known.parsed = None
    known.is_counted = False
