"""How far a tenant has come with its set-up: learned from its tokens, its traffic and its users."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from accounts.admin.failures import failure_of
from accounts.models import OAuthClient, SecretToken
from accounts.tokens import SUPPORT
from scim.models import User
from tenants.connection import ago, connection_of
from tenants.models import Tenant

DONE: Final = "ok"
WAITING: Final = "waiting"
FAILED: Final = "failing"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that has happened, is awaited, or went wrong."""

    state: str
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps in their order, and whether all of them are done."""

    steps: tuple[Step, ...]

    @property
    def is_done(self) -> bool:
        return all(step.state == DONE for step in self.steps)


def steps(tenant: Tenant, now: datetime) -> Progress:
    """The progress of the current tenant, which `tenant` is: at most four statements."""
    connected = _connected(tenant, now)
    return Progress((_token(now), connected, _first_user(now)))


def _token(now: datetime) -> Step:
    live = Q(expires_at=None) | Q(expires_at__gt=now)
    if SecretToken.objects.filter(live, revoked_at=None).exists():
        return Step(DONE, "There is a secret token", "Enter it in Entra as Secret Token.")
    if OAuthClient.objects.filter(revoked_at=None).exists():
        return Step(DONE, "There is an OAuth client", "Enter its values in Entra.")
    return Step(WAITING, "Waiting for a secret token", f"Ask {SUPPORT} for one.")


def _connected(tenant: Tenant, now: datetime) -> Step:
    connection = connection_of(tenant, now)
    first = connection.first_request_at
    if connection.failure:
        failure = failure_of(connection.failure)
        when = ago(connection.failure.at, now)
        return Step(FAILED, f"A request was refused {when}", f"{failure.what} {failure.fix}")
    if first is None:
        return Step(
            WAITING,
            "Waiting for Test Connection",
            "Press Test Connection in Entra; this panel notices within seconds.",
        )
    return Step(DONE, "Entra is connected", f"Its first request came {ago(first, now)}.")


def _first_user(now: datetime) -> Step:
    first = User.objects.filter(deleted_at=None).order_by("id").only("created").first()
    if first is None:
        return Step(
            WAITING,
            "Waiting for the first user",
            "Provision one on demand in Entra, or switch provisioning on.",
        )
    return Step(DONE, "The first user is here", f"It came {ago(first.created, now)}.")
