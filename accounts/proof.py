"""The last time that a session's account proved to be whoever it is for: by a password, a code or a passkey.

Signing in is a proof. Actions that ask for a recent one (`Action.needs_proof`) lead to the page
`admin:confirm` once the last one is too old, and back from there.
"""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest

from accounts.links import own_path, staff_path
from accounts.signed_in import home_tenant
from tenants import clock

FRESH: Final = timedelta(minutes=10)
_KEY: Final = "proof"


def renew(request: HttpRequest, method: str) -> None:
    """Note a proof in the session; `method` is a word or two, such as "password"."""
    request.session[_KEY] = {"at": clock.now().isoformat(), "method": method}


def method_of(request: HttpRequest) -> str:
    """The method of the last proof; "" without one."""
    kept: dict[str, str] = request.session.get(_KEY, {})
    return kept.get("method", "")


def is_fresh(request: HttpRequest) -> bool:
    """True if the last proof is recent enough for actions that matter."""
    kept = request.session.get(_KEY)
    return kept is not None and datetime.fromisoformat(kept["at"]) > clock.now() - FRESH


def confirm_path(request: HttpRequest) -> str:
    """The path of the page that asks for a proof and leads back here; on the host that was called."""
    path = staff_path if home_tenant(request).is_operator else own_path
    return f"{path('admin:confirm')}?{urlencode({'next': request.get_full_path()})}"
