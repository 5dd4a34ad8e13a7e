"""The form of an action, and the mark by which a form that was sent twice acts once.

The mark is made with the form, kept in the session and used up by the first POST. The session's row
is locked and read again meanwhile, so that of two POSTs at the same moment the second one finds the
mark gone.
"""

import secrets
from typing import Any, Final

from django import forms
from django.http import HttpRequest

from accounts.signed_in import lock_session

_KEY: Final = "form_nonces"
_MOST: Final = 20  # forms open at the same time; older ones have to be opened again


class ActionForm(forms.Form):
    """A form whose action runs once: `nonce` is used up by the first POST."""

    nonce = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


def issue_nonce(request: HttpRequest) -> str:
    """A new mark, remembered in the session."""
    nonce = secrets.token_urlsafe(16)
    request.session[_KEY] = [*request.session.get(_KEY, []), nonce][-_MOST:]
    return nonce


def use_up(request: HttpRequest, nonce: str) -> bool:
    """True the first time that a mark of this session is used.

    Locks the session's row, in the schema of the host that was called, until the request ends.
    """
    row = lock_session(request)
    open_nonces: list[str] = row.get_decoded().get(_KEY, []) if row else []
    if nonce not in open_nonces:
        return False
    request.session[_KEY] = [other for other in open_nonces if other != nonce]
    return True
