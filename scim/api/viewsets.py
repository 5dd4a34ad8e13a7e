"""The endpoints of resource types, /Me and /Bulk (RFC 7644 §3.3-3.7, §3.11): HTTP in, one call of the
provider, HTTP out.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from scim.api.bodies import BulkParser, fetch
from scim.api.log import log_read
from scim.api.queries import (
    is_usual,
    list_response_of,
    read_list_request,
    read_parameters,
    without_cursor,
)
from scim.api.renderers import ScimResponse, put_headers
from scim.api.requests import ListRequest, ScimRequest
from scim.api.views import ScimView
from scim.protocol.bulk import bulk_response, read_request
from scim.protocol.errors import NotImplementedYet, ScimError, ServiceUnavailable, TooMany
from scim.protocol.filters import And, AttributePath, Comparison, Filter, Operator, Or, ValuePath
from scim.protocol.messages import MEDIA_TYPE
from scim.protocol.representation import (
    Precondition,
    Projection,
    Stored,
    entity_tag,
    location,
    project,
    relations_shown,
    represent,
)
from scim.protocol.schema import Relation, ResourceType
from scim.protocol.text import read_id
from scim.provider import bulk, catalog, resources
from scim.provider.catalog import CAPABILITIES, resource_types
from scim.provider.parameters import read_projection, read_search
from scim.provider.resources import Existing
from scim.repository.base import Loading, Lock, Query, Source
from tenants.backend.statements import Foreseen, reading
from tenants.current import current_tenant
from tenants.yielding import computing

# A removal is answered without a body.
NOTHING_RELATED = Projection(attributes=())
_READS: Final = frozenset({"GET", "HEAD"})
# For what the methods lock the resource that they change.
_LOCKS: Final = {"PATCH": Lock.CHANGE, "PUT": Lock.CHANGE, "DELETE": Lock.REMOVE}
_HAS_CONDITION: Final = "HTTP_IF_NONE_MATCH"  # with which nothing that is related is loaded

_POST: Final = "/Me does not create users; POST to /Users."
_NOBODY: Final = (
    "/Me needs exactly one provisioned user whose userName or work e-mail is the e-mail address of"
    " the account that the secret token was issued for; there is {number}."
)
_LATE: Final = "The user of the secret token was not found in time; repeat the request later."


class ResourceViewSet(ViewSetMixin, ScimView):
    """One resource type's collection and its members; `resource_type` says which.

    The handlers have the operations' names, by which the log calls them too; `delete` would be taken
    for the method of HTTP, so scim.api.urls says for each path which methods there are.
    It is the built-in type until the tenant is known to have asked, then the tenant's own.
    """

    resource_type: ResourceType

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.resource_type = catalog.resource_type(current_tenant(), self.resource_type.name)

    @staticmethod
    def foreseen(request: ScimRequest, name: str, identifier: str | None = None) -> Foreseen | None:
        """The first statement of a GET or a change, None if its URL does not tell. Asks nothing."""
        known = (each for each in catalog.remembered(request.tenant) if each.name == name)
        resource_type = next(known, None)
        lock = _LOCKS.get(request.method or "")
        if resource_type is None or (lock is None and request.method not in _READS):
            return None
        if identifier is None:
            return None if lock else _foreseen_look_up(request, resource_type)
        parsed = read_id(identifier)
        if parsed is None or request.META.get("QUERY_STRING") or _HAS_CONDITION in request.META:
            return None
        projection = NOTHING_RELATED if lock is Lock.REMOVE else Projection()
        relations = relations_shown(resource_type, projection)
        loading = Loading(request.tenant.tenant_url, relations)
        if lock is None:
            return reading(resources.finding(parsed, loading))
        if lock is Lock.CHANGE and request.fetched is None:
            request.fetched = fetch(request)
            if request.fetched is None:  # no row is locked while a client takes its time
                return None
        return resources.locking(parsed, loading, lock)

    @property
    def operation(self) -> str:  # type: ignore[override]  # follows from the request here
        action = self.action or (self.http_request.method or "").lower()
        return "query" if action == "search" else action

    def query(self, request: Request) -> Response:
        asked = self.http_request.list_request  # it was foreseen
        parameters = asked.parameters if asked else read_parameters(self.http_request)
        self.sent = without_cursor(parameters) or None
        return self._page(asked or self._asked(parameters))

    def search(self, request: Request) -> Response:
        """A query whose parameters stand in the body (RFC 7644 §3.4.3)."""
        parameters = read_search(self.read_body())
        self.sent = without_cursor(self.sent)
        return self._page(self._asked(parameters))

    def create(self, request: Request) -> Response:
        projection = read_projection(read_parameters(self.http_request))
        stored = resources.create(self.resource_type, self.read_body(), self.authenticated())
        return self._answer(self._with_members(stored, projection), projection, status=201)

    def retrieve(self, request: Request, identifier: str) -> Response:
        projection = read_projection(read_parameters(self.http_request))
        precondition, loading = self._precondition(), self._loading(projection)
        # A condition is answered before any member is read.
        is_asked = precondition.if_none_match and self._owned(projection)
        first = Loading(loading.tenant_url) if is_asked else loading
        stored = resources.retrieve(self.resource_type, identifier, first)
        unchanged = precondition.is_not_modified(stored.version) and not self._has_news(
            stored, projection
        )
        if not unchanged and first is not loading:
            stored = resources.retrieve(self.resource_type, identifier, loading)
        log_read(self.http_request, self, 304 if unchanged else 200)
        if unchanged:
            return ScimResponse(status=304, headers={"ETag": entity_tag(stored.version)})
        return self._answer(stored, projection)

    def replace(self, request: Request, identifier: str) -> Response:
        projection = read_projection(read_parameters(self.http_request))
        existing = self._existing(identifier, projection)
        stored = resources.replace(existing, self.read_body(), self.authenticated())
        return self._answer(self._with_members(stored, projection), projection)

    def modify(self, request: Request, identifier: str) -> Response:
        """The resource, or 204 where nobody asked to be shown its members (RFC 7644 §3.5.2)."""
        projection = read_projection(read_parameters(self.http_request))
        existing = self._existing(identifier, projection)
        stored = resources.modify(existing, self.read_body(), self.authenticated())
        if self._owned(projection) and not self._is_wanted(stored, projection):
            return ScimResponse(status=204, headers={"ETag": entity_tag(stored.version)})
        return self._answer(self._with_members(stored, projection), projection)

    def delete(self, request: Request, identifier: str) -> Response:
        resources.delete(self._existing(identifier, NOTHING_RELATED), self.authenticated())
        return ScimResponse(status=204)

    def _asked(self, parameters: Mapping[str, Any]) -> ListRequest:
        return read_list_request((self.resource_type,), parameters, self.authenticated().tenant_url)

    def _page(self, asked: ListRequest) -> Response:
        body = list_response_of(asked, self.authenticated())
        log_read(self.http_request, self, 200)
        return ScimResponse(body)

    def _existing(self, identifier: str, projection: Projection) -> Existing:
        loading = self._loading(projection)
        return Existing(self.resource_type, identifier, loading, self._precondition())

    def _loading(self, projection: Projection) -> Loading:
        relations = relations_shown(self.resource_type, projection)
        return Loading(self.authenticated().tenant_url, relations)

    def _owned(self, projection: Projection) -> bool:
        """True if the answer shows members."""
        shown = relations_shown(self.resource_type, projection)
        return any(each.relation is Relation.MEMBERS for each in shown)

    def _has_news(self, stored: Stored, projection: Projection) -> bool:
        """True if the answer may show what the version does not count: members who were deleted since, or
        the groups of a user (decision 0146).
        """
        if self._owned(projection):
            return resources.has_moved_members(stored)
        return any(stored.related.values())

    def _is_wanted(self, stored: Stored, projection: Projection) -> bool:
        """True if a change is answered with the members: when the client names them, or names
        SCIM's media type and they are few.
        """
        if projection.attributes is not None:
            return True
        accepted = self.http_request.META.get("HTTP_ACCEPT", "").lower()
        return MEDIA_TYPE in accepted and resources.is_small(stored)

    def _with_members(self, stored: Stored, projection: Projection) -> Stored:
        """The resource with its members, which a change does not load, if they are shown."""
        if not self._owned(projection):
            return stored
        return resources.retrieve(self.resource_type, str(stored.id), self._loading(projection))

    def _precondition(self) -> Precondition:
        meta = self.http_request.META  # Django's `headers` reads all of them for one
        return Precondition(meta.get("HTTP_IF_MATCH"), meta.get("HTTP_IF_NONE_MATCH"))

    def _represent(self, stored: Stored, projection: Projection) -> dict[str, Any]:
        whole = represent(self.resource_type, stored, self.authenticated().tenant_url)
        return project(self.resource_type, whole, projection)

    def _answer(self, stored: Stored, projection: Projection, status: int = 200) -> Response:
        tenant_url = self.authenticated().tenant_url
        response = ScimResponse(self._represent(stored, projection), status=status)
        place = location(self.resource_type, stored.id, tenant_url)
        put_headers(response, ("ETag", entity_tag(stored.version)), ("Location", place))
        return response


def _foreseen_look_up(request: ScimRequest, resource_type: ResourceType) -> Foreseen | None:
    """The statement of a look-up by one value, for which what the URL asks for is read once."""
    raw = request.META.get("QUERY_STRING", "")
    if "filter" not in raw or not is_usual(raw):
        return None
    try:
        asked = read_list_request(
            (resource_type,), read_parameters(request), request.tenant.tenant_url
        )
        look_up = resources.looking_up(asked.sources, asked.query)
    except ScimError:  # which the handler will meet, too
        return None
    request.list_request = replace(asked, look_up=look_up)
    return reading(look_up) if look_up else None


class MeViewSet(ResourceViewSet):
    """The operations of a member, on the requester's own user; Location names the user itself.

    It is the one user of the tenant, active or not, whose userName or work e-mail is the e-mail address of
    the account that the secret token was issued for, in any letter case. A disabled user counts: the token
    says who asks, and `active` is then only one of the things to read or write. Two such users are none,
    since a guess could change the wrong person.
    """

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the user of the request, before the handler is called with it. Raises NotImplementedYet,
        ServiceUnavailable.
        """
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            raise NotImplementedYet("me.create", _POST)
        self.kwargs["identifier"] = self._own_id()  # the handler's keyword arguments themselves

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        identifier = self.kwargs.get("identifier")
        if identifier is not None:
            tenant_url = self.authenticated().tenant_url
            answer["Location"] = location(self.resource_type, identifier, tenant_url)
        return answer

    def _own_id(self) -> str:
        email = self.verified.account_email if self.verified else ""
        source = Source(self.resource_type, Loading(self.authenticated().tenant_url))
        query = Query(filter=_is_person(email), count=2)
        try:
            found = resources.query([source], query).items if email else ()
        except TooMany:  # the query is ours: no advice helps the client
            raise ServiceUnavailable("server.busy", _LATE) from None
        if len(found) != 1:
            raise NotImplementedYet(
                "me.nobody", _NOBODY.format(number="more than one" if found else "none")
            )
        return str(found[0].stored.id)


def _is_person(email: str) -> Filter:
    """`userName eq "…" or emails[type eq "work" and value eq "…"]`; an index answers each."""

    def equals(name: str, value: str) -> Comparison:
        return Comparison(AttributePath(name), Operator.EQ, value)

    work = And((equals("type", "work"), equals("value", email)))
    return Or((equals("userName", email), ValuePath(AttributePath("emails"), work)))


class BulkView(ScimView):
    """Executes the operations; the answer is 200 whatever became of each of them."""

    operation = "bulk"
    parser_classes = [BulkParser]

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        with computing():
            return super().dispatch(*args, **kwargs)

    def post(self, request: Request) -> Response:
        types = resource_types(current_tenant())
        asked = read_request(self.read_body(), types, CAPABILITIES.max_operations)
        self.results = bulk.perform(asked, self.authenticated())
        return ScimResponse(bulk_response(self.results))
