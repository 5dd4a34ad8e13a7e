"""Passkeys: WebAuthn's two ceremonies, for the tenant's own host name (WebAuthn Level 2 §7).

A passkey follows the password as its second factor, or signs in alone: then the authenticator names the
account, and has to have verified its user by PIN or biometrics.

The host is the relying party, so a passkey of one tenant is unknown to every other. What a browser has
to sign is kept in its session and used once. The library checks type, challenge, origin, relying party,
presence, verification and signature; the count of signatures is checked here.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts import factors
from accounts.models import Account, Factor
from tenants.models import Tenant

METHOD: Final = "passkey"
ALONE: Final = (
    "passkey without password"  # possession and the device's check of its user: two factors
)
UNKNOWN: Final = "unknown passkey"
_CREATING: Final = "creating a passkey"  # in a session's data
_PROVING: Final = "proving a passkey"
_SIGNING_IN: Final = "signing in by passkey"
_VERIFIES: Final = UserVerificationRequirement.PREFERRED


class PasskeyError(Exception):
    """The browser's answer proves nothing."""


def creation_options(request: HttpRequest, tenant: Tenant, account: Account) -> str:
    """The options of navigator.credentials.create, as JSON; what they ask is kept in the session."""
    user = PublicKeyCredentialUserEntity(
        id=account.pk.bytes, name=account.email, display_name=account.name or account.email
    )
    known = list(_credentials(account).values())
    options, state = _server(tenant).register_begin(
        user,
        known,
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,  # so that it can name the account
        user_verification=_VERIFIES,
    )
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
    state = request.session.pop(_PROVING, None)
    return _is_signed(tenant, state, _credentials(account), _read(answer), now)


def sign_in_options(request: HttpRequest, tenant: Tenant) -> str:
    """The options of navigator.credentials.get for anybody's passkey of this host, as JSON."""
    required = UserVerificationRequirement.REQUIRED
    options, state = _server(tenant).authenticate_begin(user_verification=required)
    request.session[_SIGNING_IN] = state
    return json.dumps(dict(options)["publicKey"])


def named_by(answer: str) -> Factor | None:
    """The passkey that the browser's answer names, with its account; proved by nothing yet."""
    response = _read(answer)
    if response is None:
        return None
    passkeys = Factor.objects.filter(kind=Factor.Kind.PASSKEY).select_related("account")
    named = passkeys.filter(credential_id=response.raw_id).first()
    is_owner = named is not None and response.response.user_handle == named.account_id.bytes
    return named if is_owner else None


def signs_in(
    request: HttpRequest, tenant: Tenant, passkey: Factor | None, answer: str, now: datetime
) -> bool:
    """True if the answer is signed by the passkey, after its user was verified; good once."""
    state = request.session.pop(_SIGNING_IN, None)
    known = _by_key([passkey] if passkey else [])
    return _is_signed(tenant, state, known, _read(answer), now)


def _read(answer: str) -> AuthenticationResponse | None:
    try:
        response: AuthenticationResponse = AuthenticationResponse.from_dict(json.loads(answer))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return response


def _is_signed(
    tenant: Tenant,
    state: Any,
    known: dict[Any, AttestedCredentialData],
    response: AuthenticationResponse | None,
    now: datetime,
) -> bool:
    """True if one of the known passkeys signed what the state asks for; notes its use."""
    if response is None:
        return False
    try:
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
    return _by_key(factors.of_account(account).filter(kind=Factor.Kind.PASSKEY))


def _by_key(rows: Iterable[Factor]) -> dict[Any, AttestedCredentialData]:
    return {each.pk: AttestedCredentialData(bytes(each.public_key or b"")) for each in rows}


def _server(tenant: Tenant) -> Fido2Server:
    party = PublicKeyCredentialRpEntity(id=tenant.host, name=f"myPolicies {tenant.name}")
    return Fido2Server(party, verify_origin=lambda origin: origin == tenant.base_url)
