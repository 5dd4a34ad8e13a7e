"""System checks for `manage.py check --deploy`: what a deployment lacks, each with the next step."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  # Django's name
from django.db import connection

from accounts import leaked, resealing
from accounts.models import Account
from accounts.permissions import Role
from config import gunicorn, starting
from config.database import LIMITS
from config.edge.proxies import TrustedProxies
from tenants import roles, schemas
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tenants.words import counted

_IN_FORCE: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
CREATE_STAFF: Final = "manage.py account create-staff you@example.com"
RESEAL: Final = "manage.py secrets reseal"
ADD_KEY: Final = (
    "Add the key that they were encrypted under to SECRET_KEY_FALLBACKS, or set them again:"
)
_SHOWN: Final = 10  # names of tenants in a sentence
_VERIFIED: Final = frozenset({"verify-full", "verify-ca"})  # of sslmode


@register(deploy=True)
def check_environment(**_: Any) -> list[CheckMessage]:
    """The settings without which the program runs, but not as production should."""
    problems: list[CheckMessage] = []
    if not settings.DATABASE_URL:
        problems.append(
            Warning(
                "DATABASE_URL is not set: `manage.py up` would serve on the embedded PostgreSQL, "
                "gunicorn would not start, and nothing was asked of a database here.",
                hint="Set DATABASE_URL to a PostgreSQL of your own.",
                id="config.W001",
            )
        )
    if settings.DATABASE_URL and roles.serving_login() is None:
        problems.append(
            Warning(
                "The login that serves owns the database: whoever takes the server over can change "
                "tables and the append-only logs.",
                hint="Make a second login and set MIGRATION_DATABASE_URL (docs/operations.md).",
                id="config.W006",
            )
        )
    if not settings.EMAIL_HOST:
        problems.append(
            Warning(
                "EMAIL_HOST is not set: invitations and warnings are sent to nobody, they become "
                f"files in {settings.EMAIL_FILE_PATH}.",
                hint="Set EMAIL_HOST, and EMAIL_PORT, EMAIL_USER and EMAIL_PASSWORD if it asks.",
                id="config.W002",
            )
        )
    if TrustedProxies() == settings.TRUSTED_PROXIES:
        problems.append(
            Warning(
                "TRUSTED_PROXIES is not set: behind a proxy every log and token holds its address in "
                "place of the client's.",
                hint="Set TRUSTED_PROXIES to the address or network of the proxy that ends TLS.",
                id="config.W004",
            )
        )
    return problems


@register(deploy=True)
def check_leaked_passwords(**_: Any) -> list[CheckMessage]:
    """The problem of a list of leaked passwords that cannot be used."""
    path = settings.LEAKED_PASSWORDS_FILE
    problem = leaked.why_unusable(path) if path is not None else ""
    hint = (
        "Point LEAKED_PASSWORDS_FILE to a list as docs/operations.md describes it, or leave it out."
    )
    return [Error(problem, hint=hint, id="config.E006")] if problem else []


@register(deploy=True)
def check_encryption(**_: Any) -> list[CheckMessage]:
    """The problems of the ways to a database on another machine."""
    owner = settings.OWNER_DATABASE or {}
    return unverified(
        {"DATABASE_URL": settings.DATABASES["default"], "MIGRATION_DATABASE_URL": owner}
    )


def unverified(ways: Mapping[str, Mapping[str, Any]]) -> list[CheckMessage]:
    """A problem for each setting, with its database as Django has it, that leads elsewhere without TLS."""
    return [
        Warning(
            f"{variable} leads to a database on another machine, {database['HOST']}, whose certificate "
            "is not verified: whoever is in between can read and change everything.",
            hint="Add ?sslmode=verify-full&sslrootcert=FILE to it (docs/operations.md).",
            id="config.W009",
        )
        for variable, database in ways.items()
        if is_elsewhere(database.get("HOST", ""))
        and database.get("OPTIONS", {}).get("sslmode") not in _VERIFIED
    ]


def is_elsewhere(hosts: str) -> bool:
    """True if one of the hosts, with commas between, is on another machine.

    A socket and this machine's own addresses are not; nor is a name without a dot, such as containers
    have on the network of their machine.
    """
    return any(map(_is_another_machine, hosts.split(",")))


def _is_another_machine(host: str) -> bool:
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return "." in host and not host.startswith(("/", "@"))


@register(Tags.database, deploy=True)
def check_database(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The problems of the database; checked only with `--database`, which DATABASE_URL implies."""
    if not databases:
        return []
    return [*check_capacity(), *check_waiting(), *_check_contents()]


def staff_can_sign_in() -> bool:
    """True if an active operator has a password. The registry must be migrated."""
    with in_public():
        tenant = Tenant.objects.filter(is_operator=True).first()
    if tenant is None:
        return False
    with in_tenant(tenant):
        operators = Account.objects.filter(role=Role.OPERATOR, is_active=True)
        return operators.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX).exists()


def check_capacity() -> list[CheckMessage]:
    """The problem of more connections than the database allows."""
    room = starting.room()
    serving = starting.Serving(gunicorn.workers, gunicorn.threads)
    problem = "" if room is None else serving.why_too_many(room)
    return [Error(problem, id="config.E001")] if problem else []


def limits_not_in_force() -> tuple[list[str], bool]:
    """The time limits that a serving transaction would lack, and True behind a pooler."""
    serving: Any = connection.copy()
    serving.settings_dict["LIMITS"] = LIMITS
    try:
        serving.set_autocommit(False)
        with serving.cursor() as cursor:
            cursor.execute(_IN_FORCE, [list(LIMITS)])
            return [
                name for name, setting in cursor.fetchall() if setting == "0"
            ], serving.is_pooled
    finally:
        serving.close()


def check_waiting() -> list[CheckMessage]:
    """The problems of time limits and of a pooler."""
    missing, is_pooled = limits_not_in_force()
    problems: list[CheckMessage] = []
    if missing:
        sentence = (
            f"Requests can wait for the database without end: {', '.join(missing)} not in force."
        )
        hint = "Set DATABASE_POOLER=transaction."
        problems.append(Error(sentence, hint=hint, id="config.E003"))
    if is_pooled and settings.OWNER_DATABASE is None:
        sentence = "DATABASE_URL leads through a pooler, and so would `manage.py migrate`."
        hint = "Set MIGRATION_DATABASE_URL to a direct connection of the database's owner."
        problems.append(Warning(sentence, hint=hint, id="config.W005"))
    return problems


def _check_contents() -> list[CheckMessage]:
    behind = schemas.all_behind()
    if behind:
        hint = "Run manage.py migrate."
        return [Error(f"Schemas lack migrations: {_some(behind)}.", hint=hint, id="config.E002")]
    problems = check_sealed()
    if not staff_can_sign_in():
        problem = "No staff account can sign in: there is no active operator with a password."
        problems.append(Warning(problem, hint=f"Run {CREATE_STAFF}.", id="config.W003"))
    return problems


def check_sealed() -> list[CheckMessage]:
    """The problems of secrets that SECRET_KEY does not open, and of former keys that nothing needs."""
    with in_public():
        tenants = list(Tenant.objects.all())
    former, unknown = list[str](), list[str]()
    for tenant in resealing.unmarked(tenants).tenants:
        with in_tenant(tenant):
            found = {each.is_readable for each in resealing.needing(tenant)}
        former += [tenant.custom_domain] if True in found else []
        unknown += [tenant.custom_domain] if False in found else []
    problems: list[CheckMessage] = []
    if unknown:
        sentence = f"Tenants with stored secrets that no known SECRET_KEY opens: {_some(unknown)}."
        hint = f"{ADD_KEY} manage.py secrets list names them."
        problems.append(Error(sentence, hint=hint, id="config.E004"))
    if former:
        sentence = (
            f"Tenants with stored secrets that only a former SECRET_KEY opens: {_some(former)}."
        )
        problems.append(Warning(sentence, hint=f"Run {RESEAL}.", id="config.W007"))
    elif settings.SECRET_KEY_FALLBACKS:
        sentence = "SECRET_KEY_FALLBACKS is set, and no stored secret needs it."
        links = counted(resealing.days_of_links(), "day")
        hint = f"Remove it {links} after SECRET_KEY was changed."
        problems.append(Warning(sentence, hint=hint, id="config.W008"))
    return problems


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
