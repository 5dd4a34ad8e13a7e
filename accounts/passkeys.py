"""Passkeys: WebAuthn's two ceremonies, for the tenant's own host name (WebAuthn Level 2 §7).

The host is the relying party, so a passkey of one tenant is unknown to every other. What a browser has
to sign is kept in its session and used once. The library checks type, challenge, origin, relying party,
presence, verification and signature; the count of signatures is checked here.
"""

import json
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    UserVerificationRequirement,
)

from accounts import factors
from accounts.models import Account, Factor
from tenants.models import Tenant

METHOD: Final = "passkey"
_CREATING: Final = "creating a passkey"  # in a session's data
_PROVING: Final = "proving a passkey"
_VERIFIES: Final = UserVerificationRequirement.PREFERRED


class PasskeyError(Exception):
    """The browser's answer proves nothing."""


def creation_options(request: HttpRequest, tenant: Tenant, account: Account) -> str:
    """The options of navigator.credentials.create, as JSON; what they ask is kept in the session."""
    user = PublicKeyCredentialUserEntity(
        id=account.pk.bytes, name=account.email, display_name=account.name or account.email
    )
    known = list(_credentials(account).values())
    options, state = _server(tenant).register_begin(user, known, user_verification=_VERIFIES)
    request.session[_CREATING] = state
    return json.dumps(dict(options)["publicKey"])


def create(
    request: HttpRequest, tenant: Tenant, account: Account, answer: str, name: str
) -> Factor:
    """The passkey that the browser made, as a factor. Raises PasskeyError."""
    state = request.session.pop(_CREATING, None)
    try:
        made = _server(tenant).register_complete(state, json.loads(answer)).credential_data
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyError from error
    if made is None:
        raise PasskeyError
    return Factor.objects.create(
        account=account,
        kind=Factor.Kind.PASSKEY,
        name=name,
        credential_id=made.credential_id,
        public_key=bytes(made),
    )


def proof_options(request: HttpRequest, tenant: Tenant, account: Account) -> str:
    """The options of navigator.credentials.get, as JSON; "" for an account without passkeys."""
    known = list(_credentials(account).values())
    if not known:
        return ""
    options, state = _server(tenant).authenticate_begin(known, user_verification=_VERIFIES)
    request.session[_PROVING] = state
    return json.dumps(dict(options)["publicKey"])


def proves(
    request: HttpRequest, tenant: Tenant, account: Account, answer: str, now: datetime
) -> bool:
    """True if the browser's answer is signed by a passkey of the account; good once."""
    state, known = request.session.pop(_PROVING, None), _credentials(account)
    try:
        response = AuthenticationResponse.from_dict(json.loads(answer))
        used = _server(tenant).authenticate_complete(state, list(known.values()), response)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    count = response.response.authenticator_data.counter
    factor = next(key for key, each in known.items() if each.credential_id == used.credential_id)
    current = Factor.objects.filter(pk=factor)
    if count:  # passkeys that are synchronized count nothing; of others a copy is found out
        current = current.filter(counter__lt=count)
    return current.update(counter=count, last_used_at=now) == 1


def _credentials(account: Account) -> dict[Any, AttestedCredentialData]:
    """The passkeys of the account by the keys of their rows."""
    rows = factors.of_account(account).filter(kind=Factor.Kind.PASSKEY)
    return {each.pk: AttestedCredentialData(bytes(each.public_key or b"")) for each in rows}


def _server(tenant: Tenant) -> Fido2Server:
    party = PublicKeyCredentialRpEntity(id=tenant.host, name=f"myPolicies {tenant.name}")
    return Fido2Server(party, verify_origin=lambda origin: origin == tenant.base_url)
