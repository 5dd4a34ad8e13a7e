"""Users of a file, created by the rules of POST (RFC 7644 §3.3).

A piece of the file is one transaction. Its users are written at once; if one of them is refused, that is
undone and each is created alone, as in a bulk request (decision 0010). History, log and event streams tell of
each user, and the log of each refusal. The request id of a piece names the file's content and the piece's
first line, so that a later run finds in the log that it was done.
"""

from dataclasses import dataclass

from django.db import Error

from scim.importing import files
from scim.importing.files import Line, Piece
from scim.models import ProvisioningEvent
from scim.protocol import urns
from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType
from scim.provider import catalog, provisioning_log, resources
from scim.provider.features import observers
from scim.provider.observers import Watches
from scim.provider.provisioning_log import Call
from scim.provider.requester import Requester
from scim.provider.resources import Creation
from scim.repository.base import Operation
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Run:
    """An import: by whom, into which tenant, of the file with that digest.

    One that `resumes` passes over the pieces that an earlier run of the same file has done.
    """

    tenant: Tenant
    name: str
    digest: str
    resumes: bool = False

    def requester(self, piece: Piece) -> Requester:
        request_id = f"import-{self.digest}-{piece.lines[0].number}"
        return Requester(self.tenant.tenant_url, request_id, name=self.name)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line whose user was refused, and the sentence that says why."""

    number: int
    said: str


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a piece. One that failed is undone, for a reason that is not the file's: the kind of an
    error, without any value.
    """

    created: int = 0
    refused: tuple[Refusal, ...] = ()
    passed_over: int = 0
    failure: str = ""


def user_type(tenant: Tenant) -> ResourceType:
    """The resource type of users, with the tenant's own schemas."""
    with in_tenant(tenant):
        return catalog.resource_type(tenant, urns.USER_TYPE)


def create(run: Run, piece: Piece) -> Done:
    """Create the users of the piece in one transaction; raises nothing that another process cannot."""
    try:
        with in_tenant(run.tenant):
            return create_in_transaction(run, piece)
    except Error as error:
        return Done(failure=type(error.__cause__ or error).__name__)


def create_in_transaction(run: Run, piece: Piece) -> Done:
    """Create the users of the piece, each that is not refused. Raises Error of the database."""
    requester = run.requester(piece)
    if run.resumes and _is_done(requester):
        return Done(passed_over=len(piece.lines))
    users = catalog.resource_type(run.tenant, urns.USER_TYPE)
    watches = Watches(observers(), len(piece.lines))
    refused: tuple[Refusal, ...] = ()
    try:
        with watches.savepoint():
            creations = [
                Creation(
                    users, clock.new_id(clock.now()), files.body(users, each, piece), requester
                )
                for each in piece.lines
            ]
            resources.create_all(creations, watches)
    except ScimError:
        alone = (_create_alone(users, each, piece, requester, watches) for each in piece.lines)
        refused = tuple(each for each in alone if each is not None)
    watches.finish()
    return Done(len(piece.lines) - len(refused), refused)


def _is_done(requester: Requester) -> bool:
    return ProvisioningEvent.objects.filter(request_id=requester.request_id).exists()


def _create_alone(
    users: ResourceType, line: Line, piece: Piece, requester: Requester, watches: Watches
) -> Refusal | None:
    sent = files.sent(line, piece)
    try:
        with watches.savepoint():
            sent = files.body(users, line, piece)
            resources.create(users, sent, requester, watches=watches)
    except ScimError as error:
        call = Call(requester, Operation.CREATE, users, sent=sent)
        provisioning_log.record(provisioning_log.refused(call, error))
        kind = f"{error.status} {error.scim_type or ''}".rstrip()
        return Refusal(line.number, f"{kind}: {error.detail}")
    return None
