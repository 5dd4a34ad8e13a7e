"""Second factors: codes of an authenticator app (RFC 6238), and recovery codes for the day it is lost.

A secret is sealed for its tenant, a recovery code is a digest. Each code lets in once, in whichever
worker it arrives: the update that uses it up decides, and finds it used the second time.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp
import segno
from django.db.models import QuerySet
from django.utils.safestring import SafeString, mark_safe

from accounts import sealing
from accounts.models import FACTOR_USE, Account, Factor, RecoveryCode, Rule
from tenants.models import Tenant

REQUIRED: Final = "second factor required"  # the rule's name
PERIOD: Final = 30  # seconds
_EARLY_OR_LATE: Final = (0, -1, 1)  # periods by which the other clock may be wrong
CODES: Final = 10
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # without l and o, 0 and 1
_HALF: Final = 5  # letters; two halves have 50 bits


def is_required(tenant: Tenant) -> bool:
    """True if the accounts of the tenant, the current one, need a second factor: staff always do."""
    return tenant.is_operator or Rule.objects.filter(name=REQUIRED).exists()


def new_secret() -> str:
    """A secret for an authenticator app: 160 bits in base32."""
    return pyotp.random_base32()


def otpauth_uri(secret: str, account: Account, tenant: Tenant) -> str:
    """The content of the QR code: the secret, and the names under which the app lists it."""
    issuer = f"myPolicies {tenant.name}"
    return pyotp.TOTP(secret, interval=PERIOD).provisioning_uri(
        name=account.email, issuer_name=issuer
    )


def qr_code(uri: str) -> SafeString:
    """The drawing, as SVG: black on white in any color scheme, since cameras want it so."""
    drawn = segno.make(uri, error="m").svg_inline(
        scale=4, border=4, light="#fff", dark="#000", title="QR code", omitsize=False
    )
    return mark_safe(drawn)  # noqa: S308  # made of our own numbers by segno


def is_code_of(secret: str, code: str, now: datetime) -> int | None:
    """The period that the code is of, counted since 1970; None when it is not the app's now."""
    current = int(now.timestamp()) // PERIOD
    totp = pyotp.TOTP(secret, interval=PERIOD)
    for shift in _EARLY_OR_LATE:
        period = current + shift
        if hmac.compare_digest(totp.generate_otp(period).encode(), code.encode()):
            return period
    return None


def add_app(account: Account, tenant: Tenant, secret: str, period: int) -> Factor:
    """The authenticator app as a factor; `period` is that of the code that proved it."""
    sealed = sealing.seal(tenant.id, FACTOR_USE, secret)
    kind = Factor.Kind.CODES
    return Factor.objects.create(
        account=account, kind=kind, name=kind.label, secret=sealed, counter=period
    )


def new_recovery_codes(account: Account) -> list[str]:
    """Ten codes in place of all former ones; they are never readable again."""
    codes = [f"{_half()}-{_half()}" for _ in range(CODES)]
    RecoveryCode.objects.filter(account=account).delete()
    rows = [RecoveryCode(account=account, digest=_digest(account, code)) for code in codes]
    RecoveryCode.objects.bulk_create(rows)
    return codes


def recovery_codes_left(account: Account) -> int:
    """The number of recovery codes that are not used."""
    return RecoveryCode.objects.filter(account=account, used_at=None).count()


def of_account(account: Account) -> QuerySet[Factor]:
    """The factors of the account, the oldest first."""
    return Factor.objects.filter(account=account)


def use(account: Account, tenant: Tenant, typed: str, now: datetime) -> str:
    """Use up a code that was typed; the method it proves, "" when it is none.

    Raises accounts.sealing.SealBroken.
    """
    code = "".join(typed.lower().split())
    if code.isdecimal() and code.isascii():
        return "authenticator app" if _use_app(account, tenant, code, now) else ""
    unused = RecoveryCode.objects.filter(digest=_digest(account, code), used_at=None)
    return "recovery code" if unused.update(used_at=now) else ""


def remove_all(account: Account) -> int:
    """Remove the factors and recovery codes of the account; the number of factors."""
    RecoveryCode.objects.filter(account=account).delete()
    return Factor.objects.filter(account=account).delete()[0]


def _use_app(account: Account, tenant: Tenant, code: str, now: datetime) -> bool:
    for factor in of_account(account).filter(kind=Factor.Kind.CODES):
        period = is_code_of(sealing.unseal(tenant.id, FACTOR_USE, factor.secret), code, now)
        if period is not None:
            unused = Factor.objects.filter(pk=factor.pk, counter__lt=period)
            return unused.update(counter=period, last_used_at=now) == 1
    return False


def _half() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_HALF))


def _digest(account: Account, code: str) -> bytes:
    plain = code.replace("-", "")
    return hashlib.sha256(account.pk.bytes + plain.encode()).digest()
