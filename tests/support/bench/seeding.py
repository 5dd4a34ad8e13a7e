"""Users as the API writes them, made by SQL: ten thousand a second instead of a few hundred.

One user, the model, is created through the API. The rows that this added, in whatever tables, are
turned into statements that add the like for any range of numbers: ids, times and request ids are made
of the number, digits of the model's number are replaced wherever they stand, all else is the model's.
So the seed follows the product when it stores a user in another way.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from tests.support.bench import people

MODEL: Final = 98_765_432  # the number of the user that the API makes; nobody else has such digits
_CHUNK: Final = 10_000  # users of a transaction
# A token's uses are counted by the process, and written whenever it comes to that.
_COUNTED: Final = frozenset({"accounts_secrettoken"})
_TIMES: Final = frozenset({"timestamp with time zone", "timestamp without time zone"})
_COLUMNS: Final = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
    AND attgenerated = '' AND attidentity = '' ORDER BY attnum
"""

Snapshot = dict[str, frozenset[str]]  # the rows of each table, as JSON
Connection = psycopg.Connection[Any]


class SeedError(RuntimeError):
    """A creation through the API did what a seed cannot do likewise."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table that a creation adds: values as text, in the order of the columns."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    values: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """The rows that the creation of the user MODEL has added; `since` is a time just before it."""

    identifier: str
    since: str  # as PostgreSQL writes it
    rows: tuple[Rows, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> "Model":
        rows = (
            Rows(
                each["table"],
                tuple(each["columns"]),
                tuple(each["types"]),
                tuple(map(tuple, each["values"])),
            )
            for each in value["rows"]
        )
        return cls(value["identifier"], value["since"], tuple(rows))


def snapshot(connection: Connection, schema: str) -> Snapshot:
    """The rows of all tables of a schema, but for what is counted there."""
    tables = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]
    ).fetchall()
    found = {}
    for table in {name for (name,) in tables} - _COUNTED:
        query = sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t").format(
            sql.Identifier(schema, table)
        )
        found[table] = frozenset(row for (row,) in connection.execute(query))
    return found


def model(
    connection: Connection, schema: str, before: Snapshot, since: str, identifier: str
) -> Model:
    """The model of the user that was created since the snapshot, which is taken away.

    Raises SeedError if the creation has changed rows.
    """
    after = snapshot(connection, schema)
    changed = [table for table, rows in before.items() if not rows <= after[table]]
    if changed:
        raise SeedError(f"The creation of a user has changed rows of {', '.join(changed)}.")
    rows = []
    for table, there in after.items():
        added = there - before[table]
        if added:
            rows.append(_read(connection, schema, table, added))
            _take_away(connection, schema, table, added)
    return Model(identifier, since, tuple(rows))


def fill(connection: Connection, schema: str, model: Model, start: int, end: int) -> Iterator[int]:
    """Add the users with these numbers; yields after each chunk how many are there."""
    for first in range(start, end, _CHUNK):
        last = min(first + _CHUNK, end)
        with connection.transaction():
            for rows in model.rows:
                connection.execute(_statement(schema, model, rows, first, last))
        yield last - start


def _read(connection: Connection, schema: str, table: str, added: frozenset[str]) -> Rows:
    where = sql.Identifier(schema, table)
    columns = connection.execute(_COLUMNS, [where.as_string(connection)]).fetchall()
    # What a sequence numbers gets its number anew.
    kept = [(name, kind) for name, kind in columns if not _is_serial(connection, where, name)]
    select = sql.SQL("SELECT {} FROM {} AS t WHERE to_jsonb(t)::text = ANY(%s) ORDER BY ctid")
    texts = sql.SQL(", ").join(
        sql.SQL("t.{}::text").format(sql.Identifier(name)) for name, _ in kept
    )
    values = connection.execute(select.format(texts, where), [list(added)]).fetchall()
    names, types = zip(*kept, strict=True)
    return Rows(table, names, types, tuple(values))


def _is_serial(connection: Connection, where: sql.Identifier, name: str) -> bool:
    found = connection.execute(
        "SELECT pg_get_serial_sequence(%s, %s)", [where.as_string(connection), name]
    ).fetchone()
    return found is not None and found[0] is not None


def _take_away(connection: Connection, schema: str, table: str, added: frozenset[str]) -> None:
    """Delete the rows, also of a table of which nothing may be deleted: its owner can allow it."""
    where = sql.Identifier(schema, table)
    name = where.as_string(connection)
    found = connection.execute("SELECT has_table_privilege(%s, 'DELETE')", [name]).fetchone()
    may = found is not None and found[0]
    delete = sql.SQL("DELETE FROM {} AS t WHERE to_jsonb(t)::text = ANY(%s)").format(where)
    with connection.transaction():
        if not may:
            connection.execute(sql.SQL("GRANT DELETE ON {} TO CURRENT_USER").format(where))
        connection.execute(delete, [list(added)])
        if not may:
            connection.execute(sql.SQL("REVOKE DELETE ON {} FROM CURRENT_USER").format(where))


def _statement(schema: str, model: Model, rows: Rows, start: int, end: int) -> sql.Composed:
    """The INSERT of the rows of the users with these numbers, those of a user side by side."""
    names = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    lines = [
        sql.SQL("({})").format(
            sql.SQL(", ").join(
                _expression(model, *each)
                for each in zip(rows.columns, rows.types, line, strict=True)
            )
        )
        for line in rows.values
    ]
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT row.* FROM generate_series({}::bigint, {}) AS n"
        " CROSS JOIN LATERAL (VALUES {}) AS row ({}) ORDER BY n"
    ).format(
        sql.Identifier(schema, rows.table), names, start, end - 1, sql.SQL(", ").join(lines), names
    )


def _expression(model: Model, column: str, kind: str, value: str | None) -> sql.Composed:
    """The value of a column for user n, in SQL."""
    of_kind = sql.SQL(kind)
    if value is None:
        return sql.SQL("NULL::{}").format(of_kind)
    if kind in _TIMES and value >= model.since:
        return sql.SQL("to_timestamp(({}::bigint + n) / 1000.0)::{}").format(people.EPOCH, of_kind)
    if kind == "uuid" and _is_new(model, value):
        return identifier(_kinds(model).index(value))
    if column == "request_id":
        return sql.SQL("left(md5(n::text), {})").format(len(value))
    text = sql.SQL("{}").format(value)
    if people.digits(MODEL) in value:
        text = sql.SQL("replace({}, {}, lpad(n::text, {}, '0'))").format(
            text, people.digits(MODEL), people.DIGITS
        )
    if model.identifier in value:
        text = sql.SQL("replace({}, {}, ({})::text)").format(text, model.identifier, identifier(0))
    return sql.SQL("({})::{}").format(text, of_kind)


def identifier(kind: int) -> sql.Composed:
    """`people.identifier` in SQL."""
    return sql.SQL(
        "regexp_replace(lpad(to_hex({}::bigint + n), 12, '0') || {} || lpad(to_hex(n), 12, '0'),"
        " '^(.{{8}})(.{{4}})(.{{4}})(.{{4}})', '\\1-\\2-\\3-\\4-')::uuid"
    ).format(people.EPOCH, f"7000{0x8000 + kind:x}")


def _kinds(model: Model) -> list[str]:
    """The ids that the creation has made: the user's first."""
    made = {
        value
        for rows in model.rows
        for line in rows.values
        for kind, value in zip(rows.types, line, strict=True)
        if kind == "uuid" and value is not None and _is_new(model, value)
    }
    return [model.identifier, *sorted(made - {model.identifier})]


def _is_new(model: Model, identifier: str) -> bool:
    """True if the id (UUID version 7) was made by the creation: no second before the user's own."""
    moments = (int(each.replace("-", "")[:12], 16) for each in (identifier, model.identifier))
    return identifier[14] == "7" and abs(next(moments) - next(moments)) < 1000
