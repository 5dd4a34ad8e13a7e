"""The search of the staff site over all tenants: users, requests and credentials, by whole values.

Nothing is looked for while somebody types: rows of tenants are found by the page of results, which the
audit log of staff names with the tenants. What a result leads to is on a visit, where the role decides what
is seen and the tenant's audit log says who looked.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db.models import Value
from django.db.models.functions import Right
from django.http import HttpRequest
from django.urls import NoReverseMatch

from accounts.audit import record
from accounts.console.listing import uuid_in
from accounts.console.searching import Hit, Search
from accounts.console.site import Part
from accounts.links import staff_path, visit_path
from accounts.screens.site import SEE_TENANTS
from accounts.signed_in import actor, may
from scim.finding import index
from scim.models import ProvisioningEvent
from tenants import marks, schemas
from tenants.current import in_tenant
from tenants.models import CREDENTIAL_TAIL, CredentialTraffic, Expiry, Tenant

FOUND: Final = "found across tenants"  # in the audit log
_HINT: Final = (
    "Users of all tenants are found by the complete user name, work e-mail, display name, external ID or id;"
    " requests by their id, secret tokens and clients by their public id. A change is found within a minute."
)
_UNASKED: Final = "Not searched: the tenant's node of the database does not answer"
_TAIL: Final = CREDENTIAL_TAIL - 2  # of a name: the public id in parentheses


class StaffPart(Part):
    """Users, requests and credentials of all tenants."""

    def hits(self, search: Search) -> Iterable[Hit]:
        if search.is_typing or search.only or not search.term:
            return
        if not may(search.request, SEE_TENANTS):
            return
        found = [*_requests(search.term), *_users(search.term), *_credentials(search.term)]
        if found:
            tenants = sorted({tenant.custom_domain for tenant, _ in found})
            kinds = sorted({hit.kind for _, hit in found})
            details: dict[str, Any] = {"tenants": tenants, "found": kinds}
            record(actor(search.request), FOUND, ", ".join(tenants)[:200], details)
        yield from (hit for _, hit in found)

    def nothing_hint(self, request: HttpRequest) -> str:
        return _HINT if may(request, SEE_TENANTS) else ""


def _users(term: str) -> Iterator[tuple[Tenant, Hit]]:
    """Each with what was looked for, which is all that is known of it here, and its tenant."""
    for found in index.find(term, uuid_in(term)):
        path = visit_path(found.tenant, "admin:scim_user_change", found.user_id)
        yield found.tenant, Hit("Users", term, path, _named(found.tenant), is_exact=True)


def _requests(term: str) -> Iterator[tuple[Tenant, Hit]]:
    """The request with that id: the id names its tenant, whose log is asked."""
    named = marks.tenants_of(term)
    if not named:
        return
    asked = schemas.reachable(named)
    for tenant in asked.silent:
        path = staff_path("admin:tenants_tenant_change", tenant.pk)
        yield tenant, Hit("Requests", _UNASKED, path, _named(tenant))
    for tenant in asked.tenants:
        with in_tenant(tenant):
            event = ProvisioningEvent.objects.filter(request_id=term).order_by("-id").first()
        if event is None:
            continue
        path = _path(tenant, "admin:scim_provisioningevent_change", event.pk)
        yield tenant, Hit("Requests", f"Request {term}", path, _named(tenant), is_exact=True)


def _credentials(term: str) -> Iterator[tuple[Tenant, Hit]]:
    """The secret tokens and OAuth clients with that public id, which ends their names."""
    if len(term) != _TAIL:
        return
    known: dict[Any, tuple[Tenant, Hit]] = {}
    models: tuple[Any, ...] = (Expiry, CredentialTraffic)
    for model in models:
        rows = model.objects.alias(tail=Right("name", Value(CREDENTIAL_TAIL)))
        for row in rows.filter(tail=f"({term.lower()})").select_related("tenant")[: index.MOST]:
            path = visit_path(row.tenant, "admin:search") + f"?q={term}"
            known.setdefault(
                row.id, (row.tenant, Hit("Credentials", row.name, path, _named(row.tenant)))
            )
    yield from known.values()


def _named(tenant: Tenant) -> str:
    return f"{tenant.name} · {tenant.custom_domain}"


def _path(tenant: Tenant, name: str, key: Any) -> str:
    """The path of the page; of the first page of a visit in an installation without it."""
    try:
        return visit_path(tenant, name, key)
    except NoReverseMatch:
        return visit_path(tenant, "admin:index")
