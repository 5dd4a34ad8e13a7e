"""Placement: the node of a Citus cluster that holds a tenant's rows (docs/scaling.md, decision 0090).

A tenant's schema is one shard group, so it lies on one node whole. Citus makes a shard of a table that
is created by a statement of its own; a table made inside a block or a function stays on the coordinator,
and nothing says so. Schemas are therefore made as everywhere and distributed at the end. The shards
have none of the restrictions of their table's owner, which are put on them once more.

Without Citus there is one node, and nothing here does anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection
from psycopg import sql

from tenants.hostnames import OPERATOR_SCHEMA

IS_SHARDED: Final = "to_regproc('citus_schema_distribute') IS NOT NULL"
# For the transaction: else Citus would take an empty schema for distributed, and never its tables.
MAKE_PLAIN: Final = "set_config('citus.enable_schema_based_sharding', 'off', true)"
# The next ones are PL/pgSQL, where schema_name is a variable and `found` a record.
# What a table's owner may not do, no owner of its shards may: the logs can be added to (decision 0005).
_RESTRICT: Final = """
FOR found IN
    SELECT format('%I.%I', nspname, relname) AS name, pg_get_userbyid(relowner) AS owner,
        string_agg(right_name, ', ') AS rights
    FROM pg_class c JOIN pg_namespace n ON relnamespace = n.oid
    CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS right_name
    WHERE relkind = 'r' AND nspname = schema_name
        AND NOT has_table_privilege(relowner, c.oid, right_name)
    GROUP BY nspname, relname, relowner
LOOP
    EXECUTE format('REVOKE %s ON %s FROM %I', found.rights, found.name, found.owner);
END LOOP;
"""
DISTRIBUTE: Final = f"""
IF {IS_SHARDED} THEN
    EXECUTE format('SELECT citus_schema_distribute(%L)', schema_name);
    {_RESTRICT}
END IF;
"""
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
        cursor.execute(f"SELECT {IS_SHARDED}, {MAKE_PLAIN}")
        is_here, _ = cursor.fetchone()
        cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")
    yield
    if is_here and schema_name != OPERATOR_SCHEMA:
        _execute(schema_name, DISTRIBUTE)


def _execute(schema_name: str, body: str) -> None:
    """Execute PL/pgSQL about a schema."""
    block = sql.SQL(_IN).format(schema=sql.Literal(schema_name), body=sql.SQL(body))
    with connection.cursor() as cursor:
        text = block.as_string(connection.connection)
        cursor.execute(sql.SQL("DO {}").format(sql.Literal(text)))
