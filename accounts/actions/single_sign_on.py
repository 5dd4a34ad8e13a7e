"""Actions on single sign-on: a tenant's identity providers, and when they may be used."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import expiries, posting, sessions
from accounts.actions.accounts import get_account, get_admin
from accounts.actions.performing import ActionRefused, note, one_line, performing, refusals
from accounts.audit import Actor, Details
from accounts.models import Account
from accounts.sealing import seal
from accounts.sso import oidc, rules, saml
from accounts.sso.identity import URL_LENGTH, Identity, Kind, SignOnRefused
from accounts.sso.models import CLIENT_ID_LENGTH, SECRET_USE, IdentityLink, IdentityProvider
from tenants import clock, lifecycle
from tenants.backend.base import violated_constraint
from tenants.current import in_tenant
from tenants.errors import about
from tenants.models import Tenant

VIEW: Final = "accounts.view_identityprovider"
CHANGE: Final = "accounts.change_identityprovider"

MAX_SECRET: Final = 500  # characters
MOST_AHEAD: Final = timedelta(days=3_653)  # until a client secret ends
_ONE_EACH: Final = {"one_account_for_a_person", "one_person_for_an_account"}  # constraints


@dataclass(frozen=True, slots=True)
class OidcRequest:
    """The values from the identity provider's registration of myPolicies.

    An empty secret keeps the one that is stored.
    """

    document_url: str
    client_id: str
    secret: str = field(repr=False)
    secret_expires_on: date | None = None  # None: nobody is warned of it


def set_up_oidc(actor: Actor, tenant: Tenant, request: OidcRequest) -> IdentityProvider:
    """The tenant's OpenID Connect provider with those values; another one has to be tested first.

    Its documents are read by the worker within seconds. Raises ActionRefused.
    """
    with performing(actor, CHANGE, tenant):
        provider = _locked(Kind.OIDC)
        former = (provider.issuer, provider.client_id)
        with about("document_url"):
            provider.issuer = _issuer(request.document_url)
        provider.client_id = one_line(
            request.client_id, "The client id", CLIENT_ID_LENGTH, "client_id"
        )
        with about("secret"):
            _store_secret(provider, tenant, request.secret)
        with about("secret_expires_on"):
            provider.secret_expires_on = _secret_end(provider, request)
        if former[0] != provider.issuer:
            provider.documents, provider.read_at, provider.failure = {}, None, ""
        is_same = former == (provider.issuer, provider.client_id)
        ends = provider.secret_expires_on
        details: Details = {"client id": provider.client_id}
        if ends is not None:
            details = {**details, "secret expires on": str(ends)}
        _save(actor, tenant, provider, details, is_same=is_same)
        expiries.register(tenant, clock.now())
        lifecycle.set_identity_due(tenant, clock.now())
    return provider


def set_up_saml(actor: Actor, tenant: Tenant, metadata: str) -> IdentityProvider:
    """The tenant's SAML provider, as its metadata describe it; another one has to be tested first.

    Raises ActionRefused.
    """
    with performing(actor, CHANGE, tenant):
        provider = _locked(Kind.SAML)
        with about("metadata"):
            found = _from_metadata(metadata)
        former, provider.issuer = provider.issuer, found.issuer
        provider.documents = {
            "sign_on_url": found.sign_on_url,
            "certificates": list(found.certificates),
        }
        provider.read_at = clock.now()
        details: Details = {"certificates": len(found.certificates)}
        _save(actor, tenant, provider, details, is_same=former == found.issuer)
        expiries.register(tenant, clock.now())
    return provider


def enable(actor: Actor, tenant: Tenant, kind: str) -> IdentityProvider:
    """The provider, by which people sign in from now on. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        provider = _get(tenant, kind)
        if provider.tested_at is None:
            raise ActionRefused(
                "sso.untested", "Test it first: people sign in by what has worked once."
            )
        _switch(actor, tenant, provider, is_enabled=True)
    return provider


def require(
    actor: Actor, tenant: Tenant, kind: str, break_glass: str | UUID, own: Account | None = None
) -> IdentityProvider:
    """The provider, by which all sign in from now on, but for the break-glass account.

    That is an active admin with a password. `own`, the account that acts, has to be linked already, so
    that it does not lock itself out; None for staff. Raises ActionRefused.
    """
    with performing(actor, CHANGE, tenant):
        provider = _get(tenant, kind)
        if not provider.is_enabled:
            raise ActionRefused("sso.off", "Enable it first.")
        with about("break_glass"):
            kept = get_admin(tenant, break_glass, "break-glass access")
            if not kept.has_usable_password():
                raise ActionRefused("sso.break-glass", f"{kept.email} has no password.")
        if own is not None and not rules.is_linked(own):
            raise ActionRefused(
                "sso.not-linked", "Link your own account first, so that you can sign in again."
            )
        IdentityProvider.objects.exclude(pk=provider.pk).update(break_glass=None)
        provider.break_glass = kept
        provider.save(update_fields=["break_glass"])
        note(actor, tenant, "passwords switched off", str(provider), {"break-glass": kept.email})
    return provider


def allow_passwords(actor: Actor, tenant: Tenant, kind: str) -> IdentityProvider:
    """The provider, beside which passwords work again. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        provider = _get(tenant, kind)
        if provider.break_glass is None:
            raise ActionRefused("action.too-late", "Passwords work already.")
        provider.break_glass = None
        provider.save(update_fields=["break_glass"])
        note(actor, tenant, "passwords switched on", str(provider), {})
    return provider


def disable(actor: Actor, tenant: Tenant, kind: str) -> IdentityProvider:
    """The provider, by which nobody signs in any more. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        provider = _get(tenant, kind)
        _check_not_required(provider)
        _switch(actor, tenant, provider, is_enabled=False)
    return provider


def remove(actor: Actor, tenant: Tenant, kind: str) -> None:
    """Forget the provider and its secret. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        provider = _get(tenant, kind)
        _check_not_required(provider)
        provider.delete()
        expiries.register(tenant, clock.now())
        if kind == Kind.OIDC:
            lifecycle.set_identity_due(tenant, None)
        note(actor, tenant, "single sign-on removed", str(provider), {"issuer": provider.issuer})


def note_test(actor: Actor, tenant: Tenant, kind: str, refused: str = "") -> None:
    """Note a test of the provider, and the id of the reason if it failed. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        provider = _get(tenant, kind)
        if not refused:
            provider.tested_at = clock.now()
            provider.save(update_fields=["tested_at"])
        details: Details = {"outcome": refused or "succeeded"}
        note(actor, tenant, "single sign-on tested", str(provider), details)


def _locked(kind: Kind) -> IdentityProvider:
    """The current tenant's provider, locked, or a new one."""
    found = IdentityProvider.objects.select_for_update().filter(kind=kind).first()
    return found or IdentityProvider(kind=kind)


def _get(tenant: Tenant, kind: str) -> IdentityProvider:
    """The current tenant's provider, locked. Raises ActionRefused."""
    found = IdentityProvider.objects.select_for_update().filter(kind=kind).first()
    if found is None:
        raise ActionRefused("action.not-found", f"{tenant} has no such identity provider.")
    return found


def _save(
    actor: Actor, tenant: Tenant, provider: IdentityProvider, details: Details, *, is_same: bool
) -> None:
    """Store what was changed; unless it is the same issuer and client, it has to be tested again.

    So new certificates and a new secret end nobody's sign-in.
    """
    if not is_same:
        _check_not_required(provider)
        provider.tested_at, provider.is_enabled = None, False
    provider.changed_at, provider.changed_by = clock.now(), actor.name
    provider.save()
    whole = {"issuer": provider.issuer, **details}
    note(actor, tenant, "single sign-on set up", str(provider), whole)


def _check_not_required(provider: IdentityProvider) -> None:
    """Raise ActionRefused when nobody but one could sign in without the provider."""
    if provider.break_glass_id is not None:
        raise ActionRefused("sso.required", "Allow passwords again first: all sign in by it.")


def _switch(actor: Actor, tenant: Tenant, provider: IdentityProvider, *, is_enabled: bool) -> None:
    if provider.is_enabled == is_enabled:
        raise ActionRefused("action.too-late", "It is so already.")
    provider.is_enabled = is_enabled
    provider.save(update_fields=["is_enabled"])
    expiries.register(tenant, clock.now())
    act = "single sign-on enabled" if is_enabled else "single sign-on disabled"
    note(actor, tenant, act, str(provider), {"issuer": provider.issuer})


def _issuer(document_url: str) -> str:
    url = one_line(document_url, "The URL of the metadata document", URL_LENGTH)
    flaw = posting.flaw(url, private_allowed=settings.DEVELOPMENT)
    if flaw is not None:
        raise ActionRefused("sso.metadata", flaw)
    try:
        return oidc.issuer_of(url)
    except SignOnRefused as refusal:
        raise ActionRefused(refusal.reason, str(refusal)) from refusal


def _secret_end(provider: IdentityProvider, request: OidcRequest) -> date | None:
    """The day on which the secret ends; that of a secret that is kept may be over. Raises ActionRefused."""
    day, today = request.secret_expires_on, clock.now().date()
    is_kept = not request.secret and day == provider.secret_expires_on
    if day is None or is_kept:
        return day
    if not today < day <= today + MOST_AHEAD:
        raise ActionRefused(
            "action.range",
            "Enter a day within the next ten years, as Entra shows it for the secret.",
        )
    return day


def _from_metadata(text: str) -> saml.Provider:
    try:
        found = saml.read_metadata(text.strip())
    except SignOnRefused as refusal:
        raise ActionRefused(refusal.reason, str(refusal)) from refusal
    flaw = posting.flaw(found.sign_on_url, private_allowed=settings.DEVELOPMENT)
    if flaw is not None:
        raise ActionRefused("sso.metadata", f"The sign-in URL is not usable. {flaw}")
    return found


def _store_secret(provider: IdentityProvider, tenant: Tenant, secret: str) -> None:
    if secret:
        clear = one_line(secret, "The client secret", MAX_SECRET)
        provider.secret = seal(tenant.id, SECRET_USE, clear)
    elif not provider.secret:
        raise ActionRefused("action.text", "Enter the client secret.")


def link_account(actor: Actor, tenant: Tenant, account: Account, person: Identity) -> IdentityLink:
    """The link by which the account signs in as the person from now on.

    The account has proved itself to the caller: by its session, or by an invitation. Raises ActionRefused.
    """
    with refusals(), in_tenant(tenant):
        same = {"kind": person.kind, "issuer": person.issuer}
        taken = IdentityLink.objects.filter(**same, subject=person.subject).first()
        if taken is not None and taken.account_id == account.pk:
            return taken
        if taken is not None or IdentityLink.objects.filter(**same, account=account).exists():
            raise ActionRefused(
                "sso.linked",
                "The person is linked to another account, or the account to another person. Remove"
                " that link first.",
            )
        link = IdentityLink(
            **same,
            account=account,
            subject=person.subject,
            login=person.login,
            created_by=actor.name,
        )
        _insert_link(link)
        note(actor, tenant, "single sign-on linked", account.email, {"protocol": str(person.kind)})
    return link


def _insert_link(link: IdentityLink) -> None:
    """Store the link. Raises ActionRefused when another one was faster."""
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError as error:
        if violated_constraint(error) not in _ONE_EACH:
            raise
        raise ActionRefused("sso.linked", "Another link was made at the same moment.") from error


def unlink_account(actor: Actor, tenant: Tenant, account: str | UUID) -> Account:
    """The account, which no longer signs in by single sign-on. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        found = get_account(tenant, account)
        number, _ = IdentityLink.objects.filter(account=found).delete()
        if not number:
            raise ActionRefused("action.too-late", f"{found.email} is not linked any more.")
        sessions.end_all(found)
        note(actor, tenant, "single sign-on unlinked", found.email, {"links": number})
    return found


def linked_account(person: Identity) -> Account:
    """The current tenant's account that the person signs in to. Raises SignOnRefused."""
    link = (
        IdentityLink.objects.select_related("account")
        .filter(kind=person.kind, issuer=person.issuer, subject=person.subject)
        .first()
    )
    if link is None or not link.account.is_staff:
        raise SignOnRefused(
            "sso.not-linked",
            "The person is linked to no account that signs in here. Sign in once in another way and"
            " link your account, or ask an admin for an invitation.",
        )
    return link.account


def note_use(person: Identity, now: datetime) -> None:
    """Note that the person has used their link, and the name that they have at the provider now."""
    used = IdentityLink.objects.filter(kind=person.kind, issuer=person.issuer)
    used.filter(subject=person.subject).update(last_used_at=now, login=person.login)
