"""/Me (RFC 7644 §3.11): the user who stands for the account that the secret token was issued for.

It is the one user of the tenant, active or not, whose userName or work e-mail is the account's
e-mail address in any letter case. A disabled user counts: the token says who asks, and `active` is
then only one of the things to read or write. Two such users are none, since a guess could change
the wrong person.
"""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from scim.api.viewsets import ResourceViewSet
from scim.protocol.errors import NotImplementedYet, ServiceUnavailable, TooMany
from scim.protocol.filters import And, AttributePath, Comparison, Filter, Operator, Or, ValuePath
from scim.protocol.representation import location
from scim.provider import resources
from scim.repository.base import Loading, Query, Source

_POST: Final = "/Me does not create users; POST to /Users."
_NOBODY: Final = (
    "/Me needs exactly one provisioned user whose userName or work e-mail is the e-mail address of"
    " the account that the secret token was issued for; there is {number}."
)

_LATE: Final = "The user of the secret token was not found in time; repeat the request later."


class MeViewSet(ResourceViewSet):
    """The operations of a member, on the requester's own user; Location names the user itself."""

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
