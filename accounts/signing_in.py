"""Signing in: a password is proved within the limits, and the session begins.

Refusals are the same for known and unknown accounts, in words and in what is done for them.
"""

import math
from typing import Any, Final

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts import guessing
from accounts.actions.performing import ActionRefused
from accounts.guessing import Attempt
from accounts.hashing import Busy, lane
from accounts.models import Account, normalize_login
from tenants import clock
from tenants.current import address_of

_BUSY: Final = "Many people are signing in at this moment. Try again in a second."
_MINUTE: Final = 60  # seconds


class SignInRefused(ActionRefused):
    """A sign-in that is not even tried now; `seconds` from now it may be."""

    def __init__(self, reason: str, sentence: str, seconds: int) -> None:
        super().__init__(reason, sentence)
        self.seconds = seconds


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
    if isinstance(account, Account) and account.is_staff:
        return account
    named = Account.objects.filter(email=attempt.login).first()
    guessing.fail(attempt, named, now)
    return None


def check_limits(attempt: Attempt) -> None:
    """Raise SignInRefused while the attempt comes too early."""
    now = clock.now()
    seconds = math.ceil((guessing.opens_at(attempt, now) - now).total_seconds())
    if seconds > _MINUTE * 2:
        minutes = math.ceil(seconds / _MINUTE)
        raise SignInRefused(
            "sign-in.locked",
            "Sign-in is locked after too many failed attempts. Try again in"
            f" {minutes} minutes, or ask an admin or support to unlock the account.",
            seconds,
        )
    if seconds > 0:
        raise SignInRefused(
            "sign-in.too-early",
            f"Several attempts have failed. Wait {seconds} seconds, then try again.",
            seconds,
        )


def note_success(request: HttpRequest, account: Account) -> dict[str, int]:
    """Forget failures of the account from here; details for the entry about the sign-in."""
    attempt = Attempt(normalize_login(account.email), address_of(request))
    refused = guessing.succeed(attempt, account, clock.now())
    return {"refused before": refused} if refused else {}
