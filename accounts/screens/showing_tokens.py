"""A secret token as pages show it: its facts, its state, and the page with its value, this one time."""

from collections.abc import Mapping
from typing import Final

from django.utils.formats import localize
from django.utils.safestring import SafeString

from accounts.actions import Minted
from accounts.console.page import Fact, Facts, Page, Section, State, badge, list_path, when_stored
from accounts.models import RestrictedCredential, SecretToken
from tenants import clock
from tenants.current import current_tenant

_SHOWN_ONCE: Final = (
    "Copy the secret token now: it is shown only once, and we store only a digest. If it is lost,"
    " generate another one and revoke this one."
)

_LOOKS: Final[Mapping[str, State]] = {
    "live": "ok",
    "expired": "warning",
    "revoked": "unknown",  # on purpose
}


def shown_once(minted: Minted) -> Page:
    """The page that shows the value of a new token."""
    tenant = current_tenant()
    to_enter = (
        Fact("Tenant URL", tenant.tenant_url, copyable=True),
        Fact("Secret Token", minted.value, copyable=True),
    )
    caption = "Enter these in Microsoft Entra ID, under Provisioning"
    return Page(
        f"Secret token of {tenant.name}",
        (
            Facts(caption, to_enter, shown_once=True),
            facts_of(minted.token),
            *_ended(minted.replaced),
        ),
        notice=_SHOWN_ONCE,
        onward=when_stored(list_path(SecretToken), "the secret token", "Go to the secret tokens"),
    )


def standing(word: str) -> SafeString:
    """The badge for the state of a credential: "live", or in a word or two why it is refused."""
    word = word.lower()
    return badge(_LOOKS.get(word, "failing"), word.capitalize())


def facts_of(token: SecretToken) -> Facts:
    """The facts about a token, none of its value."""
    facts = [
        Fact("Label", token.label),
        Fact("Public id", token.public_id),
        Fact("State", standing(token.state(clock.now()))),
        Fact("Issued for", str(token.issued_for)),
        Fact("Created", token.created_at),
        Fact("Created by", token.created_by),
        Fact("Expires", _expires(token)),
        Fact("Allowed addresses", from_where(token)),
    ]
    if token.revoked_at:
        facts += [Fact("Revoked", token.revoked_at), Fact("Revoked by", token.revoked_by)]
    return Facts("Secret token", tuple(facts))


def from_where(credential: RestrictedCredential) -> str:
    """The addresses from which the credential works, in words."""
    allowed = credential.allowed_networks.split()
    if credential.preset_date is not None:
        allowed.append(f"Microsoft Entra ID, as published on {credential.preset_date:%-d %b %Y}")
    return ", ".join(allowed) or "Anywhere"


def _expires(token: SecretToken) -> str:
    if token.expires_at is None:
        return f"Never: {token.no_expiry_reason}"
    return str(localize(token.expires_at))


def _ended(replaced: tuple[SecretToken, ...]) -> tuple[Section, ...]:
    """The ends of the tokens that the new one replaces; nothing if there are none."""
    if not replaced:
        return ()
    facts = tuple(
        Fact(str(token), "Revoked" if token.revoked_at else f"Works until {_expires(token)}")
        for token in replaced
    )
    return (Facts("Tokens that end", facts),)
