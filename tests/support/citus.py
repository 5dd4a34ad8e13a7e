"""The forms of statements that do not fit Citus (docs/platform.md), looked for in all that tests execute."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from tenants import placement
from tenants.current import in_tenant
from tenants.models import Tenant
from tests.support import database

# A comparison with NULL: Citus finds no shard for it, does nothing and says nothing.
_PLACE: Final = re.compile(
    r"(?P<compared>(?:=|<>|!=|[<>]=?)\s*(?:ANY\s*\(\s*)?)?%(?:\((?P<name>\w+)\))?s"
)
_LITERAL: Final = re.compile(r"(?:=|<>|!=)\s*NULL\b", re.IGNORECASE)
_ASSIGNMENTS: Final = re.compile(
    r"\bSET\b.*?(?=\bWHERE\b|\bFROM\b|\bRETURNING\b|$)", re.DOTALL | re.IGNORECASE
)
_FORMS: Final = {
    "an empty select list": r"\bSELECT\s+FROM\b",
    "an advisory lock of the session": r"\bpg_(?:try_)?advisory_lock\b",
    "a sub-select in RETURNING": r"\bRETURNING\s+(?:\(\s*SELECT|(?:NOT\s+)?EXISTS)\b",
}
_COMPILED: Final = {name: re.compile(form, re.IGNORECASE) for name, form in _FORMS.items()}
_MODIFYING: Final = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE(?=\s+\w+\s+(?:AS\s+\w+\s+)?SET\b)|DELETE\s+FROM)\b", re.IGNORECASE
)
_UPDATING: Final = re.compile(r"\bUPDATE\s+\w+\s+(?:AS\s+\w+\s+)?SET\b", re.IGNORECASE)
_BUILT: Final = re.compile(r"\bjsonb?_(?:build_object|build_array|agg|object_agg)\b", re.IGNORECASE)
# The change of a resource with its history and its event, which hand no rows on (decisions 0045, 0092).
_ONE_STATEMENT: Final = re.compile(r"\s*WITH stored AS \((?!.*\bDELETE\b)", re.DOTALL)
_SCHEMA: Final = re.compile(r'"?\b(t_\w+|public|support)\b"?\s*\.')
_SHARED: Final = re.compile(
    r'(?:FROM|JOIN|INTO|UPDATE)\s+"?(?:tenants_|django_content_type\b)', re.IGNORECASE
)
_OWN: Final = re.compile(r'(?:FROM|JOIN|INTO|UPDATE)\s+"?(?:scim_|accounts_)', re.IGNORECASE)


def unfit(statement: str, parameters: Any) -> str:
    """The form that does not fit Citus, "" if there is none. Migrations have a test of their own."""
    is_migration = statement.startswith(("DO ", "CREATE ", "ALTER ")) or "; DO '" in statement
    return "" if is_migration else next(_unfit(statement, parameters), "")


def _unfit(statement: str, parameters: Any) -> Iterator[str]:
    yield from (name for name, form in _COMPILED.items() if form.search(statement))
    is_of_tenant = _OWN.search(statement) is not None
    if (
        is_of_tenant
        and len(_MODIFYING.findall(statement)) > 1
        and not _ONE_STATEMENT.match(statement)
    ):
        yield "a statement that modifies twice"
    if is_of_tenant and _UPDATING.search(statement) and _BUILT.search(statement):
        yield "an update by a function that is not immutable"
    if any(_is_over_two_schemas(part) for part in re.split(r"\bUNION ALL\b", statement)):
        yield "a statement over two schemas"
    if _compares_with_null(statement, parameters):
        yield "a comparison with NULL"


def _is_over_two_schemas(statement: str) -> bool:
    named = set(_SCHEMA.findall(statement))
    return len(named) > 1 or bool(_SHARED.search(statement) and _OWN.search(statement))


def _compares_with_null(statement: str, parameters: Any) -> bool:
    conditions = _ASSIGNMENTS.sub(lambda found: found[0].replace("=", ":"), statement)
    if _LITERAL.search(conditions):
        return True
    if not parameters:
        return False
    given = iter(()) if isinstance(parameters, Mapping) else iter(parameters)
    for place in _PLACE.finditer(conditions.replace("%%", "  ")):
        value = parameters[place["name"]] if place["name"] else next(given, "")
        if place["compared"] and value is None:
            return True
    return False


# The functions and tables of Citus that the program uses, as far as one server can have them: a schema is
# noted as distributed, on the node with the fewest.
_CATALOG: Final = """
CREATE TABLE public.pg_dist_node (groupid int PRIMARY KEY, nodename text, nodeport int, noderole text,
    answers bool DEFAULT true);
CREATE TABLE public.pg_dist_schema (schemaid oid, colocationid int);
CREATE TABLE public.pg_dist_partition (logicalrelid regclass, colocationid int);
CREATE TABLE public.pg_dist_shard (logicalrelid regclass, shardid bigserial);
CREATE TABLE public.pg_dist_placement (shardid bigint, groupid int);
INSERT INTO public.pg_dist_node VALUES (0, 'localhost', 5432, 'primary'), (1, 'one', 5432, 'primary'),
    (2, 'two', 5432, 'primary');
CREATE FUNCTION public.citus_schema_distribute(regnamespace) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.pg_dist_schema SELECT $1, COALESCE(max(colocationid), 0) + 1
        FROM public.pg_dist_schema;
    INSERT INTO public.pg_dist_partition SELECT c.oid, colocationid
        FROM pg_class c JOIN public.pg_dist_schema ON schemaid = relnamespace
        WHERE relnamespace = $1 AND relkind = 'r';
    INSERT INTO public.pg_dist_shard (logicalrelid) SELECT c.oid FROM pg_class c
        WHERE relnamespace = $1 AND relkind = 'r';
    INSERT INTO public.pg_dist_placement SELECT shardid, 1 + colocationid % 2
        FROM public.pg_dist_shard JOIN public.pg_dist_partition USING (logicalrelid)
        JOIN public.pg_dist_schema USING (colocationid) WHERE schemaid = $1;
$$;
CREATE FUNCTION public.citus_schema_move(regnamespace, text, int) RETURNS void LANGUAGE sql AS $$
    UPDATE public.pg_dist_placement SET groupid = node.groupid FROM public.pg_dist_node AS node
    WHERE nodename = $2 AND nodeport = $3 AND shardid IN (
        SELECT shardid FROM public.pg_dist_shard JOIN pg_class ON pg_class.oid = logicalrelid
        WHERE relnamespace = $1
    );
$$;
CREATE FUNCTION public.run_command_on_workers(text)
RETURNS TABLE (nodename text, nodeport int, success bool, result text) LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE $1 INTO result;
    RETURN QUERY SELECT 'one', 5432, true, result;
END $$;
CREATE FUNCTION public.citus_check_connection_to_node(text, int) RETURNS bool LANGUAGE sql AS $$
    SELECT answers FROM public.pg_dist_node WHERE nodename = $1 AND nodeport = $2;
$$;
GRANT SELECT ON public.pg_dist_node, public.pg_dist_schema, public.pg_dist_partition, public.pg_dist_shard,
    public.pg_dist_placement TO PUBLIC;
"""


_MADE: Final = """
SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
WHERE nspowner = current_user::regrole
UNION ALL
SELECT format('DROP TABLE public.%I CASCADE', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relowner = current_user::regrole
UNION ALL
SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proowner = current_user::regrole
"""


def is_given() -> bool:
    """True if DATABASE_URL leads to the coordinator of a cluster, whose `test_` database is prepared."""
    if not settings.DATABASE_URL:
        return False
    with psycopg.connect(settings.DATABASE_URL, dbname=_prepared("")) as session:
        found = session.execute("SELECT count(*) FROM pg_extension WHERE extname = 'citus'")
        return found.fetchone() == (1,)


def name_for_servers() -> str:
    """The prepared database of the servers that tests start, one at a time in each of pytest's processes."""
    return _prepared("_server")


def _prepared(purpose: str) -> str:
    """A prepared database, by the name that Django gives it in each of pytest's processes."""
    name = conninfo_to_dict(settings.DATABASE_URL)["dbname"]
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"test_{name}{purpose}" + (f"_{process}" if process else "")


def empty(name: str) -> None:
    """Drop all that the login has made in a database: nobody but a superuser can prepare a new one."""
    with psycopg.connect(settings.DATABASE_URL, dbname=name, autocommit=True) as session:
        found = session.execute(_MADE).fetchall()
        for (statement,) in found:
            session.execute(statement)


def install_catalog() -> None:
    """Let the program take this PostgreSQL for the coordinator of a cluster of two workers.

    For what it decides and says: what Citus itself does is tried in tests/citus. Goes with the
    transaction.
    """
    with database.owned(), connection.cursor() as cursor:
        cursor.execute(_CATALOG)


def stop_node(name: str) -> None:
    """Have the node answer no more."""
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("UPDATE public.pg_dist_node SET answers = false WHERE nodename = %s", [name])


def place(tenant: Tenant) -> str:
    """Have a worker hold the tenant, as if it had been made there; the name of the worker."""
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("SELECT citus_schema_distribute(%s)", [tenant.schema_name])
    return placement.places()[tenant.schema_name].partition(":")[0]


def lose(tenant: Tenant, table: str) -> str:
    """Have the worker that holds the tenant answer no more, which a statement on that table shows."""
    name = place(tenant)
    with in_tenant(tenant), database.owned(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO lost")
        cursor.execute(
            f"CREATE FUNCTION {tenant.schema_name}.lose() RETURNS boolean LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION USING ERRCODE = '08006', MESSAGE = 'connection refused';"
            " END $$"
        )
        cursor.execute(f"CREATE VIEW {table} AS SELECT lost.* FROM lose() LEFT JOIN lost ON lose")
        cursor.execute(f"GRANT SELECT ON {table} TO PUBLIC")
    stop_node(name)
    return name


def bring_back(tenant: Tenant, table: str, name: str) -> None:
    """Have a worker that was lost answer again."""
    with in_tenant(tenant), database.owned(), connection.cursor() as cursor:
        cursor.execute(f"DROP VIEW {table}")
        cursor.execute(f"ALTER TABLE lost RENAME TO {table}")
        cursor.execute("UPDATE public.pg_dist_node SET answers = true WHERE nodename = %s", [name])
