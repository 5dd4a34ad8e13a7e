"""Wrong passwords and codes: counted by account and address, until a wait follows and then a lock.

Three counts in the tenant's schema decide when the next attempt may be made:

- of an account from one address: free at first, then a wait that doubles, then a lock;
- of an account from all addresses, and of an address over all accounts: a lock, which does not hold
  where the account has signed in from that address in the last month. So nobody who guesses from
  elsewhere, or from behind the same proxy, locks its owner out.

An account is counted by what was typed, so an unknown one waits and is locked alike. Attempts that come
too early are refused before anything is hashed and count as nothing. Keys are digests under SECRET_KEY:
what people type by mistake is kept nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q
from django.utils.crypto import salted_hmac

from accounts.audit import Actor, record
from accounts.models import Account, Guesses, normalize_login

LOCK: Final = timedelta(minutes=15)
FORGOTTEN: Final = timedelta(hours=1)  # after the last failure a count begins anew
KNOWN: Final = timedelta(days=30)
NOTED: Final = timedelta(minutes=1)  # between two audit entries about an account
NOBODY: Final = "unknown account"
SIGN_ON: Final = "single sign-on"
REFUSED: Final = "sign-in refused"
_SOMEBODY: Final = "somebody"

# Links for a forgotten password: an account in five minutes, an address in an hour.
LINKS_OF_LOGIN: Final = 3
LINKS_OF_ADDRESS: Final = 20
_LINKS: Final = timedelta(minutes=5)

_ASK: Final = """
    INSERT INTO accounts_guesses AS kept (key, login, failures, last_at, unnoted)
    VALUES (%(key)s, '', 1, %(now)s, 0)
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN kept.last_at < %(since)s THEN 1 ELSE kept.failures + 1 END,
        last_at = CASE WHEN kept.last_at < %(since)s THEN EXCLUDED.last_at ELSE kept.last_at END
    RETURNING failures"""
_FAIL: Final = """
    INSERT INTO accounts_guesses AS kept (key, login, failures, last_at, unnoted)
    VALUES (%(first)s, %(login)s, 1, %(now)s, 0), (%(second)s, %(login)s, 1, %(now)s, 0),
        (%(third)s, '', 1, %(now)s, 0)
    ON CONFLICT (key) DO UPDATE SET last_at = EXCLUDED.last_at,
        failures = CASE WHEN kept.last_at < %(forgotten)s THEN 1 ELSE kept.failures + 1 END
    RETURNING key, failures"""
_KNOW: Final = """
    INSERT INTO accounts_guesses AS kept (key, login, failures, last_at, unnoted, known_at)
    VALUES (%(key)s, %(login)s, 0, %(now)s, 0, %(now)s)
    ON CONFLICT (key) DO UPDATE SET failures = 0, last_at = EXCLUDED.last_at,
        known_at = EXCLUDED.known_at"""
_NOTE: Final = """
    INSERT INTO accounts_guesses AS kept (key, login, failures, last_at, unnoted)
    VALUES (%(key)s, '', 0, %(now)s, 1)
    ON CONFLICT (key) DO UPDATE SET last_at = EXCLUDED.last_at, unnoted = kept.unnoted + 1
    RETURNING unnoted, noted_at"""


@dataclass(frozen=True, slots=True)
class Limit:
    """The failures after which a wait follows, of seconds that double, and those that lock."""

    free: int
    most: int

    def wait(self, failures: int) -> timedelta:
        """The wait after so many failures."""
        if failures >= self.most:
            return LOCK
        return timedelta(seconds=2 ** (failures - self.free) if failures > self.free else 0)


OF_PAIR: Final = Limit(free=3, most=10)
OF_LOGIN: Final = Limit(free=50, most=50)
OF_ADDRESS: Final = Limit(free=50, most=50)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to come in as whoever `login` names, from an address."""

    login: str  # as accounts.models.normalize_login writes it
    address: str | None

    @property
    def keys(self) -> tuple[tuple[str, Limit], ...]:
        """The three counts: of both, of the login, of the address."""
        return (
            (_key("pair", f"{self.login} {self.address}"), OF_PAIR),
            (_key("login", self.login), OF_LOGIN),
            (_key("address", str(self.address)), OF_ADDRESS),
        )


def opens_at(attempt: Attempt, now: datetime) -> datetime:
    """The moment from which the attempt may be made: `now` or later. One statement."""
    keys = attempt.keys
    rows = Guesses.objects.in_bulk([key for key, _ in keys])
    pair = rows.get(keys[0][0])
    is_known = pair is not None and pair.known_at is not None and pair.known_at > now - KNOWN
    counted = keys[:1] if is_known else keys
    return max([now, *(_opens(rows, key, limit) for key, limit in counted if key in rows)])


def fail(attempt: Attempt, account: Account | None, now: datetime) -> None:
    """Count a failure and have the audit log tell of it: at once, then at most once a minute.

    `account` is the one that was named; None if there is none. Needs a transaction in the tenant.
    """
    keys = attempt.keys
    names = dict(zip(("first", "second", "third"), (key for key, _ in keys), strict=True))
    values: dict[str, Any] = {**names, "login": _login_key(attempt.login), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_FAIL, {**values, "forgotten": now - FORGOTTEN})
        failures = dict(cursor.fetchall())
    locks = failures[keys[0][0]] == OF_PAIR.most
    _note(attempt, account, now, locks=locks)


def succeed(attempt: Attempt, account: Account, now: datetime) -> int:
    """Forget the failures of the account from that address; the number that no audit entry tells of."""
    values: dict[str, Any] = {
        "key": attempt.keys[0][0],
        "login": _login_key(attempt.login),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_KNOW, values)
    noted = Guesses.objects.filter(key=_key("note", str(account.pk)), unnoted__gt=0).first()
    if noted is None:
        return 0
    Guesses.objects.filter(pk=noted.pk).update(unnoted=0, noted_at=now)
    return noted.unnoted


def count_links(attempt: Attempt, now: datetime) -> tuple[int, int]:
    """Count a link that is asked for; how many were in the time of the account, and of the address."""
    counted = (
        (_key("links", attempt.login), now - _LINKS),
        (_key("links of address", str(attempt.address)), now - FORGOTTEN),
    )
    counts = []
    with connection.cursor() as cursor:
        for key, since in counted:
            cursor.execute(_ASK, {"key": key, "now": now, "since": since})
            counts.append(int(cursor.fetchone()[0]))
    return counts[0], counts[1]


def locked_until(account: Account, now: datetime) -> datetime | None:
    """The end of the last wait or lock that holds for the account from somewhere; None without one."""
    held = Q(failures__gt=OF_PAIR.free, last_at__gt=now - LOCK)
    rows = Guesses.objects.filter(held, login=_login_key(account.email))
    whole = _key("login", account.email)
    limits = ((row, OF_LOGIN if row.pk == whole else OF_PAIR) for row in rows)
    ends = (row.last_at + limit.wait(row.failures) for row, limit in limits)
    return max((end for end in ends if end > now), default=None)


def unlock(account: Account) -> None:
    """Forget the failures of the account from all addresses."""
    Guesses.objects.filter(login=_login_key(account.email)).update(failures=0)


def purge(now: datetime) -> int:
    """Remove counts that decide nothing any more, once the audit log has told of them; their number."""
    old = Guesses.objects.filter(last_at__lt=now - FORGOTTEN)
    untold = list(old.filter(unnoted__gt=0).order_by("pk"))
    named = {_key("note", str(each.pk)): each for each in Account.objects.all()} if untold else {}
    for row in untold:
        times = {"times": row.unnoted}
        record(Actor(_SOMEBODY), REFUSED, _subject(named.get(row.pk)), times)
    unknown = Q(known_at=None) | Q(known_at__lt=now - KNOWN)
    return old.filter(unknown).delete()[0]


def note_sign_on(who: str, by: Actor, subject: str, reason: str, now: datetime) -> None:
    """Have the audit log tell of a single sign-on that was refused: at once, then at most once a minute.

    `who` tells strangers apart, as far as anybody knows. Needs a transaction in the tenant.
    """
    key = _key("note", f"{SIGN_ON} {who}")
    times, noted_at = _count_note(key, now)
    if noted_at is None or noted_at <= now - NOTED:
        details: dict[str, str | int] = {"method": SIGN_ON, "reason": reason}
        if times > 1:
            details["times"] = times
        record(by, REFUSED, subject, details)
        Guesses.objects.filter(key=key).update(unnoted=0, noted_at=now)


def _count_note(key: str, now: datetime) -> tuple[int, datetime | None]:
    """The number of failures that no audit entry tells of, this one included, and the time of the last entry."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"key": key, "now": now})
        unnoted, noted_at = cursor.fetchone()
    return unnoted, noted_at


def _note(attempt: Attempt, account: Account | None, now: datetime, *, locks: bool) -> None:
    key = _key("note", str(account.pk) if account else NOBODY)
    unnoted, noted_at = _count_note(key, now)
    somebody = Actor(_SOMEBODY, attempt.address)
    if noted_at is None or noted_at <= now - NOTED or locks:
        record(somebody, REFUSED, _subject(account), {"times": unnoted})
        Guesses.objects.filter(key=key).update(unnoted=0, noted_at=now)
    if locks:
        minutes = int(LOCK.total_seconds() // 60)
        record(somebody, "sign-in locked", _subject(account), {"minutes": minutes})


def _opens(rows: Mapping[str, Guesses], key: str, limit: Limit) -> datetime:
    return rows[key].last_at + limit.wait(rows[key].failures)


def _subject(account: Account | None) -> str:
    return account.email if account else NOBODY


def _login_key(login: str) -> str:
    return _key("login", normalize_login(login))


def _key(kind: str, value: str) -> str:
    return salted_hmac("accounts.guessing", f"{kind} {value}", algorithm="sha256").hexdigest()
