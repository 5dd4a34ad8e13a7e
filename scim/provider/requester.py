"""The requester: the facts about a SCIM request, or a person's action, that the provider needs."""

import time
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """The SCIM request with which somebody asks, as the log keeps it."""

    method: str
    path: str
    user_agent: str = ""
    token_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Requester:
    """The author of a request or an action, for the log.

    `tenant_url` is the SCIM base that locations start with. `name` is the secret token's, label and
    public id, or the person's. `started` is time.perf_counter() when the request arrived. `origin` is
    None for an action that is no SCIM request, such as a restoration.
    """

    tenant_url: str
    request_id: str
    origin: Origin | None = None
    name: str = ""
    address: str | None = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def token_id(self) -> UUID | None:
        return self.origin.token_id if self.origin else None
