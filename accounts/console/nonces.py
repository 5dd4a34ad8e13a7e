"""One-time marks of forms: a form that was sent twice acts once.

The mark is made with the form, kept in the session and used up by the first POST. The session's row
is locked and read again meanwhile, so that of two POSTs at the same moment the second one finds the
mark gone.
"""

import secrets
from typing import Final

from django.contrib.sessions.models import Session
from django.http import HttpRequest

from accounts.signed_in import home_tenant
from tenants.current import in_tenant

_KEY: Final = "form_nonces"
_MOST: Final = 20  # forms open at the same time; older ones have to be opened again


def issue(request: HttpRequest) -> str:
    """A new mark, remembered in the session."""
    nonce = secrets.token_urlsafe(16)
    request.session[_KEY] = [*request.session.get(_KEY, []), nonce][-_MOST:]
    return nonce


def use_up(request: HttpRequest, nonce: str) -> bool:
    """True the first time that a mark of this session is used.

    Locks the session's row, in the schema of the host that was called, until the request ends.
    """
    open_nonces = _stored(request)
    if nonce not in open_nonces:
        return False
    request.session[_KEY] = [other for other in open_nonces if other != nonce]
    return True


def _stored(request: HttpRequest) -> list[str]:
    with in_tenant(home_tenant(request)):
        key = request.session.session_key
        row = Session.objects.select_for_update().filter(session_key=key).first()
    stored: list[str] = row.get_decoded().get(_KEY, []) if row else []
    return stored
