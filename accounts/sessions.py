"""Sessions: which browsers an account is signed in with, and when each of them ends.

The session engine of settings.SESSION_ENGINE. A row ends 30 minutes after the last request and 8 hours after
the sign-in, whatever its cookie says. That it was seen is written once a minute, beside the data, so that a
page that is only read never takes back what another request stores.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import Account, Session
from accounts.tokens import USER_AGENT_LENGTH
from tenants import clock
from tenants.current import address_of

IDLE: Final = timedelta(minutes=30)
WHOLE: Final = timedelta(hours=8)
_TOUCHED: Final = timedelta(minutes=1)
_SIGNED_IN: Final = "signed_in"  # in a session's data: when, from where and with which browser
# What user agents hold, with the name that people know; the first that is found counts, as most of them name others.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def browser_in(user_agent: str) -> str:
    """The browser and the system in a user agent, as in "Chrome on Windows"; the user agent if it is unknown."""
    browser, system = (_named(user_agent, names) for names in (_BROWSERS, _SYSTEMS))
    if not browser:
        return user_agent
    return f"{browser} on {system}" if system else browser


def _named(user_agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for held, name in names if held in user_agent), "")


class SessionStore(db.SessionStore):
    """Sessions in the tenant's schema, with their account."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: Mapping[str, Any]) -> Session:
        """The row for the data."""
        now, signed_in = clock.now(), data.get(_SIGNED_IN, {})
        begun = datetime.fromisoformat(signed_in["at"]) if signed_in else None
        return Session(
            session_key=self._get_or_create_session_key(),  # type: ignore[attr-defined]  # Django's own
            session_data=self.encode(dict(data)),
            expire_date=_end(begun, now),
            account_id=data.get(SESSION_KEY),
            signed_in_at=begun,
            seen_at=now,
            address=signed_in.get("address"),
            user_agent=signed_in.get("user_agent", ""),
        )

    def _get_session_from_db(self) -> Session | None:
        row: Any = super()._get_session_from_db()  # type: ignore[misc]  # Django's own
        now = clock.now()
        if row is not None and row.seen_at <= now - _TOUCHED:
            end = _end(row.signed_in_at, now)
            Session.objects.filter(pk=row.pk).update(seen_at=now, expire_date=end)
        return row if isinstance(row, Session) else None


def begin(request: HttpRequest) -> None:
    """Note in the session, in which an account has just signed in, when and where that was."""
    request.session[_SIGNED_IN] = {
        "at": clock.now().isoformat(),
        "address": address_of(request),
        "user_agent": request.META.get("HTTP_USER_AGENT", "")[:USER_AGENT_LENGTH],
    }


def of_account(account_id: UUID) -> QuerySet[Session]:
    """The sessions in which the account is signed in now, the one seen last first."""
    live = Session.objects.filter(account_id=account_id, expire_date__gt=clock.now())
    return live.order_by("-seen_at", "session_key")


def end_all(account: Account, but: str | None = None) -> int:
    """End the account's sessions, all or all but one; their number."""
    return Session.objects.filter(account=account).exclude(session_key=but or "").delete()[0]


def _end(signed_in_at: datetime | None, now: datetime) -> datetime:
    return min(now + IDLE, signed_in_at + WHOLE) if signed_in_at else now + IDLE
