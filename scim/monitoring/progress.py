"""The progress of a tenant's set-up: learned from its tokens, its traffic and its users."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.safestring import SafeString

from accounts.console.page import screen_link
from accounts.models import OAuthClient, SecretToken, not_ended
from accounts.screens.failures import LOG, failure_of, log_query
from accounts.tokens import SUPPORT
from scim.models import User
from tenants.connection import Connection, Refusal, ago, connection_of
from tenants.models import Reach, Tenant

DONE: Final = "ok"
WAITING: Final = "waiting"
FAILED: Final = "failing"


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
    """The progress of the current tenant, which `tenant` is: at most four statements."""
    connection = connection_of(tenant, now)
    first = User.objects.filter(deleted_at=None).order_by("id").only("created").first()
    found = (_token(now), _connected(connection, now), _provisioned(connection, first, now))
    return Progress(found, has_users=first is not None)


def _token(now: datetime) -> Step:
    if SecretToken.objects.filter(not_ended(now)).exists():
        return Step(DONE, "Secret token generated", "Enter it in Entra as Secret Token.")
    if OAuthClient.objects.filter(revoked_at=None).exists():
        return Step(DONE, "OAuth client added", "Enter its values in Entra.")
    return Step(WAITING, "Waiting for a secret token", f"Ask {SUPPORT} for one.")


def _connected(connection: Connection, now: datetime) -> Step:
    refusal = connection.failure
    if refusal is not None and not _is_about_contents(connection):
        return _refused("A request was refused", refusal, now)
    first = connection.first_request_at
    if first is None:
        return Step(
            WAITING,
            "Waiting for Test Connection",
            "Press Test Connection in Entra; this panel updates within seconds.",
        )
    return Step(DONE, "Entra is connected", f"First request {ago(first, now)}.")


def _provisioned(connection: Connection, first: User | None, now: datetime) -> Step:
    refusal = connection.failure
    if refusal is not None and _is_about_contents(connection):
        is_change = refusal.reach == Reach.CHANGES
        what = "A user or group was refused" if is_change else "A request was refused"
        return _refused(what, refusal, now)
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
    if refusal.reach == Reach.CHANGES:
        return True
    return bool(refusal.credential) and connection.last_success_at is not None


def _refused(what: str, refusal: Refusal, now: datetime) -> Step:
    failure = failure_of(refusal)
    label = "View request" if refusal.request_id else "View log"
    way_on = screen_link(LOG, label, query=log_query(refusal))
    title = f"{what} {ago(refusal.at, now)}"
    return Step(FAILED, title, f"{failure.what} {failure.fix}", way_on)
