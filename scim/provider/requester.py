"""The requester: what the service provider needs to know about a request."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Requester:
    """One authenticated request.

    `tenant_url` is the SCIM base that locations start with. `started` is time.perf_counter() when
    the request arrived. `token_label` names the secret token for people: label and public id.
    `account_email` is that of the account which answers for the token.
    """

    tenant_url: str
    request_id: str
    method: str
    path: str
    started: float
    address: str | None = None
    user_agent: str = ""
    token_id: UUID | None = None
    token_label: str = ""
    account_email: str = field(default="", repr=False)
