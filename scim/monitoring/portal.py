"""A tenant's first page, and the page that leads through the set-up in Entra.

Used on the tenant's own host by its admins, and by staff on a visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from accounts.console.page import Overview, screen_link
from accounts.console.site import Entry, Part
from accounts.models import OAuthClient, SecretToken, not_ended
from accounts.permissions import MINT
from accounts.screens.failures import LOG, failure_of, log_query
from accounts.signed_in import may, record_view
from accounts.tokens import SUPPORT
from scim.models import User
from scim.monitoring import drawings, mapping
from scim.monitoring.health import tenant_overview
from scim.refusals import explain
from scim.screens.visibility import Sight
from tenants import clock
from tenants.connectivity import Connection, Refusal, ago, connection_of, open_problems
from tenants.current import current_tenant
from tenants.models import Problem, Reach, Tenant

SEE: Final = "scim.view_provisioningevent"
DONE: Final = "ok"
WAITING: Final = "waiting"
FAILED: Final = "failing"


class SetUp(Part):
    """The first page says whether provisioning works; *Set up Entra* how to make it work."""

    entries = (
        Entry(
            "Connection",
            "Set up Entra",
            "admin:setup",
            "Connect Entra step by step, with your own values to copy.",
            "setup",
        ),
    )

    def urls(self) -> Sequence[URLPattern]:
        view = self.site.admin_view
        return (
            path("setup/", view(self.setup), name="setup"),
            path("setup/progress/", view(self.setup_progress), name="setup_progress"),
        )

    def overview(self, request: HttpRequest) -> Overview:
        """The state of provisioning, for accounts that may see it."""
        if not may(request, SEE):
            return Overview()
        return tenant_overview(clock.now(), Sight.of(request), request.GET.get("period", ""))

    def setup(self, request: HttpRequest) -> HttpResponse:
        """The tutorial's steps with this tenant's own values, and how far one has come."""
        record_view(request, "set-up viewed")
        tenant = current_tenant()
        mint_path = reverse("admin:accounts_secrettoken_add") if may(request, MINT) else None
        context = {
            **self.site.each_context(request),
            "title": "Set up Entra",
            "tenant": tenant,
            "mint_path": mint_path,
            "support": SUPPORT,
            "sketches": drawings.drawn(),
            **_how_far(tenant),
        }
        return TemplateResponse(request, "monitoring/setup.html", context)

    def setup_progress(self, request: HttpRequest) -> HttpResponse:
        """The parts of the page that change while it is open: how far one has come by now."""
        return TemplateResponse(request, "monitoring/setup_live.html", _how_far(current_tenant()))


def _how_far(tenant: Tenant) -> dict[str, Any]:
    """The changing parts of the page, all of one moment."""
    now, marks = clock.now(), mapping.marks_of(tenant)
    progress = steps(tenant, now)
    mistakes = mapping.mistakes(marks, has_users=progress.has_users)
    return {"progress": progress, "sections": (mistakes, mapping.seen(marks, now))}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that has happened, is awaited, or went wrong."""

    state: str
    title: str
    sentence: str
    way_on: SafeString | str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps in their order, whether all of them are done, and whether there is a user."""

    steps: tuple[Step, ...]
    has_users: bool

    @property
    def is_done(self) -> bool:
        return all(step.state == DONE for step in self.steps)


def steps(tenant: Tenant, now: datetime) -> Progress:
    """The progress of the current tenant, which `tenant` is: at most five statements."""
    connection = connection_of(tenant, now)
    problem = open_problems(now).filter(tenant=tenant).order_by("-last_at", "pk").first()
    first = User.objects.filter(deleted_at=None).order_by("id").only("created").first()
    found = (
        _token(now),
        _connected(connection, problem, now),
        _provisioned(connection, problem, first, now),
    )
    return Progress(found, has_users=first is not None)


def _token(now: datetime) -> Step:
    if SecretToken.objects.filter(not_ended(now)).exists():
        return Step(DONE, "Secret token generated", "Enter it in Entra as Secret Token.")
    if OAuthClient.objects.filter(revoked_at=None).exists():
        return Step(DONE, "OAuth client added", "Enter its values in Entra.")
    return Step(WAITING, "Waiting for a secret token", f"Ask {SUPPORT} for one.")


def _connected(connection: Connection, problem: Problem | None, now: datetime) -> Step:
    refusal = connection.failure
    if refusal is not None and not _is_about_contents(connection):
        return _refused("A request was refused", refusal, now)
    if problem is not None and connection.last_success_at is None:
        return _told(problem, now)
    first = connection.first_request_at
    if first is None:
        return Step(
            WAITING,
            "Waiting for Test Connection",
            "Press Test Connection in Entra; this panel updates within seconds.",
        )
    return Step(DONE, "Entra is connected", f"First request {ago(first, now)}.")


def _provisioned(
    connection: Connection, problem: Problem | None, first: User | None, now: datetime
) -> Step:
    refusal = connection.failure
    if refusal is not None and _is_about_contents(connection):
        return _refused("A request was refused", refusal, now)
    if problem is not None and connection.last_success_at is not None:
        return _told(problem, now)
    if first is None:
        return Step(
            WAITING,
            "Waiting for the first user",
            "Provision one on demand in Entra, or turn on provisioning.",
        )
    return Step(DONE, "First user provisioned", f"Provisioned {ago(first.created, now)}.")


def _is_about_contents(connection: Connection) -> bool:
    """True if the credential works, and what fails is what Entra sends with it."""
    refusal = connection.failure
    if refusal is None or refusal.reach == Reach.CREDENTIAL:
        return False
    return bool(refusal.credential) and connection.last_success_at is not None


def _told(problem: Problem, now: datetime) -> Step:
    """The open problem, as a step that failed."""
    is_look_up = problem.operation == "query"
    what = "A look-up was refused" if is_look_up else "A user or group was refused"
    explanation = explain(problem.status, "", problem.reason)
    words = f"{explanation.sentence} {explanation.remedy}" if explanation else ""
    way_on = screen_link(LOG, "View request", query=f"?q={problem.request_id}")
    return Step(FAILED, f"{what} {ago(problem.last_at, now)}", words, way_on)


def _refused(what: str, refusal: Refusal, now: datetime) -> Step:
    failure = failure_of(refusal)
    label = "View request" if refusal.request_id else "View log"
    way_on = screen_link(LOG, label, query=log_query(refusal))
    title = f"{what} {ago(refusal.at, now)}"
    return Step(FAILED, title, f"{failure.what} {failure.fix}", way_on)
