"""scim2-server with its storage in memory, in one process: `make bench ARGS=--peers`.

`/bench/keep` remembers the users that are there, `/bench/reset` goes back to them.
"""

import os
from collections.abc import Iterable
from typing import Any, Final

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

_provider: Final = ScimProvider.from_discovery(
    load_default_schemas().values(),
    load_default_resource_types().values(),
    config=load_default_service_provider_config(),
)
_storage: Final = InMemoryStorage()
_served: Final = BearerTokenApplication(
    _storage,
    _provider,
    service=ScimService(_provider, secret="a secret of cursors"),
    bearer_tokens=[os.environ["PEER_TOKEN"]],
)
_kept: list[Any] = []


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request (PEP 3333)."""
    match environ["PATH_INFO"]:
        case "/bench/keep":
            _kept[:] = [resource.model_copy(deep=True) for resource in _storage.resources]
        case "/bench/reset":
            _storage.resources = [resource.model_copy(deep=True) for resource in _kept]
        case _:
            served: Iterable[bytes] = _served(environ, start_response)
            return served
    start_response("204 No Content", [])
    return ()
