"""The examinations of `manage.py doctor`: each looks at one thing and yields findings, or raises.

An examination that the database fails, because a node of it is down say, is itself a finding, and the
others go on. So is a tenant that cannot be examined.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from time import monotonic
from typing import Final

from django.core.checks import ERROR, CheckMessage
from django.db import Error, connection

from accounts import audit, audit_heads, presets, resealing
from accounts.audit_heads import Heads
from config import checks
from tenants import clock, connectivity, logins, numbers, placement, schemas
from tenants.checks import check_role
from tenants.current import in_public, in_tenant
from tenants.models import Expiry, Mail, Tenant
from tenants.outages import first_line
from tenants.recordings import Lacking
from tenants.words import counted


class Level(IntEnum):
    """The exit status that a finding asks for, as monitoring systems have it."""

    OK = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; without a tenant it is of the installation."""

    examination: str
    level: Level
    sentence: str
    remedy: str = ""
    tenant: str = ""


# Between the clocks of this machine and of the database.
CLOCKS_APART: Final = timedelta(seconds=2)
SLOW: Final = 0.25  # seconds, for the simplest statement
EXPIRES_SOON: Final = timedelta(days=14)
# So long an e-mail may wait for `run_jobs`.
MAIL_WAITS: Final = timedelta(minutes=15)
# pg_dump locks every table of every tenant.
_LOCKS: Final = """
SELECT current_setting('max_locks_per_transaction')::int
    * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int),
    (SELECT count(*) FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
        WHERE relkind IN ('r', 'p') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%')
"""
# Which tables a tenant's owner may not change any more, and which our own login may change all the same.
_PRIVILEGES: Final = """
SELECT nspname, count(*) FILTER (WHERE is_log),
    coalesce(string_agg(relname, ', ' ORDER BY relname) FILTER (WHERE is_log AND may_change), ''),
    coalesce(string_agg(relname, ', ' ORDER BY relname) FILTER (WHERE NOT may_use), '')
FROM (
    SELECT nspname, relname, relname = ANY(%(logs)s) AS is_log,
        has_schema_privilege(nspname, 'USAGE')
            AND has_table_privilege(pg_class.oid, 'SELECT') AS may_use,
        has_table_privilege(pg_class.oid, 'UPDATE')
            OR has_table_privilege(pg_class.oid, 'DELETE')
            OR has_table_privilege(pg_class.oid, 'TRUNCATE') AS may_change
    FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
    WHERE relkind IN ('r', 'p') AND nspname = ANY(%(schemas)s)
) AS found
GROUP BY nspname
"""
_SIZES: Final = """
SELECT nspname, sum(pg_total_relation_size(pg_class.oid))::bigint
FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE relkind = 'r' AND relname = ANY(%s) AND nspname = ANY(%s)
GROUP BY nspname ORDER BY 2 DESC
"""
LOGS: Final = ("accounts_auditentry", "scim_attributechange", "scim_provisioningevent")
_GROWING: Final = LOGS[1:]
# Of one tenant's log and history: beyond it, retention wants a look.
LARGE: Final = 50 * 1024**3  # bytes

Examination = Callable[[], Iterator[Finding]]


def examinations() -> Mapping[str, Examination]:
    """The examinations of the installation, in the order in which they are made."""
    return {
        "settings": _settings,
        "database": _database,
        "time limits": _limits,
        "clock": _clock,
        "login": _login,
        "connections": _connections,
        "placement": _placement,
        "migrations": _migrations,
        "privileges": _privileges,
        "staff": _staff,
        "locks": _locks,
        "credentials": _credentials,
        "secrets": _secrets,
        "address preset": _address_preset,
        "traffic": _traffic,
        "e-mail": _mail,
        "log growth": _log_growth,
    }


def examine(name: str, look: Examination) -> list[Finding]:
    """The findings of an examination; one that the database failed is a finding."""
    try:
        return list(look())
    except Error as error:
        return [_failed(name, error)]


def examine_audit_log(tenant: Tenant, heads: Heads) -> list[Finding]:
    """The findings about a tenant's audit log, which is read whole; `heads` are those that were noted."""
    name, where = "audit log", tenant.custom_domain
    try:
        with in_tenant(tenant):
            broken = audit.verify_chain()
            missing = audit_heads.first_missing(tenant, heads.get(tenant.pk, []))
    except Error as error:
        return [_failed(name, error, where)]
    remedy = f"Compare the entries around it with a backup: manage.py audit verify {where}."
    if broken is not None:
        sentence = f"Entry {broken} breaks the chain."
    elif missing is not None:
        sentence = f"Entry {missing.entry_id} is missing, which was the newest once: somebody removed entries."
    else:
        return []
    return [Finding(name, Level.CRITICAL, sentence, remedy, where)]


def _failed(name: str, error: Error, tenant: str = "") -> Finding:
    """The finding that something could not be examined; the next one gets a connection that works."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    sentence = f"Could not be examined: {first_line(error)}."
    return Finding(name, Level.CRITICAL, sentence, "See PostgreSQL's log.", tenant)


def _of_checks(name: str, messages: Iterable[CheckMessage]) -> Iterator[Finding]:
    """The findings in messages of `manage.py check --deploy`."""
    for message in messages:
        level = Level.CRITICAL if message.level >= ERROR else Level.WARNING
        yield Finding(name, level, message.msg, message.hint or "")


def _settings() -> Iterator[Finding]:
    yield from _of_checks("settings", checks.check_environment())


def _database() -> Iterator[Finding]:
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        since = monotonic()
        cursor.execute("SELECT 1")
        seconds = monotonic() - since
    if seconds > SLOW:
        sentence = f"The simplest statement takes {seconds * 1000:.0f} ms."
        remedy = "Look at the load of the database and at the network between."
        yield Finding("database", Level.WARNING, sentence, remedy)


def _limits() -> Iterator[Finding]:
    yield from _of_checks("time limits", checks.check_waiting())


def time_of_database() -> datetime:
    """The moment that PostgreSQL's clock shows."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _clock() -> Iterator[Finding]:
    apart = abs(time_of_database() - clock.now())
    if apart > CLOCKS_APART:
        sentence = f"The clocks of this machine and of the database are {apart.total_seconds():.0f} s apart."
        remedy = "Have both follow a time server: expiry and order of records depend on it."
        yield Finding("clock", Level.CRITICAL, sentence, remedy)


def _login() -> Iterator[Finding]:
    yield from _of_checks("login", check_role(["default"]))


def _connections() -> Iterator[Finding]:
    yield from _of_checks("connections", checks.check_capacity())


def _placement() -> Iterator[Finding]:
    """Of a Citus cluster: workers that do not answer, and tenants that are on none."""
    with in_public():
        places, down = placement.places(), placement.down()
        tenants = Tenant.objects.filter(is_operator=False) if places else ()
    for node, on in down.items():
        sentence = f"The node {node} does not answer (tenants on it: {len(on):,})."
        yield Finding("placement", Level.CRITICAL, sentence, "Start it, or promote its standby.")
    for tenant in tenants:
        if tenant.schema_name not in places:
            remedy = f"manage.py placement move {tenant.custom_domain} HOST:PORT"
            sentence = "The tenant's tables are on the coordinator."
            yield Finding("placement", Level.WARNING, sentence, remedy, tenant.custom_domain)
    with logins.as_owner():  # sequences are nothing that the login that serves can read
        lags = _numbers(tenants, frozenset().union(*down.values()))
    yield from lags


def _numbers(tenants: Iterable[Tenant], silent: Collection[str]) -> list[Finding]:
    """Of a Citus cluster: tenants whose next rows would get numbers that are taken."""
    found = []
    for tenant in tenants:
        lag = [] if tenant.schema_name in silent else numbers.behind(tenant.schema_name)
        if lag:
            sentence = (
                f"New rows get numbers that are taken: {', '.join(each.table for each in lag)}."
            )
            remedy = "manage.py placement catch-up"
            found.append(
                Finding("placement", Level.CRITICAL, sentence, remedy, tenant.custom_domain)
            )
    return found


def _migrations() -> Iterator[Finding]:
    with in_public():
        known = {each.schema_name: each.custom_domain for each in Tenant.objects.all()}
    asked = schemas.answering(["public", *known])
    for schema, lacks in schemas.lacking(asked).items():
        yield Finding(
            "migrations",
            Level.CRITICAL,
            _lacking(lacks),
            "manage.py migrate",
            known.get(schema, ""),
        )


def _lacking(lacks: Lacking) -> str:
    if not lacks.has_table:
        return "There is no schema, or it is empty."
    number = len(lacks.migrations)
    return f"{counted(number, 'migration')} missing."


def _privileges() -> Iterator[Finding]:
    yield from _privileges_of_shards()
    for chunk in _chunks():
        with in_public(), connection.cursor() as cursor:
            parameters = {"logs": list(LOGS), "schemas": [each.schema_name for each in chunk]}
            cursor.execute(_PRIVILEGES, parameters)
            found = {schema: row for schema, *row in cursor.fetchall()}
        for tenant in chunk:
            yield from _privileges_of(tenant.custom_domain, found.get(tenant.schema_name))


def _privileges_of(domain: str, row: list[str] | None) -> Iterator[Finding]:
    if row is None:
        return  # no schema: the migrations say so
    _, changeable, unreadable = row
    if changeable:
        sentence = f"Append-only tables can be changed: {changeable}."
        remedy = "manage.py migrate, and find out who granted it."
        yield Finding("privileges", Level.CRITICAL, sentence, remedy, domain)
    if unreadable:
        sentence = f"Tables cannot be read: {unreadable}."
        yield Finding("privileges", Level.CRITICAL, sentence, "manage.py migrate", domain)


def _privileges_of_shards() -> Iterator[Finding]:
    """Of a Citus cluster: append-only tables that can be changed on the worker that holds them."""
    with in_public():
        domains = dict(Tenant.objects.values_list("schema_name", "custom_domain"))
        changeable = placement.changeable(LOGS)
    for schema, tables in changeable.items():
        domain = domains.get(schema, "")
        sentence = f"Append-only tables can be changed on their worker: {', '.join(tables)}."
        remedy = f"manage.py placement move {domain} to the node on which it is."
        yield Finding("privileges", Level.CRITICAL, sentence, remedy, domain)


def _chunks() -> Iterator[list[Tenant]]:
    with in_public():
        tenants = list(Tenant.objects.all())
    for start in range(0, len(tenants), schemas.CHUNK):
        yield tenants[start : start + schemas.CHUNK]


def _staff() -> Iterator[Finding]:
    if not checks.staff_can_sign_in():
        sentence = "No staff account can sign in."
        yield Finding("staff", Level.WARNING, sentence, checks.CREATE_STAFF)


def _locks() -> Iterator[Finding]:
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_LOCKS)
        room, tables = cursor.fetchone()
    if tables > room:
        sentence = (
            f"pg_dump of everything locks {tables:,} tables, and there is room for {room:,} locks."
        )
        remedy = (
            "Raise max_locks_per_transaction and restart PostgreSQL (docs/operations.md, Sizing)."
        )
        yield Finding("locks", Level.WARNING, sentence, remedy)


_REMEDIES: Final[dict[str, str]] = {
    Expiry.Kind.SAML: "Renew it in Entra, and save the new metadata under Single sign-on.",
    Expiry.Kind.OIDC: "Add another one in Entra, and save it under Single sign-on.",
}


def _credentials() -> Iterator[Finding]:
    now = clock.now()
    with in_public():
        ending = Expiry.objects.filter(expires_at__lte=now + EXPIRES_SOON).select_related("tenant")
        for each in ending.order_by("expires_at"):
            kind, day = each.get_kind_display(), f"{each.expires_at:%Y-%m-%d}"
            verb = "expired" if each.expires_at <= now else "expires"
            sentence = f"{kind} {each.name} {verb} on {day}."
            remedy = _REMEDIES.get(each.kind, "Make a new one and enter it in Entra.")
            domain = each.tenant.custom_domain
            yield Finding("credentials", Level.WARNING, sentence, remedy, domain)


def _secrets() -> Iterator[Finding]:
    """Stored secrets that SECRET_KEY does not open; tenants whose node is down are found elsewhere."""
    with in_public():
        tenants = list(Tenant.objects.all())
    for tenant in resealing.unmarked(tenants).tenants:
        with in_tenant(tenant):
            found = Counter(each.is_readable for each in resealing.needing(tenant))
        domain = tenant.custom_domain
        if found[True]:
            sentence = f"Stored secrets that only a former SECRET_KEY opens: {found[True]:,}."
            yield Finding("secrets", Level.WARNING, sentence, checks.RESEAL, domain)
        if found[False]:
            sentence = f"Stored secrets that no known SECRET_KEY opens: {found[False]:,}."
            remedy = f"{checks.ADD_KEY} manage.py secrets list {domain} names them."
            yield Finding("secrets", Level.CRITICAL, sentence, remedy, domain)


def _address_preset() -> Iterator[Finding]:
    preset = presets.entra()
    if preset is not None and preset.published_on < clock.now().date() - presets.STALE:
        sentence = f"The address ranges of Microsoft Entra ID are those of {preset.published_on}."
        remedy = "Download Microsoft's newest file: manage.py address_preset update."
        yield Finding("address preset", Level.WARNING, sentence, remedy)


def _traffic() -> Iterator[Finding]:
    now = clock.now()
    wanting = (connectivity.SILENT.name, connectivity.FAILING.name)
    with in_public():
        tenants = connectivity.with_state(Tenant.objects.filter(is_operator=False), now)
        for tenant in tenants.filter(connection__in=wanting):
            sentence = connectivity.read(tenant, now).sentence
            remedy = "The tenant's page has the reason and the remedy."
            yield Finding("traffic", Level.WARNING, sentence, remedy, tenant.custom_domain)


def _mail() -> Iterator[Finding]:
    with in_public():
        failed = Mail.objects.filter(status=Mail.Status.FAILED).count()
        waiting = Mail.objects.filter(
            status=Mail.Status.WAITING, queued_at__lt=clock.now() - MAIL_WAITS
        ).count()
    if waiting:
        sentence = f"{counted(waiting, 'e-mail waits', 'e-mails wait')} for more than {MAIL_WAITS.seconds // 60} minutes."
        remedy = "See that run_jobs runs, and manage.py mail list."
        yield Finding("e-mail", Level.WARNING, sentence, remedy)
    if failed:
        sentence = f"{counted(failed, 'e-mail was', 'e-mails were')} given up."
        yield Finding("e-mail", Level.WARNING, sentence, "manage.py mail list")


def _log_growth() -> Iterator[Finding]:
    for chunk in _chunks():
        names = {each.schema_name: each.custom_domain for each in chunk}
        with in_public(), connection.cursor() as cursor:
            cursor.execute(_SIZES, [list(_GROWING), list(names)])
            sizes = cursor.fetchall()
        for schema, size in sizes:
            if size > LARGE:
                sentence = f"Log and history take {size / 1024**3:,.0f} GB."
                remedy = "Shorten the tenant's retention."
                yield Finding("log growth", Level.WARNING, sentence, remedy, names[schema])
