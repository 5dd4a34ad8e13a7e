"""The numbers of rows, which sequences hand out: they must be past those that rows have.

On one server both come back from a backup together. On Citus the coordinator hands them out and a worker has
the rows, so a coordinator that was restored to an earlier moment hands out numbers that rows have already.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import connection
from psycopg import sql

from tenants.current import in_public
from tenants.placement import TABLES_OF

# What the login may not read of a sequence is unknown, not behind.
_SEQUENCES: Final = f"""
SELECT relname::text, attname::text, coalesce(pg_sequence_last_value(sequence::regclass), 0) FROM (
    SELECT relname, attname, pg_get_serial_sequence(c.oid::regclass::text, attname) AS sequence
    FROM pg_attribute CROSS JOIN {TABLES_OF} to_regnamespace(quote_ident(%s))
        AND attrelid = c.oid AND attidentity <> '' AND NOT attisdropped
) AS found
WHERE has_sequence_privilege(sequence, 'USAGE, SELECT') ORDER BY relname
"""  # noqa: S608  # our own constants
_HIGHEST: Final = "SELECT {name}, max({column}) FROM {table}"
_CONTINUE: Final = "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)"


@dataclass(frozen=True, slots=True)
class Behind:
    """An identity column with a row whose number its sequence has yet to hand out."""

    table: str
    column: str
    highest: int


def behind(schema_name: str) -> list[Behind]:
    """The identity columns of the schema whose rows would get numbers that are taken."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_SEQUENCES, [schema_name])
        last = {(table, column): number for table, column, number in cursor.fetchall()}
        if not last:
            return []
        parts = [
            sql.SQL(_HIGHEST).format(
                name=sql.Literal(table),
                column=sql.Identifier(column),
                table=sql.Identifier(schema_name, table),
            )
            for table, column in last
        ]
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        highest = dict(cursor.fetchall())
    return list(_behind(last, highest))


def _behind(last: dict[tuple[str, str], int], highest: dict[str, int | None]) -> Iterator[Behind]:
    for (table, column), number in last.items():
        taken = highest[table]
        if taken is not None and taken > number:
            yield Behind(table, column, taken)


def catch_up(schema_name: str) -> list[Behind]:
    """Have each of those columns go on behind its rows. For the owner."""
    found = behind(schema_name)
    for each in found:
        go_on(f"{schema_name}.{each.table}", each.column, each.highest)
    return found


def go_on(table: str, column: str, highest: int | None) -> None:
    """Have the next row of the table get the number after the highest; 1 if there is none."""
    with connection.cursor() as cursor:
        # On its own: beside the table Citus would set the sequence of the node that has the rows.
        cursor.execute(_CONTINUE, [table, column, highest or 1, highest is not None])
