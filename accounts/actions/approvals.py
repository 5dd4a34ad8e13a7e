"""Actions on the approval of secret tokens: the rule, the request, the second person's word, the token.

The first person requests a token, a second one approves it, and the first one generates it then. So the
value is shown to whoever needs it, once, and whoever approves never sees it (decision 0097).
"""

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts import approvals, mail
from accounts.actions.allowed_addresses import AllowedFrom
from accounts.actions.performing import ActionRefused, NotPermitted, note, one_line, performing
from accounts.actions.tokens import Minted, Overlap, TokenRequest, mint
from accounts.audit import Actor, Details
from accounts.models import REASON_LENGTH, CredentialRequest, Rule
from accounts.permissions import MINT, REQUIRE_APPROVAL, STOP_APPROVAL
from tenants import clock
from tenants.models import Tenant

_SCREEN: Final = "admin:accounts_credentialrequest_changelist"
Outcome = CredentialRequest.Outcome


def require_approval(actor: Actor, tenant: Tenant) -> None:
    """Have a second person approve each new secret token of the tenant; of staff's own: of all tenants.

    Raises ActionRefused.
    """
    with performing(actor, REQUIRE_APPROVAL, tenant):
        _, is_new = Rule.objects.get_or_create(name=approvals.REQUIRED)
        if is_new:
            note(actor, tenant, "approval of credentials required", tenant.custom_domain, {})


def stop_requiring_approval(actor: Actor, tenant: Tenant) -> None:
    """Let one person generate secret tokens. Raises ActionRefused."""
    with performing(actor, STOP_APPROVAL, tenant):
        if Rule.objects.filter(name=approvals.REQUIRED).delete()[0]:
            act = "approval of credentials no longer required"
            note(actor, tenant, act, tenant.custom_domain, {})


def request_token(actor: Actor, tenant: Tenant, request: TokenRequest) -> CredentialRequest:
    """The request, which waits for a second person. Raises ActionRefused for what minting would refuse."""
    with performing(actor, MINT, tenant):
        with transaction.atomic():
            mint(actor, tenant, request)
            transaction.set_rollback(True)  # nothing of it stays; what is wrong is said now
        now = clock.now()
        asked = CredentialRequest.objects.create(
            label=request.label.strip(),
            asked=_to_json(request),
            requested_at=now,
            requested_by=actor.name,
            expires_at=now + approvals.WAITS,
        )
        note(actor, tenant, "secret token requested", asked.label, _details(asked))
        notice = mail.Notice("approval.txt", tenant, {"label": asked.label}, _SCREEN)
        mail.queue(notice, mail.staff_who_may(MINT), now)
    return asked


def approve_token(actor: Actor, tenant: Tenant, request_id: UUID) -> CredentialRequest:
    """The request, approved by a second person of staff. Raises ActionRefused."""
    with performing(actor, MINT, tenant):
        asked = _waiting(tenant, request_id)
        if actor.is_command:
            raise NotPermitted(
                "token.second-person", "Approve on the staff site: a command has no account."
            )
        if actor.name == asked.requested_by:
            raise ActionRefused(
                "token.second-person", "You requested this token: somebody else has to approve it."
            )
        _decide(actor, asked, Outcome.APPROVED, "")
        note(actor, tenant, "secret token approved", asked.label, _details(asked))
    return asked


def decline_token(actor: Actor, tenant: Tenant, request_id: UUID, reason: str) -> CredentialRequest:
    """The request, declined or withdrawn for a reason. Raises ActionRefused."""
    with performing(actor, MINT, tenant):
        asked = _waiting(tenant, request_id)
        why = one_line(reason, "The reason", REASON_LENGTH, "reason")
        _decide(actor, asked, Outcome.DECLINED, why)
        details: Details = {**_details(asked), "reason": why}
        note(actor, tenant, "secret token declined", asked.label, details)
    return asked


def generate_approved(actor: Actor, tenant: Tenant, request_id: UUID) -> Minted:
    """The token that was approved, for the person who requested it, once. Raises ActionRefused."""
    with performing(actor, MINT, tenant):
        asked = _locked(tenant, request_id)
        if actor.name != asked.requested_by:
            raise ActionRefused(
                "token.second-person",
                f"{asked.requested_by} requested this token and generates it.",
            )
        if asked.outcome != Outcome.APPROVED or asked.is_over(clock.now()):
            raise ActionRefused(
                "token.not-approved",
                "The request has not been approved, has expired, or the token was generated before.",
            )
        minted = mint(actor, tenant, _read(asked.asked))
        asked.outcome, asked.token_public_id = Outcome.USED, minted.token.public_id
        asked.save(update_fields=["outcome", "token_public_id"])
    return minted


def _waiting(tenant: Tenant, request_id: UUID) -> CredentialRequest:
    """The request, locked, if it still waits. Raises ActionRefused."""
    asked = _locked(tenant, request_id)
    if asked.outcome != Outcome.WAITING or asked.is_over(clock.now()):
        raise ActionRefused("action.too-late", "The request was decided before, or has expired.")
    return asked


def _locked(tenant: Tenant, request_id: UUID) -> CredentialRequest:
    found = CredentialRequest.objects.select_for_update(no_key=True).filter(pk=request_id).first()
    if found is None:
        raise ActionRefused("action.not-found", f"{tenant} has no token request {request_id}.")
    return found


def _decide(actor: Actor, asked: CredentialRequest, outcome: Outcome, reason: str) -> None:
    asked.outcome, asked.decided_at, asked.decided_by = outcome, clock.now(), actor.name
    asked.decided_reason = reason
    asked.save(update_fields=["outcome", "decided_at", "decided_by", "decided_reason"])


def _details(asked: CredentialRequest) -> Details:
    return {
        "requested_by": asked.requested_by,
        "days": asked.asked["days"],
        "replaces": asked.asked["replaces"],
        "expires": asked.expires_at.isoformat(timespec="seconds"),
    }


def _to_json(request: TokenRequest) -> dict[str, Any]:
    return {
        **asdict(request),
        "issued_for": str(request.issued_for),
        "replaces": [str(each) for each in request.replaces],
        "overlap": request.overlap.value,
    }


def _read(asked: dict[str, Any]) -> TokenRequest:
    return TokenRequest(
        label=asked["label"],
        issued_for=_id_or_name(asked["issued_for"]),
        days=asked["days"],
        no_expiry_reason=asked["no_expiry_reason"],
        replaces=tuple(map(_id_or_name, asked["replaces"])),
        overlap=Overlap(asked["overlap"]),
        allowed_from=AllowedFrom(**asked["allowed_from"]),
    )


def _id_or_name(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        return text
