"""Actions on the approval of credentials: the rule, the request, the second person's word, the credential.

The first person requests a secret token, an OAuth client or a client secret, a second one approves it, and the
first one generates it then. So the value is shown to whoever needs it, once, and whoever approves never sees
it (decisions 0097, 0125).
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts import approvals, mail
from accounts.actions import clients
from accounts.actions.allowed_addresses import AllowedFrom
from accounts.actions.clients import ClientRequest, CreatedClient, SecretRequest
from accounts.actions.performing import (
    ActionRefused,
    NotPermitted,
    authorize,
    note,
    one_line,
    performing,
)
from accounts.actions.tokens import Minted, Overlap, TokenRequest, mint
from accounts.audit import Actor, Details
from accounts.models import REASON_LENGTH, CredentialRequest, Rule
from accounts.permissions import MINT, REQUIRE_APPROVAL, STOP_APPROVAL
from tenants import clock
from tenants.models import Tenant

_SCREEN: Final = "admin:accounts_credentialrequest_changelist"
Outcome = CredentialRequest.Outcome
Kind = CredentialRequest.Kind
Wanted = TokenRequest | ClientRequest | SecretRequest
Made = Minted | CreatedClient


def require_approval(actor: Actor, tenant: Tenant) -> None:
    """Have a second person approve each new credential of the tenant; of staff's own: of all tenants.

    Raises ActionRefused.
    """
    with performing(actor, REQUIRE_APPROVAL, tenant):
        _, is_new = Rule.objects.get_or_create(name=approvals.REQUIRED)
        if is_new:
            note(actor, tenant, "approval of credentials required", tenant.custom_domain, {})


def stop_requiring_approval(actor: Actor, tenant: Tenant) -> None:
    """Let one person generate credentials. Raises ActionRefused."""
    with performing(actor, STOP_APPROVAL, tenant):
        if Rule.objects.filter(name=approvals.REQUIRED).delete()[0]:
            act = "approval of credentials no longer required"
            note(actor, tenant, act, tenant.custom_domain, {})


@dataclass(frozen=True, slots=True)
class _Way:
    """The way credentials of a kind come into being: the permission, the request, and the function."""

    noun: str
    permission: str
    request: type[Wanted]
    make: Callable[[Actor, Tenant, Any], Made]  # in the frame of an action
    read: Callable[[dict[str, Any]], Wanted]  # of the stored request


def request_credential(actor: Actor, tenant: Tenant, wanted: Wanted) -> CredentialRequest:
    """The request, which waits for a second person. Raises ActionRefused for what making it would refuse."""
    kind, way = next((k, w) for k, w in _WAYS.items() if isinstance(wanted, w.request))
    with performing(actor, way.permission, tenant):
        with transaction.atomic():
            label = way.make(actor, tenant, wanted).label
            transaction.set_rollback(True)  # nothing of it stays; what is wrong is said now
        now = clock.now()
        asked = CredentialRequest.objects.create(
            kind=kind,
            label=label,
            asked=asdict(wanted, dict_factory=_to_json),
            requested_at=now,
            requested_by=actor.name,
            expires_at=now + approvals.WAITS,
        )
        note(actor, tenant, f"{way.noun} requested", label, _details(asked))
        values = {"label": label, "noun": way.noun}
        notice = mail.Notice("approval.txt", tenant, values, _SCREEN)
        mail.queue(notice, mail.staff_who_may(way.permission), now)
    return asked


def approve_credential(actor: Actor, tenant: Tenant, request_id: UUID) -> CredentialRequest:
    """The request, approved by a second person of staff. Raises ActionRefused."""
    with performing(actor, MINT, tenant):
        asked, way = _waiting(actor, tenant, request_id)
        if actor.is_command:
            raise NotPermitted(
                "token.second-person", "Approve on the staff site: a command has no account."
            )
        if actor.name == asked.requested_by:
            raise ActionRefused(
                "token.second-person", "You requested this: somebody else has to approve it."
            )
        _decide(actor, asked, Outcome.APPROVED, "")
        note(actor, tenant, f"{way.noun} approved", asked.label, _details(asked))
    return asked


def decline_credential(
    actor: Actor, tenant: Tenant, request_id: UUID, reason: str
) -> CredentialRequest:
    """The request, declined or withdrawn for a reason. Raises ActionRefused."""
    with performing(actor, MINT, tenant):
        asked, way = _waiting(actor, tenant, request_id)
        why = one_line(reason, "The reason", REASON_LENGTH, "reason")
        _decide(actor, asked, Outcome.DECLINED, why)
        details: Details = {**_details(asked), "reason": why}
        note(actor, tenant, f"{way.noun} declined", asked.label, details)
    return asked


def generate_approved(
    actor: Actor, tenant: Tenant, request_id: UUID, kinds: Collection[str] = tuple(Kind)
) -> Made:
    """The approved credential, of one of those kinds, for the person who requested it, once.

    Raises ActionRefused.
    """
    with performing(actor, MINT, tenant):
        asked, way = _locked(actor, tenant, request_id, kinds)
        if actor.name != asked.requested_by:
            raise ActionRefused(
                "token.second-person", f"{asked.requested_by} requested this and generates it."
            )
        if asked.outcome != Outcome.APPROVED or asked.is_over(clock.now()):
            raise ActionRefused(
                "token.not-approved",
                "The request has not been approved, has expired, or was used before.",
            )
        made = way.make(actor, tenant, way.read(asked.asked))
        asked.outcome, asked.token_public_id = Outcome.USED, made.public_id
        asked.save(update_fields=["outcome", "token_public_id"])
    return made


def _waiting(actor: Actor, tenant: Tenant, request_id: UUID) -> tuple[CredentialRequest, _Way]:
    """The request, locked, if it still waits. Raises ActionRefused."""
    asked, way = _locked(actor, tenant, request_id)
    if asked.outcome != Outcome.WAITING or asked.is_over(clock.now()):
        raise ActionRefused("action.too-late", "The request was decided before, or has expired.")
    return asked, way


def _locked(
    actor: Actor, tenant: Tenant, request_id: UUID, kinds: Collection[str] = tuple(Kind)
) -> tuple[CredentialRequest, _Way]:
    requests = CredentialRequest.objects.select_for_update(no_key=True)
    found = requests.filter(pk=request_id, kind__in=kinds).first()
    if found is None:
        raise ActionRefused("action.not-found", f"{tenant} has no such request {request_id}.")
    way = _WAYS[found.kind]
    authorize(actor, way.permission, tenant)
    return found, way


def _decide(actor: Actor, asked: CredentialRequest, outcome: Outcome, reason: str) -> None:
    asked.outcome, asked.decided_at, asked.decided_by = outcome, clock.now(), actor.name
    asked.decided_reason = reason
    asked.save(update_fields=["outcome", "decided_at", "decided_by", "decided_reason"])


def _details(asked: CredentialRequest) -> Details:
    told = {name: asked.asked[name] for name in _TOLD if name in asked.asked}
    expires = asked.expires_at.isoformat(timespec="seconds")
    return {"requested_by": asked.requested_by, **told, "expires": expires}


def _to_json(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of a request, as JSON has them."""
    return {name: _plain(value) for name, value in items}


def _plain(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case tuple():
            return [_plain(each) for each in value]
    return value


def _read_token(asked: dict[str, Any]) -> TokenRequest:
    return TokenRequest(
        label=asked["label"],
        issued_for=_id_or_name(asked["issued_for"]),
        days=asked["days"],
        no_expiry_reason=asked["no_expiry_reason"],
        replaces=tuple(map(_id_or_name, asked["replaces"])),
        overlap=Overlap(asked["overlap"]),
        allowed_from=AllowedFrom(**asked["allowed_from"]),
    )


def _read_client(asked: dict[str, Any]) -> ClientRequest:
    return ClientRequest(
        label=asked["label"],
        issued_for=_id_or_name(asked["issued_for"]),
        years=asked["years"],
        public_keys=asked["public_keys"],
        allowed_from=AllowedFrom(**asked["allowed_from"]),
    )


def _read_secret(asked: dict[str, Any]) -> SecretRequest:
    return SecretRequest(_id_or_name(asked["client"]), asked["years"])


def _id_or_name(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        return text


_TOLD: Final = ("days", "replaces", "years", "client")  # of a request, in the audit log
_WAYS: Final[dict[str, _Way]] = {
    Kind.TOKEN: _Way("secret token", MINT, TokenRequest, mint, _read_token),
    Kind.CLIENT: _Way("OAuth client", clients.CREATE, ClientRequest, clients.create, _read_client),
    Kind.SECRET: _Way(
        "client secret", clients.ADD_SECRET, SecretRequest, clients.add_secret, _read_secret
    ),
}
