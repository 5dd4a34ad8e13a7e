"""Users from a file, one SCIM user in JSON a line, created by the rules of POST (RFC 7644 §3.3).

A piece of the file is one transaction. Its users are written at once; if one of them is refused, that is
undone and each is created alone, as in a bulk request (decision 0010). History, log and event streams tell of
each user, and the log of each refusal.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any, Final

from scim.api import bodies
from scim.protocol import urns
from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType
from scim.provider import catalog, provisioning_log, resources
from scim.provider.catalog import CAPABILITIES
from scim.provider.features import observers
from scim.provider.observers import Watches
from scim.provider.provisioning_log import Call
from scim.provider.requester import Requester
from scim.provider.resources import Creation
from scim.repository.base import Operation
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Tenant

PIECE: Final = 100  # users a transaction


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file that is not blank."""

    number: int  # from 1
    content: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A line whose user was refused, and why."""

    line: Line
    error: ScimError


def pieces(file: Iterable[bytes], start: int = 1) -> Iterator[list[Line]]:
    """The lines of the file from that number on, a transaction's worth each."""
    numbered = (Line(number, content.strip()) for number, content in enumerate(file, 1))
    lines = (line for line in numbered if line.number >= start and line.content)
    while piece := list(islice(lines, PIECE)):
        yield piece


def create(tenant: Tenant, piece: Sequence[Line], requester: Requester) -> list[Refused]:
    """Create the users of the lines in one transaction; return the lines that were refused."""
    with in_tenant(tenant):
        user_type = catalog.resource_type(tenant, urns.USER_TYPE)
        watches = Watches(observers(), len(piece))
        try:
            with watches.savepoint():
                creations = [_creation(user_type, line, requester) for line in piece]
                resources.create_all(creations, watches)
            refused = []
        except ScimError:
            alone = (_create_alone(user_type, line, requester, watches) for line in piece)
            refused = [each for each in alone if each is not None]
        watches.finish()
        return refused


def _creation(user_type: ResourceType, line: Line, requester: Requester) -> Creation:
    return Creation(user_type, clock.new_id(clock.now()), _read(line), requester)


def _create_alone(
    user_type: ResourceType, line: Line, requester: Requester, watches: Watches
) -> Refused | None:
    sent = None
    try:
        with watches.savepoint():
            sent = _read(line)
            resources.create(user_type, sent, requester, watches=watches)
    except ScimError as error:
        call = Call(requester, Operation.CREATE, user_type, sent=sent)
        provisioning_log.record(provisioning_log.refused(call, error))
        return Refused(line, error)
    return None


def _read(line: Line) -> Any:
    """The JSON of the line, read as the body of a request. Raises ContentTooLarge, InvalidSyntax."""
    return bodies.parse(bodies.read(BytesIO(line.content), {}, CAPABILITIES.max_body))
