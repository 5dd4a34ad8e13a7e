"""Signing in: a password is proved within the limits, and the session begins.

Refusals are the same for known and unknown accounts, in words and in what is done for them.
"""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django.contrib.auth import authenticate, login
from django.http import HttpRequest
from django.urls import reverse

from accounts import factors, guessing, passkeys, proof
from accounts.actions.performing import ActionRefused
from accounts.audit import record
from accounts.guessing import Attempt
from accounts.hashing import Busy, lane
from accounts.models import Account, normalize_login
from accounts.sealing import SealBroken
from accounts.signed_in import actor
from accounts.sso import rules
from tenants import clock, rates
from tenants.current import address_of, current_tenant
from tenants.words import counted

_logger = logging.getLogger(__name__)

_BUSY: Final = "Many people are signing in at this moment. Try again in a second."
_UNREADABLE: Final = (
    "Your authenticator app cannot be checked, because the server has lost the key to its secret. Use a"
    " recovery code, or ask an admin to reset your second factor."
)
_MINUTE: Final = 60  # seconds
SINGLE_SIGN_ON: Final = "single sign-on"  # a method of proof that needs no factor of ours
# In a session's data: its account has yet to set up a second factor, and sees nothing until then.
SET_UP_FIRST: Final = "set_up_first"
_HALF: Final = "half_signed_in"  # in a session's data
OPTIONS: Final = rates.Rate(per_second=1, burst=60)  # of an address, which a whole office may share
_HALF_LASTS: Final = timedelta(minutes=10)
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class Half:
    """An account whose password was proved, and the path to go on to after the second factor."""

    account: Account
    way_on: str


class SignInRefused(ActionRefused):
    """A sign-in that is not even tried now; `seconds` from now it may be, if waiting helps."""

    def __init__(
        self,
        reason: str,
        sentence: str,
        seconds: int | None = None,
        status: HTTPStatus = HTTPStatus.TOO_MANY_REQUESTS,
    ) -> None:
        super().__init__(reason, sentence)
        self.seconds, self.status = seconds, status


def prove_password(request: HttpRequest, email: str, password: str) -> Account | None:
    """The account of the current tenant that has this password; None counts as a failure.

    Raises SignInRefused. Needs the request's transaction.
    """
    attempt = Attempt(normalize_login(email), address_of(request))
    try:
        with lane.place(attempt.address or ""):
            now = clock.now()
            check_limits(attempt)
            account: Any = authenticate(request, username=email, password=password)
    except Busy:
        raise SignInRefused("sign-in.busy", _BUSY, 1) from None
    if isinstance(account, Account) and _may_sign_in(account):
        return account
    named = Account.objects.filter(email=attempt.login).first()
    guessing.fail(attempt, named, now)
    return None


def _may_sign_in(account: Account) -> bool:
    """True if the account may come in here, and without single sign-on."""
    return account.is_active and account.is_staff and rules.may_use_password(account)


def check_limits(attempt: Attempt) -> None:
    """Raise SignInRefused while the attempt comes too early."""
    now = clock.now()
    seconds = math.ceil((guessing.opens_at(attempt, now) - now).total_seconds())
    if seconds > _MINUTE * 2:
        minutes = math.ceil(seconds / _MINUTE)
        raise SignInRefused(
            "sign-in.locked",
            "Sign-in is locked after too many failed attempts. Try again in"
            f" {counted(minutes, 'minute')}, or ask an admin or support to unlock the account.",
            seconds,
        )
    if seconds > 0:
        raise SignInRefused(
            "sign-in.too-early",
            f"Several attempts have failed. Wait {counted(seconds, 'second')}, then try again.",
            seconds,
        )


def password_proved(request: HttpRequest, account: Account, way_on: str) -> str:
    """The path to go on to: that of the second factor if the account has one, else `way_on`."""
    if not factors.of_account(account).exists():
        complete(request, account, "password")
        if not factors.is_required(current_tenant()):
            return way_on
        request.session[SET_UP_FIRST] = True
        return reverse("admin:your_account")
    request.session.cycle_key()
    request.session[_HALF] = {
        "account": str(account.pk),
        "hash": account.get_session_auth_hash(),
        "at": clock.now().isoformat(),
        "way_on": way_on,
    }
    return reverse("admin:second_factor")


def half_signed_in(request: HttpRequest) -> Half | None:
    """The account whose password this browser has proved, and no more; None when that was long ago."""
    kept = request.session.get(_HALF)
    if not kept or datetime.fromisoformat(kept["at"]) <= clock.now() - _HALF_LASTS:
        return None
    account = Account.objects.filter(pk=kept["account"], is_active=True).first()
    if account is None or not _is_hash_of(account, kept["hash"]):
        return None
    return Half(account, kept["way_on"])


def _is_hash_of(account: Account, kept: str) -> bool:
    """True if the account has the password that it had, whichever SECRET_KEY made the hash."""
    former: Iterable[str] = account.get_session_auth_fallback_hash()
    return kept in {account.get_session_auth_hash(), *former}


def prove_code(request: HttpRequest, account: Account, typed: str) -> str:
    """The method that a code proves; "" counts as a failure. Raises SignInRefused."""
    attempt = Attempt(account.email, address_of(request))
    check_limits(attempt)
    now = clock.now()
    try:
        method = factors.use(account, current_tenant(), typed, now)
    except SealBroken:
        _logger.exception("The secret of an authenticator app cannot be read.")
        raise SignInRefused(
            "sign-in.sealed", _UNREADABLE, status=HTTPStatus.SERVICE_UNAVAILABLE
        ) from None
    if not method:
        guessing.fail(attempt, account, now)
    return method


def prove_passkey(request: HttpRequest, account: Account, answer: str) -> str:
    """The method that the browser's answer proves; "" counts as a failure. Raises SignInRefused."""
    attempt = Attempt(account.email, address_of(request))
    check_limits(attempt)
    now = clock.now()
    if passkeys.proves(request, current_tenant(), account, answer, now):
        return passkeys.METHOD
    guessing.fail(attempt, account, now)
    return ""


def prove_passkey_alone(request: HttpRequest, answer: str) -> Account | None:
    """The account whose passkey signed the browser's answer; None counts as a failure.

    Raises SignInRefused. Needs the request's transaction.
    """
    passkey = passkeys.named_by(answer)
    account = passkey.account if passkey else None
    attempt = Attempt(account.email if account else passkeys.UNKNOWN, address_of(request))
    check_limits(attempt)
    now = clock.now()
    is_signed = passkeys.signs_in(request, current_tenant(), passkey, answer, now)
    if account and is_signed and _may_sign_in(account):
        return account
    guessing.fail(attempt, account, now)
    return None


def check_options(request: HttpRequest) -> None:
    """Count a page that asks for anybody's passkey, which is kept in a session. Raises SignInRefused."""
    seconds = rates.take(f"passkey {current_tenant().id} {address_of(request)}", OPTIONS)
    if seconds:
        raise SignInRefused("sign-in.busy", _BUSY, seconds)


def complete(request: HttpRequest, account: Account, method: str) -> None:
    """Sign the account in, by that method, after all checks; audited. Ends what the session was before."""
    request.session.pop(_HALF, None)
    login(request, account, backend=_BACKEND)
    proof.renew(request, method)
    attempt = Attempt(account.email, address_of(request))
    refused = guessing.succeed(attempt, account, clock.now())
    details: dict[str, str | int] = {"method": method}
    if refused:
        details["refused before"] = refused
    record(actor(request), "signed in", account.email, details)


def note_success(request: HttpRequest, account: Account) -> None:
    """Forget failures of the account from here."""
    guessing.succeed(Attempt(account.email, address_of(request)), account, clock.now())
