"""The environment variables that the program reads: one row each, whatever shows or documents them.

`config.environment` reads no other. README.md's table and deploy/mypolicies.env are made of these rows by
`make docs`, `manage.py settings` prints them with their values, and tests compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The type of a variable's value."""

    TEXT = "text"
    PATH = "path"
    NUMBER = "number"
    ADDRESS = "IP address"
    DATABASE = "database URL"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. The default is its value as text; `shown` describes one that is computed."""

    name: str
    kind: Kind
    meaning: str
    default: str = ""
    shown: str = ""
    least: int = 1  # of a number, like the next
    most: int = 0
    choices: tuple[str, ...] = ()
    is_secret: bool = False
    for_development: bool = False  # of no use in production

    @property
    def documented_default(self) -> str:
        """The default in words of Markdown."""
        return self.shown or (f"`{self.default}`" if self.default else "none")


_PORTS: Final = 65_535

_ROWS: Final = (
    Variable(
        "BIND",
        Kind.ADDRESS,
        "the address that gunicorn listens on: `0.0.0.0` or `::` for a container that publishes it",
        "127.0.0.1",
    ),
    Variable("PORT", Kind.NUMBER, "the port there", "8000", most=_PORTS),
    Variable(
        "TRUSTED_PROXIES",
        Kind.TEXT,
        (
            "the proxies whose `X-Forwarded-For` or `Forwarded` names the client: addresses and networks "
            "with commas between, `unix` for a Unix socket ([docs/operations.md](docs/operations.md))"
        ),
    ),
    Variable(
        "DATA_DIR",
        Kind.PATH,
        "the embedded database and, in development, the secret key; e-mail in files",
        shown="`.data`",
    ),
    Variable(
        "DATABASE_URL",
        Kind.DATABASE,
        (
            "`postgresql://user:password@host:port/name` of your own PostgreSQL 15 or newer, in place of "
            "the embedded one; a role that is no superuser"
        ),
        is_secret=True,
    ),
    Variable(
        "MIGRATION_DATABASE_URL",
        Kind.DATABASE,
        (
            "the same database by the login that owns it, direct and not through a pooler: `migrate` uses "
            "it. Without it DATABASE_URL is the owner's"
        ),
        is_secret=True,
    ),
    Variable(
        "DATABASE_POOLER",
        Kind.CHOICE,
        (
            "`detect` finds a pooler such as PgBouncer by its process ids; `transaction` is for one that "
            "cannot be found so. Time limits then go with each transaction"
        ),
        "detect",
        choices=("detect", "transaction"),
    ),
    Variable(
        "PREPARED_STATEMENTS",
        Kind.CHOICE,
        "`off` has PostgreSQL plan each statement every time, as it does behind a pooler in any case",
        "on",
        choices=("on", "off"),
    ),
    Variable(
        "BASE_DOMAIN",
        Kind.TEXT,
        (
            "tenants are `<customDomain>.<BASE_DOMAIN>`, staff is `admin.<BASE_DOMAIN>`; outside "
            "`.localhost` it is production: HTTPS cookies, SECRET_KEY required"
        ),
        "mypolicies.localhost",
    ),
    Variable(
        "SECRET_KEY",
        Kind.TEXT,
        "signs sessions and forms, encrypts stored secrets; at least 50 random characters",
        shown="made in development",
        is_secret=True,
    ),
    Variable(
        "SECRET_KEY_FALLBACKS",
        Kind.TEXT,
        (
            "former keys, with commas between (one in a key is written twice): what was signed or encrypted with one of them is still read "
            "([docs/operations.md](docs/operations.md))"
        ),
        is_secret=True,
    ),
    Variable(
        "STAFF_EMAIL",
        Kind.TEXT,
        "the first staff account, at the first `make run`",
        shown="`staff@` and `BASE_DOMAIN`",
        for_development=True,
    ),
    Variable(
        "STAFF_PASSWORD",
        Kind.TEXT,
        "its password",
        shown="generated",
        is_secret=True,
        for_development=True,
    ),
    Variable(
        "WEB_CONCURRENCY",
        Kind.NUMBER,
        (
            "worker processes with four threads each; five connections a process, and ten more, must be "
            "within PostgreSQL's `max_connections`"
        ),
        shown="number of cores, 16 at most",
        most=256,
    ),
    Variable(
        "TENANT_RATE",
        Kind.NUMBER,
        (
            "requests a second that a tenant may send in the long run, and 200 at once; `0` for no limit "
            "([docs/security.md](docs/security.md))"
        ),
        "100",
        least=0,
        most=100_000,
    ),
    Variable(
        "ACCESS_TOKEN_MINUTES",
        Kind.NUMBER,
        "the lifetime of an access token of an OAuth client, 60 to 360",
        "60",
        least=60,
        most=360,
    ),
    Variable(
        "EVENT_GIVE_UP_HOURS",
        Kind.NUMBER,
        "the time for which an event is tried again before its stream stops, up to 720",
        "72",
        most=24 * 30,
    ),
    Variable(
        "EVENT_TIMEOUT_SECONDS",
        Kind.NUMBER,
        "the time in which the receiver of an event has to answer, up to 60",
        "10",
        most=60,
    ),
    Variable(
        "EMAIL_HOST",
        Kind.TEXT,
        (
            "the server that sends e-mail: invitations, warnings and alarms, through `run_jobs`. Without "
            "it messages are files in `DATA_DIR/mail`, which only their owner may read"
        ),
    ),
    Variable(
        "EMAIL_PORT",
        Kind.NUMBER,
        "its port; 587 uses STARTTLS, 465 TLS",
        "587",
        most=_PORTS,
    ),
    Variable("EMAIL_USER", Kind.TEXT, "the name to sign in with there"),
    Variable("EMAIL_PASSWORD", Kind.TEXT, "the password to sign in with there", is_secret=True),
    Variable(
        "EMAIL_FROM", Kind.TEXT, "the sender of e-mail", shown="`no-reply@` and `BASE_DOMAIN`"
    ),
    Variable(
        "LEAKED_PASSWORDS_FILE",
        Kind.PATH,
        (
            "a sorted list of SHA-1 digests of leaked passwords, which nobody can choose then "
            "([docs/operations.md](docs/operations.md#leaked-passwords))"
        ),
    ),
    Variable(
        "METRICS_PORT",
        Kind.NUMBER,
        "the port of `manage.py metrics`, which serves figures to Prometheus; 0: nothing is counted",
        "0",
        least=0,
        most=_PORTS,
    ),
    Variable("METRICS_BIND", Kind.ADDRESS, "the address that it listens on", "127.0.0.1"),
    Variable(
        "LOG_LEVEL",
        Kind.CHOICE,
        "of the JSON log lines on standard error",
        "INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    ),
)

VARIABLES: Final[Mapping[str, Variable]] = {row.name: row for row in _ROWS}
