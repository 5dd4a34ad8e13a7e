"""Placement: the node of a Citus cluster that holds a tenant's rows (docs/scaling.md, decision 0090).

A tenant's schema is one shard group, so it lies on one node whole. Citus makes a shard of a table that
is created by a statement of its own; a table made inside a block or a function stays on the coordinator,
and nothing says so. Schemas are therefore made as everywhere and distributed at the end. The shards
have none of the restrictions of their table's owner, which are put on them once more.

Without Citus there is one node, and nothing here does anything.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection
from psycopg import sql

from tenants.errors import TenantRefused
from tenants.hostnames import OPERATOR_SCHEMA

COORDINATOR: Final = "coordinator"  # in place of the address of a worker

IS_SHARDED: Final = "to_regproc('citus_schema_distribute') IS NOT NULL"
# For the transaction: else Citus would take an empty schema for distributed, and never its tables.
_PLAIN: Final = "set_config('citus.enable_schema_based_sharding', 'off', true)"
MAKE_PLAIN: Final = f"SELECT {_PLAIN}"
# What is made in the transaction is made on the coordinator alone.
STAY_HERE: Final = "SELECT set_config('citus.enable_ddl_propagation', 'off', true)"
# The tables `c` of the schema whose id follows. No index finds them by it, and with 1,000 tenants the catalog
# has 180,000 relations; one finds what depends on a schema.
TABLES_OF: Final = """
pg_depend d JOIN pg_class c ON c.oid = d.objid AND relkind IN ('r', 'p')
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid ="""
# The next ones are PL/pgSQL, where schema_name is a variable and `found` a record.
# What a table's owner may not do, no owner of its shards may: the logs can be added to (decision 0005).
_RESTRICT: Final = f"""
FOR found IN
    SELECT format('%I.%I', schema_name, relname) AS name, pg_get_userbyid(relowner) AS owner,
        string_agg(right_name, ', ') AS rights
    FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS right_name
    CROSS JOIN {TABLES_OF} to_regnamespace(quote_ident(schema_name))
        AND NOT has_table_privilege(relowner, c.oid, right_name)
    GROUP BY relname, relowner
LOOP
    EXECUTE format('REVOKE %s ON %s FROM %I', found.rights, found.name, found.owner);
END LOOP;
"""  # noqa: S608  # our own constants
_DISTRIBUTE: Final = f"""
EXECUTE format('SELECT citus_schema_distribute(%L)', schema_name);
{_RESTRICT}
"""
# Workers, and whether each answers, which takes citus.node_connection_timeout to find out if it does not.
_NODES: Final = """
SELECT nodename || ':' || nodeport, citus_check_connection_to_node(nodename, nodeport)
FROM pg_dist_node WHERE noderole = 'primary' AND groupid <> 0 ORDER BY nodename, nodeport
"""
# A schema lies on one node whole, so one of its tables tells.
_PLACES: Final = """
SELECT nspname, nodename || ':' || nodeport
FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
JOIN pg_dist_shard ON logicalrelid = pg_class.oid
JOIN pg_dist_placement USING (shardid) JOIN pg_dist_node USING (groupid)
WHERE relname = 'django_migrations' AND noderole = 'primary'
"""
# On a worker: shards of these tables that their owner may change, as schema.table, with blanks between.
_CHANGEABLE: Final = """
SELECT string_agg(nspname || '.' || substring(relname FROM '^(.*)_[0-9]+$'), ' ' ORDER BY nspname, relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND substring(relname FROM '^(.*)_[0-9]+$') = ANY({tables}) AND (
    has_table_privilege(relowner, c.oid, 'UPDATE') OR has_table_privilege(relowner, c.oid, 'DELETE')
    OR has_table_privilege(relowner, c.oid, 'TRUNCATE')
)
"""
_ON_WORKERS: Final = "SELECT result FROM run_command_on_workers({}) WHERE success AND result <> ''"
_MOVE: Final = "SELECT citus_schema_move(%s::regnamespace, %s, %s)"
_IN: Final = "DECLARE found record; schema_name text := {schema}; BEGIN {body} END"


def is_sharded() -> bool:
    """True if the database is the coordinator of a Citus cluster."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {IS_SHARDED}")
        return bool(cursor.fetchone()[0])


@contextmanager
def new_schema(schema_name: str) -> Iterator[None]:
    """Make a schema; with the tables that it gets inside it is placed on a node.

    That of staff stays on the coordinator: staff can work while a node is down, and ask the registry
    and their own tables without a second node.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {IS_SHARDED}, {_PLAIN}")
        is_here, _ = cursor.fetchone()
        cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")
    yield
    if is_here and schema_name != OPERATOR_SCHEMA:
        _execute(schema_name, _DISTRIBUTE)


def nodes() -> dict[str, bool]:
    """The workers by address, and whether each answers; none without Citus."""
    return dict(_rows(_NODES)) if is_sharded() else {}


def places() -> dict[str, str]:
    """The address of the worker on which each distributed schema lies."""
    return dict(_rows(_PLACES)) if is_sharded() else {}


def down() -> dict[str, frozenset[str]]:
    """The workers that do not answer, each with the schemas that lie on it."""
    dead = [node for node, answers in nodes().items() if not answers]
    placed = places() if dead else {}
    return {node: frozenset(name for name, at in placed.items() if at == node) for node in dead}


def silent(schema_names: Iterable[str]) -> frozenset[str]:
    """Those of the schemas that lie on a node that does not answer."""
    return frozenset().union(*down().values()).intersection(schema_names)


def changeable(tables: Iterable[str]) -> dict[str, list[str]]:
    """Those of the tables, by schema, that their owner may change on the worker that holds them."""
    if not is_sharded():
        return {}
    asked = sql.SQL(_CHANGEABLE).format(tables=sql.Literal(list(tables)))
    with connection.cursor() as cursor:
        command = sql.Literal(asked.as_string(connection.connection))
        cursor.execute(sql.SQL(_ON_WORKERS).format(command))
        found = " ".join(result for (result,) in cursor.fetchall()).split()
    by_schema: dict[str, list[str]] = {}
    for schema, _, table in (each.partition(".") for each in found):
        by_schema.setdefault(schema, []).append(table)
    return by_schema


def route(schema_name: str, node: str) -> str:
    """The node from which the schema can be moved to that worker. Raises TenantRefused."""
    workers = nodes()
    if not workers:
        raise TenantRefused("tenant.placement", "The database is one server: nothing can be moved.")
    if node not in workers:
        known = ", ".join(workers)
        raise TenantRefused("tenant.placement", f"There is no worker {node}; there are {known}.")
    if schema_name == OPERATOR_SCHEMA:
        raise TenantRefused("tenant.staff", "The staff tenant stays on the coordinator.")
    present = places().get(schema_name, COORDINATOR)
    for each in (present, node):
        if not workers.get(each, True):
            raise TenantRefused("tenant.placement", f"The node {each} does not answer.")
    return present


def move(schema_name: str, node: str) -> None:
    """Have a worker hold the rows of a schema; those who use it wait for moments at the end.

    From the coordinator its tables are locked while they are copied. Opens transactions of its own, so
    there must be none. On the worker where the schema lies already only the rights of its tables are
    restricted again.
    """
    present = places().get(schema_name, COORDINATOR)
    if present == COORDINATOR:
        _execute(schema_name, _DISTRIBUTE)
        present = places()[schema_name]
    if present != node:
        host, _, port = node.rpartition(":")
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [schema_name, host, int(port)])
    _execute(schema_name, _RESTRICT)


def _rows(statement: str) -> list[tuple[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[str, Any]] = cursor.fetchall()
    return rows


def _execute(schema_name: str, body: str) -> None:
    """Execute PL/pgSQL about a schema."""
    block = sql.SQL(_IN).format(schema=sql.Literal(schema_name), body=sql.SQL(body))
    with connection.cursor() as cursor:
        text = block.as_string(connection.connection)
        cursor.execute(sql.SQL("DO {}").format(sql.Literal(text)))
