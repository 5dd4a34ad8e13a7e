"""The names of the users and groups that problems are about, read from the tenant's own schema."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from scim.models import ProvisioningEvent, Resource
from scim.protocol import urns
from scim.refusals import noun_of
from scim.screens.visibility import Sight
from tenants.models import Problem

_NAMING: Final = {urns.USER_TYPE: "userName", urns.GROUP_TYPE: "displayName"}
# The log's words for requests as nouns.


def names_of(problems: Sequence[Problem], sight: Sight) -> Mapping[UUID, str]:
    """The name of each problem's user or group as somebody gets to see it: two statements.

    One who was never created is called as in the last request; a problem about nobody is missing.
    """
    resources = Resource.objects.only("document").in_bulk(
        [each.resource_id for each in problems if each.resource_id]
    )
    unnamed = [each.request_id for each in problems if each.resource_id not in resources]
    events = ProvisioningEvent.objects.filter(request_id__in=unnamed).only("request_id", "sent")
    sent = {event.request_id: event.sent for event in events} if unnamed else {}
    found = {}
    for problem in problems:
        resource = resources.get(problem.resource_id) if problem.resource_id else None
        name = _name(resource.document if resource else sent.get(problem.request_id))
        if name:
            attribute = _NAMING.get(problem.resource_type, "userName")
            found[problem.pk] = str(sight.value(attribute, name, problem.resource_type))
    return found


def title_of(problem: Problem, name: str | None, reason: str) -> str:
    """The problem in a line: "Update of grace@acme.example refused: no work e-mail"."""
    if problem.operation == "query":
        return f"Look-ups of {problem.resource_type.lower() or 'resource'}s refused: {reason}"
    about = name or f"a {problem.resource_type.lower() or 'resource'}"
    return f"{noun_of(problem.operation)} of {about} refused: {reason}"


def _name(document: Any) -> str | None:
    if not isinstance(document, Mapping):
        return None
    lowered = {str(name).lower(): value for name, value in document.items()}
    for attribute in ("displayname", "username"):
        value = lowered.get(attribute)
        if isinstance(value, str) and value:
            return value
    return None
