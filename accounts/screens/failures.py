"""Explanations of failing connections, with remedies, by the reasons in tenants.models.Traffic.

What is refused about single users and groups is told by problems (scim.problems), with scim.refusals.

The sentences name no person and no value but the label of a credential: they stand on pages of all
tenants. The provisioning log of the tenant has the words that the client was told.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.urls import NoReverseMatch

from accounts.console.page import link
from accounts.links import visit_path
from accounts.tokens import SUPPORT
from tenants.connectivity import Refusal, ago
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem and its remedy, a sentence each."""

    what: str
    fix: str


LOG: Final = "admin:scim_provisioningevent_changelist"  # the URL name of the provisioning log
_NEW_TOKEN: Final = (
    f"Generate another secret token (tenant admins ask {SUPPORT}) and enter it in Entra under"
    " Provisioning, Admin Credentials; then press Test Connection."
)
_ENTER_AGAIN: Final = (
    "Copy the complete secret token and enter it in Entra under Provisioning, Admin Credentials. If it is"
    f" lost, generate another (tenant admins ask {SUPPORT})."
)
_LOG: Final = "The provisioning log has the answer to the client."
# By the reason of a refusal, or by the area that it begins with.
_FAILURES: Final = {
    "token.malformed": Failure(
        "A request came with a secret token that is cut off or mistyped.", _ENTER_AGAIN
    ),
    "token.unknown": Failure(
        "A request came with a secret token that this tenant does not know.", _ENTER_AGAIN
    ),
    "token.revoked": Failure(
        "Requests still come with the {credential}, which was revoked.", _NEW_TOKEN
    ),
    "token.expired": Failure(
        "Requests still come with the {credential}, which has expired.", _NEW_TOKEN
    ),
    "token.not-admin": Failure(
        "The account that the {credential} was issued for is no longer an active admin.",
        "Make that account an active admin again, or move the token to another admin account.",
    ),
    "client.not-admin": Failure(
        "The account that the {credential} was issued for is no longer an active admin.",
        "Make that account an active admin again, or add an OAuth client for another admin account.",
    ),
    "token.missing": Failure("A request came without a secret token.", _ENTER_AGAIN),
    "token.scope": Failure(
        "An access token does not have the scope that the request needs.",
        "Let the OAuth client ask for scim.read and scim.write.",
    ),
    "client": Failure(
        "An OAuth client was refused: its id, secret or key is wrong, revoked or expired.",
        "Add a secret to the OAuth client and enter it where the client is set up.",
    ),
    "oauth": Failure("A request for an access token was refused.", _LOG),
    "request.too-large": Failure("A request was larger than the limit.", _LOG),
    "server": Failure(
        "myPolicies could not answer.",
        "Entra repeats the request automatically. If it lasts, check the server's log.",
    ),
}


_OTHERS: Final = Failure("A request was refused.", _LOG)
# Reasons that mean the same here as another one.
_SAME: Final = {"assertion": "client"}
_DENIED_CLIENT: Final = Failure(
    "Access tokens are still requested with the {credential}, which was revoked or has expired.",
    "Add a secret to the OAuth client and enter it where the client is set up.",
)


def failure_of(refusal: Refusal) -> Failure:
    """The explanation of a refusal for the connection as a whole, found by its reason."""
    found = _find(refusal.reason.removeprefix("access-"))
    if refusal.credential and refusal.reason in {"client.revoked", "client.expired"}:
        found = _DENIED_CLIENT
    credential = refusal.credential or "secret token in use"
    return Failure(found.what.format(credential=credential), found.fix)


def beside(refusal: Refusal, now: datetime) -> Failure:
    """The explanation of a refusal where another credential works."""
    sender = f" from {refusal.user_agent}" if refusal.user_agent else ""
    fix = (
        "Another credential works, so provisioning continues. The last refused request came"
        f" {ago(refusal.at, now)}{sender}: give that client a live credential, or stop it."
    )
    return Failure(failure_of(refusal).what, fix)


def log_query(refusal: Refusal) -> str:
    """The query of the provisioning log that finds the request, or all that were refused."""
    return f"?q={refusal.request_id}" if refusal.request_id else "?outcome=refused"


def log_link(tenant: Tenant, text: Any, refusal: Refusal | None = None) -> Any:
    """A link to the tenant's provisioning log for staff, to the requests that were refused if given.

    The text alone where the inspector is not installed.
    """
    return _to_log(tenant, text, log_query(refusal) if refusal else "")


def log_of_day(tenant: Tenant, text: Any, day: date, outcome: str) -> Any:
    """A link for staff to the tenant's requests of a day with that outcome, "all" or "refused"."""
    return _to_log(tenant, text, f"?period={day.isoformat()}&outcome={outcome}")


def _to_log(tenant: Tenant, text: Any, query: str) -> Any:
    try:
        return link(visit_path(tenant, LOG) + query, text)
    except NoReverseMatch:
        return text


def _find(reason: str) -> Failure:
    for key in (reason, reason.partition(".")[0]):
        found = _FAILURES.get(_SAME.get(key, key))
        if found:
            return found
    return _OTHERS
